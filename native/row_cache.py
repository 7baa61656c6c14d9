"""Rows of a Lance version by key, without scanning: the key column in memory, and where it pays the vectors, too.

A filter on the key reads the whole column at each query; reading it once and keeping it, 64 bytes a row, makes a
lookup a binary search and a fetch by position. Fetching a vector costs 30 µs of CPU, having it in memory nothing.
What a filter selects is kept as well: the same reader narrows every search alike.
"""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from native import dataset_cache
from native.int8_scan import Codes
from native.lance_tables import LanceTable, missing_files

_MAX_FILTERS = 32
"""Filters of one version whose rows are kept, a byte a row each."""
_LARGE_BYTES = 1 << 10
"""Of a text in a row, about."""
_VECTOR_BYTES = 3
"""Of each part of a vector in memory: two as it is stored, one as a code."""
_SINGLE = np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float32)
"""Every float16 as float32, by its bits."""


class Rows:
    """The rows of one version. A position counts from 0 in storage order, which is what `take` is given."""

    def __init__(self, dataset: Any, key: str, vector: str | None, *, partial: bool) -> None:
        columns = [key] if vector is None else [key, vector]
        table = dataset.to_table(columns=columns, with_row_id=True)
        self._dataset = dataset
        self._keys = _fixed_width(table[key])
        self._by_key = np.argsort(self._keys)
        self._beginnings = _beginnings(self._keys[self._by_key])
        self._row_ids = table["_rowid"].to_numpy()
        self._by_row_id = np.argsort(self._row_ids)
        self._matrix = _matrix(table[vector]) if vector is not None else None
        self._codes = Codes(self._matrix) if self._matrix is not None else None
        self._selected: OrderedDict[str, np.ndarray] = OrderedDict()
        self._lock = threading.Lock()
        self.partial = partial
        """Whether vectors are missing that would fit."""

    @property
    def nbytes(self) -> int:
        """Bytes held in memory."""
        held = (self._keys, self._by_key, self._beginnings, self._row_ids, self._by_row_id, self._matrix, self._codes)
        with self._lock:
            return sum(each.nbytes for each in (*held, *self._selected.values()) if each is not None)

    def find(self, keys: Sequence[str]) -> np.ndarray:
        """Positions (n,) of keys; -1 for one that is not there."""
        wanted = np.array([key.encode() for key in keys], self._keys.dtype.type)
        if len(self._keys):
            at = np.searchsorted(self._beginnings, _beginnings(wanted))
            places = self._by_key[np.minimum(at, len(self._keys) - 1)]
            if (self._keys[places] == wanted).all():
                return places
        return _find(self._keys, self._by_key, wanted)  # one is not there, or begins like another one

    def find_row_ids(self, row_ids: np.ndarray) -> np.ndarray:
        """Positions (n,) of row ids; -1 for one that is not there."""
        return _find(self._row_ids, self._by_row_id, row_ids)

    def selected(self, where: str) -> np.ndarray:
        """Of each row (n,), whether a filter selects it."""
        with self._lock:
            if where in self._selected:
                self._selected.move_to_end(where)
                return self._selected[where]
        table = self._dataset.to_table(columns=[], filter=where, with_row_id=True)
        found = np.zeros(len(self._keys), np.bool_)
        positions = self.find_row_ids(table["_rowid"].to_numpy())
        found[positions[positions >= 0]] = True  # -1 would be the last row, and who may see what rests on this
        with self._lock:
            self._selected[where] = found
            while len(self._selected) > _MAX_FILTERS:
                self._selected.popitem(last=False)
        return found

    @property
    def in_memory(self) -> bool:
        """Whether the vectors are there, so that `scan` can be asked."""
        return self._codes is not None

    def scan(self, vector: np.ndarray, k: int, where: str | None) -> np.ndarray:
        """Positions of about the `k` nearest rows to `vector` (d,) that a filter selects, in no order."""
        assert self._codes is not None  # see in_memory
        return self._codes.nearest(vector, k, self.selected(where) if where is not None else None)

    def ordered(self, positions: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """The order (n,) of positions by their scores (n,), highest first, ties by key."""
        return np.lexsort((self._keys[positions], -scores))

    def keys(self, positions: np.ndarray) -> list[str]:
        """The keys at positions."""
        return [key.decode() for key in self._keys[positions].tolist()]

    def vectors(self, positions: np.ndarray, column: str) -> np.ndarray:
        """The vectors at positions (n,) as (n, d), float32."""
        if self._matrix is not None:
            return _single(self._matrix[positions])
        places, order = np.unique(positions, return_inverse=True)
        return _single(_matrix(self._dataset.take(places, columns=[column])[column])[order])


class Held:
    """Columns of one version in memory, equal strings once: what a hit is told with costs nothing to fetch then."""

    def __init__(self, dataset: Any, columns: Sequence[str], *, partial: bool) -> None:
        table = dataset.to_table(columns=list(columns)) if columns else pa.table({})
        self._columns = {name: _coded(table[name]) for name in table.column_names}
        self.partial = partial
        """Whether columns are missing that would be worth it."""

    @property
    def nbytes(self) -> int:
        """Bytes held in memory."""
        return sum(each.nbytes for column in self._columns.values() for each in column if each is not None)

    def take(self, positions: np.ndarray, columns: Sequence[str]) -> dict[str, list[Any]]:
        """Those of the columns that are here, at positions. Value by value: ten rows are no work for kernels."""
        found = {}
        for name in columns:
            if name in self._columns:
                values, codes = self._columns[name]
                places = positions if codes is None else codes[positions]
                found[name] = [values[place].as_py() for place in places.tolist()]
        return found


def rows_of(
    table: LanceTable, key: str, version: int | None = None, vector: str | None = None, *, counts: bool = True
) -> Rows:
    """The rows of a version, kept in the pool as long as its dataset; with `vector`, that column too, if it fits.

    With `counts`, this is a search, and the next one will find the vectors in memory.

    Raises:
        TableMissing, TableCorrupt: as for `LanceTable.open`.
    """
    table.open(version)  # for its errors
    load = functools.partial(_load, key=key, vector=vector)
    with missing_files(table.name):
        rows: Rows = dataset_cache.pool().columns(table.path, version, key, load, counts=counts)
    return rows


def fetch(
    table: LanceTable,
    key: str,
    keys: Sequence[str],
    columns: Sequence[str],
    version: int,
    held: Sequence[str] = (),
    large: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """The rows with these keys, those that are there, in the order of `keys`.

    The columns in `held` are kept in memory from the second call on, those in `large`, of about 1 KiB a row, where
    they fit a quarter of what columns may take. A column costs 100 µs to fetch for ten rows, a text 1 ms.
    """
    dataset = table.open(version)
    if dataset.count_rows() * _LARGE_BYTES <= dataset_cache.pool().config.column_bytes // 4:
        held = (*held, *large)
    positions = rows_of(table, key, version).find(keys)
    positions = positions[positions >= 0]
    load = functools.partial(_hold, columns=tuple(held))
    with missing_files(table.name):
        kept: Held = dataset_cache.pool().columns(table.path, version, f"held of {','.join(held)}", load)
        found = kept.take(positions, columns)
        missing = [name for name in columns if name not in found]
        if missing:
            found |= dataset.take(positions, columns=missing).to_pydict()
    return [dict(zip(columns, row, strict=True)) for row in zip(*(found[name] for name in columns), strict=True)]


def _hold(dataset: Any, again: bool, *, columns: Sequence[str]) -> Held:
    return Held(dataset, columns if again else (), partial=not again and bool(columns))


def _coded(column: pa.ChunkedArray) -> tuple[pa.Array, np.ndarray | None]:
    """The values of a column; of strings the different ones, and which of them stands in each row."""
    if not pa.types.is_string(column.type):
        return column.combine_chunks(), None
    coded = column.dictionary_encode(null_encoding="encode").combine_chunks()
    return coded.dictionary, coded.indices.to_numpy()


def _load(dataset: Any, again: bool, *, key: str, vector: str | None) -> Rows:
    if vector is None:
        return Rows(dataset, key, None, partial=False)
    size = dataset.count_rows() * dataset.schema.field(vector).type.list_size * _VECTOR_BYTES
    fits = size <= dataset_cache.pool().config.column_bytes // 2
    return Rows(dataset, key, vector if fits and again else None, partial=fits and not again)


def _find(values: np.ndarray, order: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    if len(values) == 0 or len(wanted) == 0:
        return np.full(len(wanted), -1)
    places = order[np.minimum(np.searchsorted(values, wanted, sorter=order), len(values) - 1)]
    return np.where(values[places] == wanted, places, -1)


def _beginnings(keys: np.ndarray) -> np.ndarray:
    """The first eight bytes of keys as numbers that sort like them: found three times as fast as the keys."""
    return keys.astype("S8").view(">u8").astype(np.uint64)


def _single(vectors: np.ndarray) -> np.ndarray:
    """Vectors as float32; numpy itself takes three times as long for halves."""
    return _SINGLE.take(vectors.view(np.uint16)) if vectors.dtype == np.float16 else vectors.astype(np.float32)


def _fixed_width(column: pa.ChunkedArray) -> np.ndarray:
    """Strings as fixed-width bytes. Hashes are all equally long: then it is their buffer itself."""
    strings = column.combine_chunks()
    if isinstance(strings, pa.StringArray) and len(strings) > 0:
        offsets = np.frombuffer(strings.buffers()[1], np.int32)[strings.offset :][: len(strings) + 1]
        widths = np.diff(offsets)
        if widths[0] > 0 and (widths == widths[0]).all():
            return np.frombuffer(strings.buffers()[2], f"S{widths[0]}", len(strings), int(offsets[0]))
    return np.array([value.encode() for value in strings.to_pylist()], np.bytes_)


def _matrix(vectors: pa.ChunkedArray) -> np.ndarray:
    """A column of vectors as (n, d)."""
    width = vectors.type.list_size
    return vectors.combine_chunks().flatten().to_numpy(zero_copy_only=False).reshape(-1, width)
