"""The store's side: which releases it holds, what keeps them, and the one put that makes a release.

    store.json             which store this is
    releases/<n>.json      a record for each number that was ever published, {} once it is dropped: a number is never
                           given again
    pins/<n>.json          releases that collection keeps
    holds/<n>-<id>         releases that somebody is about to show again, for a day at most
    dropping/<n>           releases that collection is about to drop: nobody pins them any more
    tables/<name>-<uuid>.lance/…   Lance tables: what Lance wrote, under Lance's names
    blobs/<sha256>-<id>    all other files, each under a name that was never used before

A pin is written and then looked for in `dropping`; collection writes `dropping` and then looks for the pin. Whichever
comes second sees the other, so no release is both pinned and dropped, whoever dies in between.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from native.object_store import ObjectStore, StoredObject
from omni_pipelines.errors import ConfigurationError, StoreRefused
from omni_pipelines.records import Pin, sealed, unsealed
from omni_pipelines.sharing.records import LAYOUT, StoredRelease, StoreIdentity, parse

IDENTITY = "store.json"
ORPHANS_KEPT = timedelta(hours=24)
"""Objects that no release names are kept for this long, by the store's own clock: somebody may be about to."""
_GONE = b"{}"
"""What is left of the record of a dropped release: its number stays taken."""


