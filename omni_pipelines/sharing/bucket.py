"""The objects of a shared store: its releases, what protects them from collection, and the files that they name.

    store.json             the identity of the store
    releases/<n>.json      a record for each number that was ever published; {} once the release is dropped, because a
                           number is never used twice
    pins/<n>.json          pinned releases, which collection keeps
    holds/<n>-<id>         releases that a home is publishing again, see `holds`
    dropping/<n>           releases that collection is about to drop, and that nobody can pin any more
    tables/<name>-<uuid>.lance/…   files of Lance tables, under the names that Lance gave them
    blobs/<sha256>-<id>    all other files, each under a name that was never used before

A home that pins a release writes the pin and then checks `dropping`; collection writes `dropping` and then checks the
pins. The later of the two sees the object of the other, so no release is both pinned and dropped, even if a home dies
in between.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from native.object_store import ObjectStore, StoredObject
from omni_pipelines.errors import ConfigurationError, StoreRefused
from omni_pipelines.knowledge.state.releases import release_number
from omni_pipelines.records import Pin, sealed, unsealed
from omni_pipelines.sharing.holds import HeldRelease, Hold, end_holds, held, read_holds
from omni_pipelines.sharing.store_records import StoredRelease, StoreIdentity, parse_release

REQUEST_SECONDS = 60.0
ORPHANS_KEPT = timedelta(hours=24)
"""How long objects that no release names are kept, by the clock of the store: an upload may be about to name them."""
_IDENTITY = "store.json"
_DROPPED = b"{}"
"""The record of a dropped release: its number stays taken."""


class Bucket:
    """A shared store, seen from one home."""

    def __init__(self, objects: ObjectStore, orphans_kept: timedelta = ORPHANS_KEPT) -> None:
        self.objects, self._orphans_kept = objects, orphans_kept

    @classmethod
    def open(cls, url: str, seconds: float = REQUEST_SECONDS) -> Bucket:
        """The store at a URL; a request may take `seconds`. No request is made."""
        return cls(ObjectStore(url, seconds=seconds))

    @property
    def url(self) -> str:
        """The address of the store."""
        return self.objects.url

    def identity(self) -> StoreIdentity | None:
        """The identity of the store; None if nobody has created it.

        Raises:
            StoreRefused: a later version of omni created it, or the object is something else.
        """
        raw = self.objects.get(_IDENTITY)
        if raw is None:
            return None
        identity = unsealed(raw, StoreIdentity)
        if identity is None:
            message = f"{self.url} is not a store of this version of omni"
            raise StoreRefused(message, cure="update omni, or name another store")
        return identity

    def create(self) -> StoreIdentity:
        """Create the store, unless another home has just done so."""
        self.objects.put_if_absent(_IDENTITY, sealed(StoreIdentity(store=uuid.uuid4().hex)))
        identity = self.identity()
        if identity is None:
            raise StoreRefused(f"{self.url} does not keep what is written to it", cure="name another store")
        return identity

    def probe(self) -> None:
        """Check that the store refuses a second object under one name, on which every release depends.

        Raises:
            StoreRefused: it does not.
        """
        key = f"probe/{uuid.uuid4().hex}"
        first, second = (self.objects.put_if_absent(key, content) for content in (b"1", b"2"))
        content = self.objects.get(key)
        self.objects.delete([key])
        if not first or second or content != b"1":
            raise StoreRefused(
                f"{self.url} has no conditional put (If-None-Match), so two writers could overwrite each other",
                cure="use a store that has it: S3, MinIO, R2, GCS, Azure",
            )

    def numbers(self, after: int = 0) -> list[int]:
        """The numbers of the kept releases that are higher than `after`, ascending."""
        records = self.objects.list("releases", _release_key(after) if after else "")
        return sorted(_numbers(record for record in records if record.size > len(_DROPPED)))

    def read(self, number: int) -> StoredRelease | None:
        """The record of a release; None if it never existed or was dropped.

        Raises:
            StoreRefused: the record is damaged, or of a later version of omni.
        """
        raw = self.objects.get(_release_key(number))
        if raw is None or raw == _DROPPED:
            return None
        record = parse_release(raw, number)
        if record is None:
            raise StoreRefused(
                f"the record of release {number} in {self.url} is damaged, or of a later version of omni",
                cure="update omni; if the record is damaged, restore the object from a backup of the bucket",
            )
        return record

    def publish(self, record: StoredRelease) -> bool:
        """Write the record, so that every home sees the release. False if another home has taken the number."""
        return self.objects.put_if_absent(_release_key(record.number), sealed(record))

    def pins(self) -> dict[int, Pin]:
        """Pins by release number."""
        pins = {}
        for number in self.pinned():
            raw = self.objects.get(_pin_key(number))
            pin = unsealed(raw, Pin) if raw is not None else None
            pins[number] = pin if pin is not None and pin.release == number else Pin(release=number)
        return pins

    def pinned(self) -> set[int]:
        """The numbers of the pinned releases."""
        return _numbers(self.objects.list("pins"))

    def pin(self, pin: Pin) -> None:
        """Keep a release.

        Raises:
            ConfigurationError: another home has dropped it, or is dropping it.
        """
        self.objects.put(_pin_key(pin.release), sealed(pin))
        try:
            self._require_kept(pin.release)
        except ConfigurationError:
            self.unpin(pin.release)
            raise

    def unpin(self, number: int) -> None:
        """Let collection drop a release."""
        self.objects.delete([_pin_key(number)])

    @contextmanager
    def hold(self, hold: Hold) -> Iterator[Callable[[], None]]:
        """Keep a release for as long as the context lasts.

        The value is a function to call just before something that depends on it: it raises if the release was lost,
        because the machine has slept for longer than a hold lasts.

        Raises:
            ConfigurationError: another home has dropped it, or is dropping it.
        """
        with held(self.objects, hold) as write:

            def renew() -> None:
                write()
                self._require_kept(hold.release)

            self._require_kept(hold.release)
            yield renew

    def holds(self) -> list[HeldRelease]:
        """The holds of all homes that count."""
        return read_holds(self.objects, self._now)

    def _held(self, home: str) -> set[int]:
        return {each.release for each in end_holds(self.objects, self.holds(), home)}

    def _require_kept(self, number: int) -> None:
        if self.objects.exists(_dropping_key(number)) or self.read(number) is None:
            raise ConfigurationError(f"release {number} is dropped by another home", cure="see: omni releases list")

    def drop(self, keep: Collection[int], home: str = "") -> list[int]:
        """Drop releases, and the objects that only they name. Returns the numbers of the releases that stay.

        Releases in `keep`, pinned ones and held ones stay, and so do releases newer than all of `keep`: another home
        has published them, and the caller does not know them yet. A drop that a dead home had begun is completed.
        Holds of `home`, which calls this under its writer lock and holds nothing now, were left by a killed process.
        """
        listed = [*self.objects.list("tables"), *self.objects.list("blobs")]
        numbers, protected = self.numbers(), self.pinned() | self._held(home)
        newest_known = max(keep, default=math.inf)
        for number in numbers:
            if number < newest_known and number not in keep and number not in protected:
                self.objects.put(_dropping_key(number), b"")
        dropping, protected = _numbers(self.objects.list("dropping")), self.pinned() | self._held(home)
        unprotected = dropping.difference(keep, protected)
        dropped = [number for number in numbers if number in unprotected]
        dropped_records = [self.read(number) for number in dropped]
        for number in dropped:
            self.objects.put(_release_key(number), _DROPPED)
        kept = [number for number in numbers if number not in dropped]
        self._delete_unnamed(dropped_records, [self.read(number) for number in kept], listed)
        self.objects.delete(_dropping_key(number) for number in dropping.difference(kept))
        return kept

    def _delete_unnamed(
        self,
        dropped: Iterable[StoredRelease | None],
        kept: Iterable[StoredRelease | None],
        listed: Iterable[StoredObject],
    ) -> None:
        """Delete objects that only dropped releases name, and old ones that no release names.

        `listed` must be older than `kept`, so that an object is not deleted that a new release names.
        """
        named = {key for record in kept if record is not None for key in needed_keys(record)}
        unnamed = {key for record in dropped if record is not None for key in needed_keys(record)} - named
        orphans = [stored for stored in listed if stored.key not in named and stored.key not in unnamed]
        if orphans:
            oldest = self._now() - self._orphans_kept
            unnamed.update(orphan.key for orphan in orphans if orphan.modified < oldest)
        self.objects.delete(unnamed)

    def _now(self) -> datetime:
        """The time by the clock of the store."""
        key = f"probe/{uuid.uuid4().hex}"
        self.objects.put(key, b"")
        written = next(stored for stored in self.objects.list("probe") if stored.key == key)
        self.objects.delete([key])
        return written.modified


def needed_keys(record: StoredRelease) -> set[str]:
    """The objects of a release: those that it names, and the manifests that Lance looks for."""
    return record.keys | {key for path in record.files if (key := table_key(record, path)) is not None}


def table_key(record: StoredRelease, path: str) -> str | None:
    """The key under which Lance looks for a file of a table; None if the path is not in a table."""
    folder, _, rest = path.partition(".lance/")
    name = folder.removeprefix("tables/")
    if not rest or name == folder:
        return None
    table_uuid, _, _ = record.heads[name].rpartition(":")
    return f"tables/{name}-{table_uuid}.lance/{rest}"


def _release_key(number: int) -> str:
    return f"releases/{number:012d}.json"


def _pin_key(number: int) -> str:
    return f"pins/{number:012d}.json"


def _dropping_key(number: int) -> str:
    return f"dropping/{number:012d}"


def _numbers(objects: Iterable[StoredObject]) -> set[int]:
    """The numbers in the keys of objects; keys without one are not ours."""
    return set(filter(None, (release_number(stored.key.rpartition("/")[2]) for stored in objects)))
