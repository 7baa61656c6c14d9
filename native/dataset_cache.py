"""Open Lance datasets, kept: a bounded LRU that every read and write of a table goes through.

A dataset is one version of one table, so a cached one never goes stale by itself. What may change is the table under
its path: each use looks at the version's manifest file (2 µs), and a file that is gone or is another one, as after
a table was made anew, empties the slot. All datasets share one Lance session with explicit byte limits; Lance's
defaults are 7 GiB a table.
"""

from __future__ import annotations

import functools
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_MANIFEST = ".manifest"
_MANIFEST_BASE = (1 << 64) - 1
"""Lance names the manifest of version v `<2^64-1-v>.manifest`, so that the newest sorts first."""
_INVERTED_DIGITS = 20
"""Such a name has this many digits; tables of older writers have `<v>.manifest`."""

Identity = tuple[int, int, int]
"""Inode, size and time of a manifest: another table at the same path has another one."""


@dataclass(frozen=True)
class DatasetCacheConfig:
    """The limits of the pool."""

    max_cached_tables: int = 16
    """Datasets kept open; the one unused for longest goes first."""
    index_cache_bytes: int = 256 << 20
    """Of the session: index pages."""
    metadata_cache_bytes: int = 64 << 20
    """Of the session: manifests and file footers."""
    column_bytes: int = 256 << 20
    """Columns that queries keep in memory, of all datasets together."""
    idle_seconds: float = 600.0
    """A dataset unused for this long is closed at the next use of any."""


@dataclass(frozen=True)
class DatasetCacheStats:
    """Counters since the process began, and what is held now."""

    hits: int
    misses: int
    evictions: int
    stale: int
    """Slots emptied because the table under the path was no longer the same."""
    open_tables: int
    column_bytes: int
    session_bytes: int


@dataclass
class _Columns:
    """What is kept of some rows, for all versions that have just these: building an index changes none."""

    loaded: dict[str, Any] = field(default_factory=dict)
    uses: dict[str, int] = field(default_factory=dict)
    loading: threading.Lock = field(default_factory=threading.Lock)


@dataclass
class _Slot:
    dataset: Any
    identity: Identity
    used: float
    columns: _Columns = field(default_factory=_Columns)