class Bucket:
    """A store, as one home sees it."""

    def __init__(self, objects: ObjectStore) -> None:
        self.objects = objects

    @property
    def url(self) -> str:
        """Its address."""
        return self.objects.url

    def identity(self) -> StoreIdentity | None:
        """Which store this is; None where there is none yet.

        Raises:
            StoreRefused: a later version of omni made it, or something else stands there.
        """
        raw = self.objects.get(IDENTITY)
        if raw is None:
            return None
        body = unsealed(raw)
        if body is None or body.get("layout") != LAYOUT:
            raise StoreRefused(f"{self.url} is no store of this version of omni", cure="update omni, or name another")
        return StoreIdentity.model_validate(body)

    def make(self) -> StoreIdentity:
        """Make it a store, unless another home did so just now."""
        self.objects.put_if_absent(IDENTITY, sealed(StoreIdentity(store=uuid.uuid4().hex)))
        found = self.identity()
        if found is None:
            raise StoreRefused(f"{self.url} does not keep what is written", cure="name another store")
        return found

    def probe(self) -> None:
        """Make sure that the store refuses a second object under one name: all rests on that.

        Raises:
            StoreRefused: it does not.
        """
        key = f"probe/{uuid.uuid4().hex}"
        first, second = (self.objects.put_if_absent(key, f"{number}".encode()) for number in (1, 2))
        kept = self.objects.get(key)
        self.objects.delete([key])
        if not first or second or kept != b"1":
            raise StoreRefused(
                f"{self.url} has no conditional put (If-None-Match), so two writers could overwrite each other",
                cure="use a store that has it: S3, MinIO, R2, GCS, Azure",
            )

    def numbers(self, after: int = 0) -> list[int]:
        """Numbers of the releases that are kept and higher than `after`, rising."""
        found = self.objects.list("releases", _release(after) if after else "")
        return sorted(_number(each.key) for each in found if each.size > len(_GONE))

    def read(self, number: int) -> StoredRelease | None:
        """The record of a release; None where there is none, or it was dropped.

        Raises:
            StoreRefused: it is no record, or not as it was written.
        """
        raw = self.objects.get(_release(number))
        if raw is None or raw == _GONE:
            return None
        record = parse(raw)
        if record is None:
            raise StoreRefused(
                f"the record of release {number} in {self.url} is damaged, or of a later version of omni",
                cure="update omni; if it is damaged, restore the object from a backup of the bucket",
            )
        return record

    def publish(self, record: StoredRelease) -> bool:
        """The flip: from here on every home sees it. False where another home has taken the number."""
        return self.objects.put_if_absent(_release(record.number), sealed(record))

    def pins(self) -> dict[int, Pin]:
        """The pinned releases."""
        found = {}
        for each in self.objects.list("pins"):
            raw = self.objects.get(each.key)
            body = unsealed(raw) if raw is not None else None
            number = _number(each.key)
            found[number] = Pin.model_validate(body) if body is not None else Pin(release=number)
        return found

    def pinned(self) -> set[int]:
        """Their numbers."""
        return _numbers(self.objects.list("pins"))

    def pin(self, pin: Pin) -> None:
        """Keep a release.

        Raises:
            ConfigurationError: it is being dropped, or was.
        """
        self.objects.put(_pin(pin.release), sealed(pin))
        try:
            self._require_kept(pin.release)
        except ConfigurationError:
            self.unpin(pin.release)
            raise

    def unpin(self, number: int) -> None:
        """Let a release be dropped."""
        self.objects.delete([_pin(number)])

    @contextmanager
    def held(self, number: int) -> Iterator[None]:
        """Nobody drops a release meanwhile.

        Raises:
            ConfigurationError: it is being dropped, or was.
        """
        key = f"holds/{number:012d}-{uuid.uuid4().hex}"
        self.objects.put(key, b"")
        try:
            self._require_kept(number)
            yield
        finally:
            self.objects.delete([key])

    def _holds(self) -> set[int]:
        found = list(self.objects.list("holds"))
        oldest = self._now() - ORPHANS_KEPT if found else None
        old = {each.key for each in found if oldest is not None and each.modified < oldest}
        self.objects.delete(old)  # of homes that died
        return {int(each.key.rpartition("/")[2].partition("-")[0]) for each in found if each.key not in old}

    def _require_kept(self, number: int) -> None:
        if self.objects.exists(_dropping(number)) or self.read(number) is None:
            raise ConfigurationError(f"release {number} is dropped by another home", cure="see: omni releases list")

    def drop(self, keep: Collection[int]) -> list[int]:
        """Drop all releases but those in `keep` and the pinned ones, and what only they need; the numbers that stay.

        Those that were about to be dropped by a home that died are dropped, too. A release that is newer than all in
        `keep` stays: another home has published it since, and the caller does not know it.
        """
        listed = [*self.objects.list("tables"), *self.objects.list("blobs")]
        kept, pinned, known = self.numbers(), self.pinned() | self._holds(), max(keep, default=math.inf)
        for number in kept:
            if number < known and number not in keep and number not in pinned:
                self.objects.put(_dropping(number), b"")
        dropping, pinned = _numbers(self.objects.list("dropping")), self.pinned() | self._holds()
        gone = [number for number in kept if number in dropping and number not in keep and number not in pinned]
        doomed = [self.read(number) for number in gone]
        for number in gone:
            self.objects.put(_release(number), _GONE)
        stay = [number for number in kept if number not in gone]
        self._delete(doomed, [self.read(number) for number in stay], listed)
        self.objects.delete(_dropping(number) for number in dropping.difference(stay))
        return stay

    def _delete(
        self,
        doomed: Iterable[StoredRelease | None],
        kept: Iterable[StoredRelease | None],
        listed: Iterable[StoredObject],
    ) -> None:
        """Delete what only dropped releases name, and what none has named for long. `listed` is older than `kept`."""
        named = {key for record in kept if record is not None for key in needed(record)}
        unnamed = {key for record in doomed if record is not None for key in needed(record)} - named
        orphans = [each for each in listed if each.key not in named and each.key not in unnamed]
        if orphans:
            oldest = self._now() - ORPHANS_KEPT
            unnamed.update(each.key for each in orphans if each.modified < oldest)
        self.objects.delete(unnamed)

    def _now(self) -> datetime:
        """The store's own time."""
        key = f"probe/{uuid.uuid4().hex}"
        self.objects.put(key, b"")
        found = next(each for each in self.objects.list("probe") if each.key == key)
        self.objects.delete([key])
        return found.modified


def needed(record: StoredRelease) -> set[str]:
    """The objects of a release: those it names, and those that Lance finds by itself."""
    return record.keys | {key for path in record.files if (key := table_key(record, path)) is not None}


def table_key(record: StoredRelease, path: str) -> str | None:
    """Where Lance would look for a file of a table; None for a path that is of none."""
    folder, _, rest = path.partition(".lance/")
    name = folder.removeprefix("tables/")
    if not rest or name == folder:
        return None
    uuid_, _, _ = record.heads[name].rpartition(":")
    return f"tables/{name}-{uuid_}.lance/{rest}"


def _release(number: int) -> str:
    return f"releases/{number:012d}.json"


def _pin(number: int) -> str:
    return f"pins/{number:012d}.json"


def _dropping(number: int) -> str:
    return f"dropping/{number:012d}"


def _number(key: str) -> int:
    return int(key.rpartition("/")[2].removesuffix(".json"))


def _numbers(objects: Iterable[StoredObject]) -> set[int]:
    return {_number(each.key) for each in objects}
