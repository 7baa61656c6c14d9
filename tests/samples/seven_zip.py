"""Files of 7z with the methods that Python has."""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from collections.abc import Callable, Mapping

_LZMA2 = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20}]


def lzma2(raw: bytes) -> bytes:
    return lzma.compress(raw, lzma.FORMAT_RAW, filters=_LZMA2)


def lzma1(raw: bytes) -> bytes:
    chain = [{"id": lzma.FILTER_LZMA1, "dict_size": 1 << 20, "lc": 3, "lp": 0, "pb": 2}]
    return lzma.compress(raw, lzma.FORMAT_RAW, filters=chain)


def deflate(raw: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(raw) + packer.flush()


METHODS: Mapping[str, tuple[Callable[[bytes], bytes], bytes]] = {
    "copy": (bytes, b"\x01\x00"),
    "lzma": (lzma1, b"\x23\x03\x01\x01\x05\x5d\x00\x00\x10\x00"),
    "lzma2": (lzma2, b"\x21\x21\x01\x10"),
    "deflate": (deflate, b"\x03\x04\x01\x08"),
    "bzip2": (bz2.compress, b"\x03\x04\x02\x02"),
    "ppmd": (bytes, b"\x23\x03\x04\x01\x05\x06\x00\x00\x00\x01"),
    "aes": (bytes, b"\x24\x06\xf1\x07\x01\x01\x00"),
}
"""Name to the function that packs, and the coder in the header."""


def number(value: int) -> bytes:
    """A number as headers have it, in 9 bytes if it is not short."""
    return bytes([value]) if value < 0x80 else b"\xff" + struct.pack("<Q", value)


def seven_zip(files: Mapping[str, bytes], method: str = "lzma2", *, packed_header: str = "") -> bytes:
    """A file whose files are packed together; one without content is a folder."""
    contents = [content for content in files.values() if content]
    whole = b"".join(contents)
    pack, coder = METHODS[method]
    packed = pack(whole)
    sizes = b"".join(number(len(each)) for each in contents[:-1])
    checksums = b"".join(struct.pack("<I", zlib.crc32(each)) for each in contents)
    streams = _streams(0, len(packed), coder, len(whole))
    streams += b"\x08\x0d" + number(len(contents)) + b"\x09" + sizes + b"\x0a\x01" + checksums + b"\x00\x00"
    names = b"\x00" + "".join(f"{name}\0" for name in files).encode("utf-16-le")
    bits = [not content for content in files.values()]
    empty = bytes(
        sum(0x80 >> place for place, bit in enumerate(bits[at : at + 8]) if bit) for at in range(0, len(bits), 8)
    )
    times = b"\x01\x00" + struct.pack("<Q", 116_444_736_000_000_000 + 10_000_000) * len(files)
    properties = [(0x0E, empty), (0x11, names), (0x14, times)]
    about = b"".join(bytes([kind]) + number(len(each)) + each for kind, each in properties)
    header = b"\x01\x04" + streams + b"\x05" + number(len(files)) + about + b"\x00\x00"
    if packed_header:
        pack, coder = METHODS[packed_header]
        inner = pack(header)
        header = b"\x17" + _streams(len(packed), len(inner), coder, len(header)) + b"\x00"
        packed += inner
    start = struct.pack("<QQI", len(packed), len(header), zlib.crc32(header))
    return b"7z\xbc\xaf\x27\x1c\0\4" + struct.pack("<I", zlib.crc32(start)) + start + packed + header


def _streams(place: int, size: int, coder: bytes, unpacked: int) -> bytes:
    packed = b"\x06" + number(place) + b"\x01\x09" + number(size) + b"\x00"
    return packed + b"\x07\x0b\x01\x00\x01" + coder + b"\x0c" + number(unpacked) + b"\x00"
