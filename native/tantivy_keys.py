"""The keys of entries of the keyword index, read from two columns of numbers."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from native.tantivy_analysis import KEY_HALVES

if TYPE_CHECKING:
    import pyarrow as pa
    from tantivy import DocAddress, Searcher

_KEY_DIGITS = 32
SIGN_OFFSET = 1 << 63
"""What is taken from half of a key, so that it fits a number with a sign."""


def keys_at(searcher: Searcher, addresses: list[DocAddress]) -> list[str]:
    """The keys of entries."""
    high, low = (searcher.fast_field_values(name, addresses) for name in KEY_HALVES)
    halves = [int(half) + SIGN_OFFSET for key in zip(high, low, strict=True) for half in key if half is not None]
    if len(halves) < 2 * len(addresses):  # some key is not a hash
        return [searcher.doc(address)["key"][0] for address in addresses]
    digits = struct.pack(f">{len(halves)}Q", *halves).hex()
    return [digits[start : start + _KEY_DIGITS] for start in range(0, len(digits), _KEY_DIGITS)]


def key_column(searcher: Searcher, addresses: list[DocAddress]) -> pa.StringArray:
    """The keys of many entries, without a Python object for each."""
    import numpy as np  # a search needs neither
    import pyarrow as pa

    halves = [searcher.fast_field_values(name, addresses) for name in KEY_HALVES]
    if any(None in half for half in halves):
        return pa.array(keys_at(searcher, addresses), pa.string())
    numbers = np.array(halves, np.int64).T.astype(np.uint64) + np.uint64(SIGN_OFFSET)
    digits = numbers.astype(">u8").tobytes().hex().encode()
    ends = np.arange(len(addresses) + 1, dtype=np.int32) * _KEY_DIGITS
    return pa.StringArray.from_buffers(len(addresses), pa.py_buffer(ends), pa.py_buffer(digits))
