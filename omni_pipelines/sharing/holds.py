"""Holds: while a home publishes a release again, no other home may drop that release.

A hold is an object of the store that its home writes again every minute. If the home dies, the hold ends by itself
after some minutes, and at once for the home that took it: it takes holds under its writer lock only, so a hold that
it finds when it has the lock is one that a killed process left.
"""

from __future__ import annotations

import platform
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from native.errors import StoreError
from native.object_store import ObjectStore, StoredObject
from omni_pipelines.knowledge.state.releases import release_number
from omni_pipelines.record_fields import Id, Moment, ReleaseNumber, now
from omni_pipelines.records import Record, sealed, unsealed

LASTS = timedelta(minutes=15)
"""How long a hold counts after it was last written, by the clock of the store."""
BEAT_SECONDS = 60.0
_LASTS_UNNAMED = timedelta(hours=24)
"""The same for a hold of an earlier version of omni, which is written only once and does not name its home."""
_FOLDER = "holds"


class Hold(Record):
    """Who holds a release, as the store contains it."""

    release: ReleaseNumber
    home: Id
    """The id of the home in the store."""
    place: str
    """The folder and the machine of the home, for people."""
    since: Moment

    @classmethod
    def of(cls, release: int, home: str, root: Path) -> Hold:
        """A hold that the home at a folder takes now."""
        return cls(release=release, home=home, place=f"{root} on {platform.node()}", since=now())


@dataclass(frozen=True)
class HeldRelease:
    """A hold in the store. Times are by the clock of the store."""

    key: str
    release: int
    hold: Hold | None
    """None if an earlier version of omni took it."""
    beat: datetime
    """When its home last wrote it."""

    @property
    def ends(self) -> datetime:
        """When it ends, unless its home writes it again."""
        return self.beat + (LASTS if self.hold is not None else _LASTS_UNNAMED)

    def __str__(self) -> str:
        owner = f"the home {self.hold.place}" if self.hold is not None else "a home with an earlier version of omni"
        return f"release {self.release} is held by {owner}, which last gave a sign at {self.beat:%Y-%m-%d %H:%M} UTC"


@contextmanager
def held(objects: ObjectStore, hold: Hold, beat_seconds: float = BEAT_SECONDS) -> Iterator[Callable[[], None]]:
    """Hold a release for as long as the context lasts. The value is a function that writes the hold again."""
    key = f"{_FOLDER}/{hold.release:012d}-{uuid.uuid4().hex}"
    ended = threading.Event()

    def write() -> None:
        objects.put(key, sealed(hold))

    def beat() -> None:
        while not ended.wait(beat_seconds):
            with suppress(StoreError):  # the next one may succeed
                write()

    write()
    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield write
    finally:
        ended.set()
        thread.join()
        with suppress(StoreError):  # this home ends it with the next collection
            objects.delete([key])


def read_holds(objects: ObjectStore, clock: Callable[[], datetime]) -> list[HeldRelease]:
    """The holds that count. Those that have ended are deleted. `clock` is asked only if there is a hold."""
    found = list(filter(None, (_read(objects, stored) for stored in objects.list(_FOLDER))))
    time = clock() if found else None
    ended = {each.key for each in found if time is not None and each.ends < time}
    objects.delete(ended)
    return [each for each in found if each.key not in ended]


def end_holds(objects: ObjectStore, holds: list[HeldRelease], home: str) -> list[HeldRelease]:
    """Delete the holds of a home that has its writer lock and takes none: a killed process left them. The others."""
    dead = {each.key for each in holds if each.hold is not None and each.hold.home == home}
    objects.delete(dead)
    return [each for each in holds if each.key not in dead]


def _read(objects: ObjectStore, stored: StoredObject) -> HeldRelease | None:
    release = release_number(stored.key.rpartition("/")[2])
    hold = unsealed(objects.get(stored.key) or b"", Hold)
    return HeldRelease(stored.key, release, hold, stored.modified) if release is not None else None