class DatasetCache:
    """The pool. Safe to use from several threads; what `get` gives is for reading, what `lend` gives for writing."""

    def __init__(self, config: DatasetCacheConfig | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.config = config or DatasetCacheConfig()
        self._clock = clock
        self._lock = threading.RLock()
        self._slots: OrderedDict[tuple[str, int], _Slot] = OrderedDict()
        self._hits = self._misses = self._evictions = self._stale = 0

    @functools.cached_property
    def session(self) -> Any:
        """The Lance session that all datasets share."""
        import lance

        return lance.Session(
            index_cache_size_bytes=self.config.index_cache_bytes,
            metadata_cache_size_bytes=self.config.metadata_cache_bytes,
        )

    def get(self, path: Path, version: int | None = None) -> Any:
        """The dataset at `version`, or at the head. Do not write through it.

        Raises:
            FileNotFoundError: no table, or no such version.
        """
        return self._slot(path, version).dataset

    def columns(
        self, path: Path, version: int | None, name: str, load: Callable[[Any, bool], Any], *, counts: bool = True
    ) -> Any:
        """What `load(dataset, again)` made of a version, kept as long as its dataset, or another with the same rows.

        `again` is false at the first use under this name and true from the second on, when keeping more in memory
        begins to pay; a use that does not count is not one of them. What is loaded says its size in `nbytes`, and
        whether it is worth loading anew in `partial`.
        """
        slot = self._slot(path, version)
        kept = slot.columns
        found, uses = kept.loaded.get(name), kept.uses.get(name, 0) + counts
        kept.uses[name] = uses
        if not _enough(found, uses):
            with kept.loading:  # what one thread loads, no other has to
                found = kept.loaded.get(name)
                if not _enough(found, uses):
                    found = load(slot.dataset, uses > 1)
                    with self._lock:
                        kept.loaded[name] = found
                        self._shrink(keep=slot)
        return found

    def lend(self, path: Path) -> Any:
        """The head as an object of its own, to write through; give it back after the write.

        A write moves the object it goes through to the new version, which a reader of that object would not expect;
        and while one thread writes through an object, Lance refuses it to all others ("already mutably borrowed").

        Raises:
            FileNotFoundError: there is no table.
        """
        return self._open(path, head_version(path))

    def take_back(self, path: Path, dataset: Any) -> None:
        """Keep what a write has left, as the version it has become."""
        self._keep(path, dataset)

    def evict(self, path: Path | None = None) -> int:
        """Close the datasets of one table, or all. How many they were."""
        with self._lock:
            gone = [key for key in self._slots if path is None or key[0] == str(path)]
            for key in gone:
                del self._slots[key]
            self._evictions += len(gone)
        return len(gone)

    def start_anew(self) -> None:
        """Close all datasets and the session: for when versions of a table were replaced by others."""
        self.evict()
        self.__dict__.pop("session", None)

    def stats(self) -> DatasetCacheStats:
        """What happened, and what is held."""
        with self._lock:
            self._shrink()
            return DatasetCacheStats(
                hits=self._hits,
                misses=self._misses,
                evictions=self._evictions,
                stale=self._stale,
                open_tables=len(self._slots),
                column_bytes=self._column_bytes(),
                session_bytes=int(self.session.size_bytes()),
            )

    def _slot(self, path: Path, version: int | None) -> _Slot:
        number = head_version(path) if version is None else version
        identity, key = _identity(path, number), (str(path), number)
        with self._lock:
            slot = self._slots.get(key)
            if slot is not None and slot.identity == identity:
                self._hits += 1
                slot.used = self._clock()
                self._slots.move_to_end(key)
                return slot
            if slot is not None:
                self._stale += 1
                del self._slots[key]
            self._misses += 1
        return self._keep(path, self._open(path, number))

    def _open(self, path: Path, version: int) -> Any:
        import lance

        return lance.dataset(str(path), version=version, session=self.session)

    def _keep(self, path: Path, dataset: Any) -> _Slot:
        fresh, key = _Slot(dataset, _identity(path, dataset.version), self._clock()), (str(path), dataset.version)
        with self._lock:
            slot = self._slots.get(key)
            if slot is None or slot.identity != fresh.identity:  # else another thread was quicker, or nothing changed
                fresh.columns = self._columns_of_the_same_rows(path, dataset) or fresh.columns
                slot = self._slots[key] = fresh
            self._slots.move_to_end(key)
            self._shrink(keep=slot)
        return slot

    def _columns_of_the_same_rows(self, path: Path, dataset: Any) -> _Columns | None:
        others = [slot for key, slot in self._slots.items() if key[0] == str(path) and slot.columns.loaded]
        rows = _rows(dataset) if others else None
        return next((slot.columns for slot in others if _rows(slot.dataset) == rows), None)

    def _column_bytes(self) -> int:
        """As they are now: some grow while they are used."""
        kept = {id(slot.columns): slot.columns for slot in self._slots.values()}
        return sum(each.nbytes for columns in kept.values() for each in list(columns.loaded.values()))

    def _shrink(self, keep: _Slot | None = None) -> None:
        """Close what is idle or too much, the longest unused first."""
        idle_since = self._clock() - self.config.idle_seconds
        for key, slot in list(self._slots.items()):
            if slot is not keep and (slot.used < idle_since or self._full()):
                del self._slots[key]
                self._evictions += 1

    def _full(self) -> bool:
        return len(self._slots) > self.config.max_cached_tables or self._column_bytes() > self.config.column_bytes


def _rows(dataset: Any) -> tuple[Any, list[Any]]:
    """What a version holds, and where: equal in versions that differ in nothing but indexes and tags."""
    return dataset.schema, [fragment.metadata.to_json() for fragment in dataset.get_fragments()]


def _enough(found: Any, uses: int) -> bool:
    return found is not None and not (found.partial and uses > 1)


def manifest_version(name: str) -> int | None:
    """The version a manifest file is of; None for any other file."""
    stem = name.removesuffix(_MANIFEST)
    if stem == name or not stem.isdecimal():
        return None
    return _MANIFEST_BASE - int(stem) if len(stem) == _INVERTED_DIGITS else int(stem)


def manifest_name(version: int) -> str:
    """The name of the manifest of a version, as today's Lance writes it."""
    return f"{_MANIFEST_BASE - version:0{_INVERTED_DIGITS}d}{_MANIFEST}"


def head_version(path: Path) -> int:
    """The newest version of the table at `path`.

    Raises:
        FileNotFoundError: there is no table.
    """
    versions = [manifest_version(name) for name in os.listdir(path / "_versions")]
    newest = max((version for version in versions if version is not None), default=None)
    if newest is None:
        raise FileNotFoundError(f"no version of a table at {path}")
    return newest


def _identity(path: Path, version: int) -> Identity:
    names = (manifest_name(version), f"{version}{_MANIFEST}")
    for name in names:
        try:
            status = os.stat(path / "_versions" / name)
        except FileNotFoundError:
            continue
        return status.st_ino, status.st_size, status.st_mtime_ns
    raise FileNotFoundError(f"version {version} not found at {path}")


_pool = DatasetCache()


def pool() -> DatasetCache:
    """The pool of this process."""
    return _pool


def configure(config: DatasetCacheConfig) -> None:
    """Give the process a pool with these limits; one that has them already is kept."""
    global _pool
    if config != _pool.config:
        _pool = DatasetCache(config)
