"""Rows of a Lance version by key, without scanning: the key column in memory, and where it pays the vectors, too.

A filter on the key reads the whole column at each query; reading it once and keeping it, 48 bytes a row, makes a
lookup a binary search and a fetch by position. Fetching a vector costs 30 µs of CPU, having it in memory nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from native import dataset_cache
from native.lance_tables import LanceTable, missing_files


class Rows:
    """The rows of one version. A position counts from 0 in storage order, which is what `take` is given."""

    def __init__(self, dataset: Any, key: str, vector: str | None, *, partial: bool) -> None:
        columns = [key] if vector is None else [key, vector]
        table = dataset.to_table(columns=columns, with_row_id=True)
        self._dataset = dataset
        self._keys = _fixed_width(table[key])
        self._by_key = np.argsort(self._keys)
        self._row_ids = table["_rowid"].to_numpy()
        self._by_row_id = np.argsort(self._row_ids)
        self._matrix = _matrix(table[vector]) if vector is not None else None
        self.partial = partial
        """Whether vectors are missing that would fit."""

    @property
    def nbytes(self) -> int:
        """Bytes held in memory."""
        held = (self._keys, self._by_key, self._row_ids, self._by_row_id, self._matrix)
        return sum(each.nbytes for each in held if each is not None)

    def find(self, keys: Sequence[str]) -> np.ndarray:
        """Positions (n,) of keys; -1 for one that is not there."""
        return _find(self._keys, self._by_key, np.array([key.encode() for key in keys], self._keys.dtype.type))

    def find_row_ids(self, row_ids: np.ndarray) -> np.ndarray:
        """Positions (n,) of row ids; -1 for one that is not there."""
        return _find(self._row_ids, self._by_row_id, row_ids)

    def keys(self, positions: np.ndarray) -> list[str]:
        """The keys at positions."""
        return [key.decode() for key in self._keys[positions].tolist()]

    def vectors(self, positions: np.ndarray, column: str) -> np.ndarray:
        """The vectors at positions (n,) as (n, d), float32."""
        if self._matrix is not None:
            return self._matrix[positions].astype(np.float32)
        places, order = np.unique(positions, return_inverse=True)
        return _matrix(self._dataset.take(places, columns=[column])[column])[order].astype(np.float32)


def rows_of(table: LanceTable, key: str, version: int | None = None, vector: str | None = None) -> Rows:
    """The rows of a version, kept in the pool as long as its dataset; with `vector`, that column too, if it fits.

    Raises:
        TableMissing, TableCorrupt: as for `LanceTable.open`.
    """
    table.open(version)  # for its errors
    load = functools.partial(_load, key=key, vector=vector)
    with missing_files(table.name):
        rows: Rows = dataset_cache.pool().columns(table.path, version, key, load)
    return rows


def fetch(table: LanceTable, key: str, keys: Sequence[str], columns: Sequence[str], version: int) -> pa.Table:
    """The rows with these keys, those that are there, in the order of `keys`."""
    dataset = table.open(version)
    positions = rows_of(table, key, version).find(keys)
    with missing_files(table.name):
        return dataset.take(positions[positions >= 0], columns=list(columns))


def _load(dataset: Any, again: bool, *, key: str, vector: str | None) -> Rows:
    if vector is None:
        return Rows(dataset, key, None, partial=False)
    size = dataset.count_rows() * dataset.schema.field(vector).type.list_size * 2
    fits = size <= dataset_cache.pool().config.column_bytes // 2
    return Rows(dataset, key, vector if fits and again else None, partial=fits and not again)


def _find(values: np.ndarray, order: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    if len(values) == 0 or len(wanted) == 0:
        return np.full(len(wanted), -1)
    places = order[np.minimum(np.searchsorted(values, wanted, sorter=order), len(values) - 1)]
    return np.where(values[places] == wanted, places, -1)


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
