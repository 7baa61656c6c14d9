"""The body of a response is inflated within a limit."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest

from omni_pipelines.sources.web.client import inflate
from omni_pipelines.sources.web.failures import TooLarge, Unavailable

PACKED = gzip.compress(b"a" * 100_000)


@pytest.mark.parametrize(
    ("packed", "size"),
    [(PACKED, 100_000), (PACKED + PACKED, 200_000), (PACKED + PACKED + bytes(8), 200_000)],
    ids=["one member", "two members", "padded with zeros"],
)
def test_inflate_returns_the_whole_of_what_just_fits_the_limit(packed: bytes, size: int) -> None:
    assert inflate(packed, size) == b"a" * size


@pytest.mark.parametrize(("packed", "limit"), [(PACKED, 99_999), (PACKED + gzip.compress(b"b"), 100_000)])
def test_inflate_refuses_one_byte_more_than_the_limit(packed: bytes, limit: int) -> None:
    with pytest.raises(TooLarge):
        inflate(packed, limit)


@pytest.mark.parametrize("packed", [PACKED[:-9], b"\x1f\x8b" + b"x" * 50, PACKED[:-8] + bytes(8), b""])
def test_inflate_reports_damaged_data(packed: bytes) -> None:
    with pytest.raises(Unavailable):
        inflate(packed, 1 << 20)


def test_inflate_holds_little_more_than_the_limit_of_a_bomb() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join([*(packer.compress(bytes(1 << 20)) for _ in range(64)), packer.flush()])
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            inflate(bomb, 1_000)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
