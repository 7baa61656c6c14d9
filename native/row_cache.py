"""The rows of a table version by key, without a scan: the key column is kept in memory, and so are the vectors.

A filter on the key reads the whole column at each query. With the column in memory, at 64 bytes per row, a lookup is
a binary search and a fetch by position. To fetch a vector costs 30 µs of CPU; from memory it costs nothing. The rows
that a filter selects are kept too, because the same viewer filters every search in the same way.
"""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from collections.abc import Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyarrow._compute import DictionaryEncodeOptions, call_function

from native.dataset_cache import POOL
from native.int8_scan import QuantizedVectors
from native.lance_tables import LanceTable, empty_values

if TYPE_CHECKING:
    from lance import LanceDataset

_MAX_FILTERS = 32
"""Filters per version whose selected rows are kept, at one byte per row."""
_TEXT_BYTES = 1 << 10
"""Assumed size of a text column in one row."""
ROWS_PER_USE = 1_000
"""Rows that are loaded into memory for the CPU time of one use without that, 10 ms for 50,000 rows: a process that
ends after one search does not load them, and one that goes on pays at most twice what is the least."""
ALWAYS = 1 << 30
"""Uses that a call counts as which loads everything that searches keep in memory, before they come."""
_COMPONENT_BYTES = 3
"""Memory per component of a vector: two bytes as stored, one quantized."""
_FLOAT16_VALUES = np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float32)
"""Every float16 as float32, by its bits."""


