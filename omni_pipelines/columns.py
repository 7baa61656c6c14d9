"""Rows of tables, compared and hashed column by column: without a Python object for each value."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from blake3 import blake3

from omni_pipelines.ids import ID_BYTES


def differing(rows: pa.Table, others: pa.Table, key: str) -> pa.Table:
    """The rows, in their order, whose key `others` lacks, or has with another value in a column of `rows`.

    Keys in `others` are unique. Columns that only `others` has are ignored.
    """
    positions = pc.index_in(rows[key], value_set=others[key].combine_chunks())
    aligned = others.select(rows.column_names).take(positions)
    same = np.array(positions.is_valid())
    for name in rows.column_names:
        if name != key:
            same &= _equal(rows[name].combine_chunks(), aligned[name].combine_chunks())
    return rows.filter(pa.array(~same))


def lacking(keys: pa.ChunkedArray, others: pa.ChunkedArray) -> list[str]:
    """The keys that `others` does not have, sorted."""
    return sorted(keys.filter(pc.invert(pc.is_in(keys, value_set=others.combine_chunks()))).to_pylist())


def unmatched(keys: pa.ChunkedArray, others: pa.ChunkedArray) -> tuple[list[str], list[str]]:
    """The keys that `others` does not have, and those of the others that are no key; each once, and sorted."""
    places = pc.index_in(keys, value_set=others.combine_chunks())
    is_key = np.zeros(len(others), bool)
    is_key[np.array(places.drop_null())] = True
    unknown = set(keys.filter(places.is_null()).to_pylist())
    rest = others.filter(pa.array(~is_key))  # with those that are a key and occur again
    return sorted(unknown), sorted(set(lacking(rest, keys))) if len(rest) else []


def _equal(values: pa.Array, others: pa.Array) -> np.ndarray:
    """Whether the values at each place are equal; two empty places are."""
    if values.equals(others):
        return np.ones(len(values), bool)
    if pa.types.is_list(values.type):  # which Arrow cannot compare
        pairs = zip(values.to_pylist(), others.to_pylist(), strict=True)
        return np.fromiter((value == other for value, other in pairs), bool, len(values))
    equal = pc.fill_null(pc.equal(values, others), False)
    return np.array(pc.or_(equal, pc.and_(values.is_null(), others.is_null())))


def text_hashes(columns: Sequence[pa.Array | pa.ChunkedArray]) -> list[str]:
    """The `ids.text_hash` of each row of columns of text: the same, in a fraction of the time."""
    framed = [part for column in columns for part in (_lengths(column), column.cast(pa.binary()))]
    rows = pc.binary_join_element_wise(*framed, b"").to_pylist()
    return [blake3(row).hexdigest(length=ID_BYTES) for row in rows]


def _lengths(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    lengths = np.array(pc.binary_length(column)).astype("<i8")
    return pa.Array.from_buffers(pa.binary(8), len(lengths), [None, pa.py_buffer(lengths)]).cast(pa.binary())
