"""The pool of open Lance datasets: a bounded LRU that every read and write of a table goes through.

A dataset is one version of one table, so a cached one cannot become stale by itself. But the table at its path can be
replaced by another. Each use therefore checks the identity of the version's manifest (2 µs) and reopens the dataset
if it differs. All datasets share one Lance session with explicit byte limits; Lance's defaults are 7 GiB per table.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

from native.errors import TableCorrupt
from native.lance_import import import_lance
from native.lance_manifests import ManifestIdentity, head_version, manifest_identity
from native.lance_paths import lance_path

if TYPE_CHECKING:
    from lance import LanceDataset
    from lance.lance import _Session as Session


@dataclass(frozen=True)
class DatasetCacheConfig:
    """The limits of the pool."""

    max_cached_tables: int = 16
    """Datasets kept open. The least recently used one is closed first."""
    index_cache_bytes: int = 256 << 20
    """Index pages in the session."""
    metadata_cache_bytes: int = 64 << 20
    """Manifests and file footers in the session."""
    column_bytes: int = 256 << 20
    """Columns that queries keep in memory, over all datasets."""
    idle_seconds: float = 600.0
    """A dataset unused for this long is closed at the next use of any dataset."""


@dataclass(frozen=True)
class DatasetCacheStats:
    """Counters since the process began, and what is open now."""

    hits: int
    misses: int
    evictions: int
    stale: int
    """Datasets dropped because another table had taken the place of theirs."""
    open_tables: int
    column_bytes: int
    session_bytes: int


class Loaded(Protocol):
    """What queries keep in memory of a version: columns, or structures made from them."""

    partial: bool
    """Whether it should be loaded again, with more in memory, once that pays."""

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""


LoadedT = TypeVar("LoadedT", bound=Loaded)


@dataclass
class _Columns:
    """What is loaded of a set of rows. All versions with exactly these rows share it: a new index changes no row."""

    loaded: dict[str, Loaded] = field(default_factory=dict)
    uses: dict[str, int] = field(default_factory=dict)
    loading: threading.Lock = field(default_factory=threading.Lock)


@dataclass
class _Slot:
    dataset: LanceDataset
    identity: ManifestIdentity
    used: float
    columns: _Columns = field(default_factory=_Columns)


class DatasetCache:
    """The pool. It is safe to use from several threads.

    Read through the datasets of `get`, write through those of `lend`.
    """

    def __init__(self, config: DatasetCacheConfig | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.config = config or DatasetCacheConfig()
        self._clock = clock
        self._lock = threading.RLock()
        self._session: Session | None = None
        self._slots: OrderedDict[tuple[str, int], _Slot] = OrderedDict()
        self._hits = self._misses = self._evictions = self._stale = 0

    def configure(self, config: DatasetCacheConfig) -> None:
        """Set the limits. If they change, all datasets and the session are closed."""
        with self._lock:
            if config != self.config:
                self.config = config
                self.reset()

    @property
    def session(self) -> Session:
        """The Lance session that all datasets share; opened at its first use."""
        with self._lock:
            if self._session is None:
                self._session = import_lance().Session(
                    index_cache_size_bytes=self.config.index_cache_bytes,
                    metadata_cache_size_bytes=self.config.metadata_cache_bytes,
                )
            return self._session

    def get(self, path: Path, version: int | None = None) -> LanceDataset:
        """The dataset at `version`, or at the head. Do not write through it.

        Raises:
            FileNotFoundError: there is no table, or no such version.
        """
        return self._slot(path, version).dataset

    def columns(
        self,
        path: Path,
        version: int | None,
        name: str,
        load: Callable[[LanceDataset, bool], LoadedT],
        *,
        uses: int = 1,
        pays_at: Callable[[LanceDataset], int] = lambda _: 2,
    ) -> LoadedT:
        """The result of `load(dataset, again)`, kept while the dataset or another one with the same rows is open.

        `again` is true from the use with the number `pays_at(dataset)` on, when it pays to keep more in memory; a
        `partial` result is then loaded again. This call counts as `uses` uses.
        """
        slot = self._slot(path, version)
        columns = slot.columns
        number = columns.uses[name] = columns.uses.get(name, 0) + uses
        loaded = columns.loaded.get(name)
        if loaded is not None and not loaded.partial:
            return cast(LoadedT, loaded)
        pays = number >= pays_at(slot.dataset)
        if _is_enough(loaded, pays):
            return cast(LoadedT, loaded)
        with columns.loading:  # several threads wait for one load
            loaded = columns.loaded.get(name)
            if _is_enough(loaded, pays):
                return cast(LoadedT, loaded)
            fresh = load(slot.dataset, pays)
            with self._lock:
                columns.loaded[name] = fresh
                self._shrink(keep=slot)
            return fresh

    def lend(self, path: Path) -> LanceDataset:
        """A new dataset at the head, to write through; give it back with `take_back` after the write.

        It is not shared, because a write moves the dataset to the new version, and because Lance refuses a dataset to
        other threads while one writes through it ("already mutably borrowed").

        Raises:
            FileNotFoundError: there is no table.
        """
        return self._open(path, head_version(path))

    def take_back(self, path: Path, dataset: LanceDataset) -> None:
        """Keep a dataset after a write, at its new version."""
        self._keep(path, dataset)

    def evict(self, path: Path | None = None) -> int:
        """Close the datasets of one table, or of all. Returns how many were closed."""
        with self._lock:
            keys = [key for key in self._slots if path is None or key[0] == str(path)]
            for key in keys:
                del self._slots[key]
            self._evictions += len(keys)
        return len(keys)

    def reset(self) -> None:
        """Close all datasets and the session: necessary after versions of a table were replaced by others."""
        with self._lock:
            self.evict()
            self._session = None

    def stats(self) -> DatasetCacheStats:
        """The counters, and what is open now."""
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
        identity, key = manifest_identity(path, number), (str(path), number)
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

    def _open(self, path: Path, version: int) -> LanceDataset:
        dataset: LanceDataset = import_lance().dataset(lance_path(path), version=version, session=self.session)
        _ = dataset.schema  # Lance panics here, and not before, if the manifest is damaged
        if dataset.base_paths():
            raise TableCorrupt(f"table {path.stem} names files outside its folder", cure="do not trust this home")
        return dataset

    def _keep(self, path: Path, dataset: LanceDataset) -> _Slot:
        key = (str(path), dataset.version)
        fresh = _Slot(dataset, manifest_identity(path, dataset.version), self._clock())
        with self._lock:
            slot = self._slots.get(key)
            if slot is None or slot.identity != fresh.identity:  # else it was kept already, perhaps by another thread
                fresh.columns = self._columns_of_same_rows(path, dataset) or fresh.columns
                slot = self._slots[key] = fresh
            self._slots.move_to_end(key)
            self._shrink(keep=slot)
        return slot

    def _columns_of_same_rows(self, path: Path, dataset: LanceDataset) -> _Columns | None:
        others = [slot for key, slot in self._slots.items() if key[0] == str(path) and slot.columns.loaded]
        rows = _rows_and_files(dataset) if others else None
        return next((slot.columns for slot in others if _rows_and_files(slot.dataset) == rows), None)

    def _column_bytes(self) -> int:
        """Computed each time, because loaded columns may grow with use."""
        kept = {id(slot.columns): slot.columns for slot in self._slots.values()}
        return sum(loaded.nbytes for columns in kept.values() for loaded in list(columns.loaded.values()))

    def _shrink(self, keep: _Slot | None = None) -> None:
        """Close datasets that are idle or beyond a limit, the least recently used first."""
        idle_since = self._clock() - self.config.idle_seconds
        full = self._is_full()
        for key, slot in list(self._slots.items()):
            if slot is not keep and (slot.used < idle_since or full):
                del self._slots[key]
                self._evictions += 1
                full = full and self._is_full()

    def _is_full(self) -> bool:
        return len(self._slots) > self.config.max_cached_tables or self._column_bytes() > self.config.column_bytes


def _rows_and_files(dataset: LanceDataset) -> tuple[object, list[object]]:
    """Equal for two versions that differ only in indexes and tags."""
    return dataset.schema, [fragment.metadata.to_json() for fragment in dataset.get_fragments()]


def _is_enough(loaded: Loaded | None, pays: bool) -> bool:
    return loaded is not None and not (loaded.partial and pays)


POOL = DatasetCache()
"""The pool of this process."""