class RowIndex:
    """The keys of one version in memory, optionally with their vectors.

    A position is the row's number in storage order, from 0.
    """

    def __init__(self, dataset: LanceDataset, key: str, vector: str | None, *, partial: bool) -> None:
        table = dataset.to_table(columns=[key] if vector is None else [key, vector], with_row_id=True)
        self._dataset = dataset
        self._keys = _fixed_width(table[key])
        prefixes = _prefixes(self._keys)
        self._by_prefix = np.argsort(prefixes)
        self._sorted_prefixes = prefixes[self._by_prefix]
        self._row_ids = table["_rowid"].to_numpy()
        self._fragments = dataset.get_fragments()
        counts = [fragment.physical_rows - fragment.num_deletions for fragment in self._fragments]
        self._starts = np.cumsum([0, *counts])
        self._matrix = _matrix(table[vector]) if vector is not None else None
        self._quantized = QuantizedVectors(self._matrix) if self._matrix is not None else None
        self._selections: OrderedDict[str, np.ndarray] = OrderedDict()
        self._lock = threading.Lock()
        self.partial = partial
        """Whether vectors are missing that would fit into memory."""

    def __len__(self) -> int:
        """Number of rows."""
        return len(self._keys)

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        keys = (self._keys, self._by_prefix, self._sorted_prefixes, self._row_ids)
        vectors = [part for part in (self._matrix, self._quantized) if part is not None]
        with self._lock:
            return sum(part.nbytes for part in (*keys, *vectors, *self._selections.values()))

    def find(self, keys: Sequence[str]) -> np.ndarray:
        """Positions (n,) of keys; -1 for an unknown key."""
        wanted = np.array([key.encode() for key in keys], self._keys.dtype.type)
        if len(self._keys):
            ranks = np.searchsorted(self._sorted_prefixes, _prefixes(wanted))
            positions = self._by_prefix[np.minimum(ranks, len(self._keys) - 1)]
            if (self._keys[positions] == wanted).all():
                return positions
        return _positions(self._keys, self._by_key, wanted)  # a key is unknown, or shares its prefix with another one

    @functools.cached_property
    def _by_key(self) -> np.ndarray:
        """Positions by ascending key. To sort whole keys takes five times as long, and few searches need it."""
        return np.argsort(self._keys)

    @functools.cached_property
    def _by_row_id(self) -> np.ndarray:
        """Positions by ascending row id. A search by words does not need it."""
        return np.argsort(self._row_ids)

    def find_row_ids(self, row_ids: np.ndarray) -> np.ndarray:
        """Positions (n,) of Lance row ids; -1 for an unknown one."""
        return _positions(self._row_ids, self._by_row_id, row_ids)

    def selected(self, where: str) -> np.ndarray:
        """For each row (n,), whether a filter selects it."""
        with self._lock:
            if where in self._selections:
                self._selections.move_to_end(where)
                return self._selections[where]
        table = self._dataset.to_table(columns=[], filter=where, with_row_id=True)
        selection = np.zeros(len(self._keys), np.bool_)
        positions = self.find_row_ids(table["_rowid"].to_numpy())
        selection[positions[positions >= 0]] = True  # -1 would select the last row, and access control relies on this
        with self._lock:
            self._selections[where] = selection
            while len(self._selections) > _MAX_FILTERS:
                self._selections.popitem(last=False)
        return selection

    @property
    def in_memory(self) -> bool:
        """Whether the vectors are in memory, so that `scan` works."""
        return self._quantized is not None

    def scan(self, vector: np.ndarray, k: int, where: str | None) -> np.ndarray:
        """Positions of approximately the `k` rows nearest to `vector` (d,) that a filter selects, in no order."""
        assert self._quantized is not None  # see in_memory
        return self._quantized.nearest(vector, k, self.selected(where) if where is not None else None)

    def order(self, positions: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """Indices (n,) that sort positions by their scores (n,), highest first, ties by key."""
        return np.lexsort((self._keys[positions], -scores))

    def keys(self, positions: np.ndarray) -> list[str]:
        """The keys at positions."""
        return [key.decode() for key in self._keys[positions].tolist()]

    def vectors(self, positions: np.ndarray, column: str) -> np.ndarray:
        """The vectors at positions (n,) as (n, d), float32."""
        if self._matrix is not None:
            return _as_float32(self._matrix[positions])
        read, order = self.read(positions, [column])
        return _as_float32(_matrix(read[column])[order])

    def read(self, positions: np.ndarray, columns: Sequence[str]) -> tuple[pa.Table, np.ndarray]:
        """The rows at positions (n,) from disk, each once, in storage order; and the index (n,) of each among them.

        Fragment by fragment: `take` of a dataset looks for each row on its own, which takes up to five times as long.
        """
        unique, order = np.unique(positions, return_inverse=True)
        ends = np.searchsorted(unique, self._starts).tolist()
        parts = [
            fragment.take((unique[first:end] - start).tolist(), columns=list(columns))
            for fragment, start, first, end in zip(self._fragments, self._starts, ends[:-1], ends[1:], strict=False)
            if first < end
        ]
        return pa.concat_tables(parts) if parts else self._dataset.schema.empty_table().select(list(columns)), order


class ColumnCache:
    """Dictionary-encoded columns of one version in memory, so that a hit is built without a disk read."""

    def __init__(self, dataset: LanceDataset, columns: Sequence[str], *, partial: bool) -> None:
        table = dataset.to_table(columns=list(columns)) if columns else pa.table({})
        moments = {name for name in table.column_names if pa.types.is_timestamp(table[name].type)}
        self._columns = {name: _encoded(table[name]) for name in table.column_names if name not in moments}
        self._moments = {name: _as_moments(table[name]) for name in moments}
        self.partial = partial
        """Whether columns are missing that would be worth their memory."""

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        encoded = (part for column in self._columns.values() for part in column if part is not None)
        return sum(part.nbytes for part in encoded) + sum(moments.nbytes for moments, _ in self._moments.values())

    def take(self, positions: np.ndarray, columns: Sequence[str]) -> dict[str, list[object]]:
        """The cached ones of these columns, at positions. Value by value: for ten rows, kernels would be slower."""
        taken: dict[str, list[object]] = {}
        for name in columns:
            if name in self._moments:
                moments, zone = self._moments[name]
                taken[name] = [moment and moment.replace(tzinfo=zone) for moment in moments[positions].tolist()]
            elif name in self._columns:
                values, codes = self._columns[name]
                indices = positions if codes is None else codes[positions]
                taken[name] = [values[index].as_py() for index in indices.tolist()]
        return taken


def row_index(
    table: LanceTable, key: str, version: int | None = None, vector: str | None = None, *, uses: int = 1
) -> RowIndex:
    """The row index of a version, kept in the pool as long as its dataset; with `vector`, that column too if it fits.

    The vectors are kept in memory once there were enough `uses`.

    Raises:
        TableMissing, TableCorrupt: as for `LanceTable.open`.
    """
    table.open(version)  # raises the errors
    load = functools.partial(_load_index, key=key, vector=vector)
    with table.reading():
        return POOL.columns(table.path, version, key, load, uses=uses, pays_at=_pays_at)


def fetch_rows(
    table: LanceTable,
    key: str,
    keys: Sequence[str],
    columns: Sequence[str],
    version: int,
    cached: Sequence[str] = (),
    cached_texts: Sequence[str] = (),
    *,
    uses: int = 1,
) -> list[dict[str, Any]]:
    """The rows with these keys, in the order of `keys`; unknown keys are left out.

    The columns in `cached` are kept in memory once there were enough `uses`. Those in `cached_texts`, of about 1 KiB
    per row, are kept if they fit into a quarter of the memory for columns. To fetch ten rows of a column from disk
    costs 100 µs, of a text column 1 ms.
    """
    rows = row_index(table, key, version)
    if len(rows) * _TEXT_BYTES <= POOL.config.column_bytes // 4:
        cached = (*cached, *cached_texts)
    positions = rows.find(keys)
    positions = positions[positions >= 0]
    lacking = table.lacking([*columns, *cached], version)
    absent = {column.name for column in lacking}
    cached = [name for name in cached if name not in absent]
    load = functools.partial(_load_columns, columns=tuple(cached))
    with table.reading():
        name = f"columns {','.join(cached)}"
        cache = POOL.columns(table.path, version, name, load, uses=uses, pays_at=_pays_at)
        values = cache.take(positions, columns)
        values |= {column.name: empty_values(column, len(positions)).to_pylist() for column in lacking}
        missing = [name for name in columns if name not in values]
        if missing:
            read, order = rows.read(positions, missing)
            values |= {name: [column[index] for index in order] for name, column in read.to_pydict().items()}
    return [dict(zip(columns, row, strict=True)) for row in zip(*(values[name] for name in columns), strict=True)]


def _pays_at(dataset: LanceDataset) -> int:
    return max(2, dataset.count_rows() // ROWS_PER_USE)


def _load_index(dataset: LanceDataset, again: bool, *, key: str, vector: str | None) -> RowIndex:
    if vector is None:
        return RowIndex(dataset, key, None, partial=False)
    size = dataset.count_rows() * dataset.schema.field(vector).type.list_size * _COMPONENT_BYTES
    fits = size <= POOL.config.column_bytes // 2
    return RowIndex(dataset, key, vector if fits and again else None, partial=fits and not again)


def _load_columns(dataset: LanceDataset, again: bool, *, columns: Sequence[str]) -> ColumnCache:
    return ColumnCache(dataset, columns if again else (), partial=not again and bool(columns))


def _encoded(column: pa.ChunkedArray) -> tuple[pa.Array, np.ndarray | None]:
    """The values of a column; for strings, the distinct values and the index of each row's value among them."""
    if not pa.types.is_string(column.type):
        return column.combine_chunks(), None
    options = DictionaryEncodeOptions(null_encoding="encode")  # the method of the column imports pyarrow.compute
    encoded = call_function("dictionary_encode", [column], options).combine_chunks()
    return encoded.dictionary, encoded.indices.to_numpy()


def _as_moments(column: pa.ChunkedArray) -> tuple[np.ndarray, tzinfo | None]:
    """The values of a column of timestamps and their time zone. From Arrow, one takes 10 µs, from numpy 1 µs."""
    zone = pa.lib.string_to_tzinfo(column.type.tz) if column.type.tz else None
    return column.to_numpy().astype("datetime64[us]"), zone


def _positions(values: np.ndarray, order: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Positions (n,) of the wanted values, whose ascending order is `order`; -1 for an unknown value."""
    if len(values) == 0 or len(wanted) == 0:
        return np.full(len(wanted), -1)
    positions = order[np.minimum(np.searchsorted(values, wanted, sorter=order), len(values) - 1)]
    return np.where(values[positions] == wanted, positions, -1)


def _prefixes(keys: np.ndarray) -> np.ndarray:
    """The first eight bytes of keys as numbers of the same order: three times as fast to search as the keys."""
    return keys.astype("S8").view(">u8").astype(np.uint64)


def _as_float32(vectors: np.ndarray) -> np.ndarray:
    """Vectors as float32. For float16, numpy's own conversion takes three times as long."""
    return (
        _FLOAT16_VALUES.take(vectors.view(np.uint16)) if vectors.dtype == np.float16 else vectors.astype(np.float32)
    )


def _fixed_width(column: pa.ChunkedArray) -> np.ndarray:
    """Strings as fixed-width bytes. If all have the same length, as hashes do, their buffer is not copied."""
    strings = column.combine_chunks()
    if isinstance(strings, pa.StringArray) and len(strings) > 0:
        offsets = np.frombuffer(strings.buffers()[1], np.int32)[strings.offset :][: len(strings) + 1]
        widths = np.diff(offsets)
        if widths[0] > 0 and (widths == widths[0]).all():
            return np.frombuffer(strings.buffers()[2], f"S{widths[0]}", len(strings), int(offsets[0]))
    return np.array([value.encode() for value in strings.to_pylist()], np.bytes_)


def _matrix(vectors: pa.ChunkedArray) -> np.ndarray:
    """A column of vectors as (n, d)."""
    width, rows = vectors.type.list_size, vectors.combine_chunks()
    components = rows.values[rows.offset * width :][: len(rows) * width]  # `flatten` imports pyarrow.compute
    return components.to_numpy(zero_copy_only=False).reshape(-1, width)
