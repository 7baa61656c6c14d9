"""The entries of a 7z file, unpacked with Python's own LZMA, BZip2 and Deflate: the methods of nearly all such files.

A folder of files that are packed together is unpacked once, into a temporary file without a name. If it has another
method, such as PPMd, or needs a password, its entries say so.
"""

import bz2
import io
import lzma
import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from typing import IO, cast

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.readers.archives.entries import DAMAGED, ArchiveEntry, ArchiveLimits, TooMuch
from omni_pipelines.text.readers.archives.seven_zip_header import Folder, HeaderReader

SIGNATURE = b"7z\xbc\xaf\x27\x1c"
_START_BYTES, _MAX_HEADER_BYTES, _MAX_ENCODINGS = 32, 64 << 20, 4
_PIECE_BYTES, _IN_MEMORY_BYTES, _MAX_DICTIONARY_BYTES = 1 << 20, 8 << 20, 256 << 20
_HEADER, _ENCODED_HEADER = 1, 23
_IS_DIRECTORY, _HAS_UNIX_MODE, _LINK, _KIND = 0x10, 0x8000, 0o120000, 0o170000
_LZMA1, _LZMA2, _DELTA, _COPY, _DEFLATE, _BZIP2 = b"\3\1\1", b"!", b"\3", b"\0", b"\4\1\x08", b"\4\2\2"
_BRANCHES: Mapping[bytes, int] = {
    b"\4": lzma.FILTER_X86, b"\3\3\1\3": lzma.FILTER_X86, b"\3\3\2\5": lzma.FILTER_POWERPC,
    b"\3\3\4\1": lzma.FILTER_IA64, b"\3\3\5\1": lzma.FILTER_ARM, b"\3\3\7\1": lzma.FILTER_ARMTHUMB,
    b"\3\3\x08\5": lzma.FILTER_SPARC,
}  # fmt: skip
_NAMES = {b"\3\4\1": "PPMd", b"\3\3\1\x1b": "BCJ2", b"\4\1\x09": "Deflate64", b"\4\xf7\x11\1": "Zstandard"}
_UNIX_EPOCH_TICKS = 116_444_736_000_000_000


def seven_zip_entries(file: IO[bytes], limits: ArchiveLimits, stack: ExitStack) -> Iterator[ArchiveEntry]:
    """The regular files in a 7z file.

    Raises:
        Unreadable: E_ENCRYPTED if the names need a password.
        ValueError, or another of `DAMAGED`: it is damaged.
    """
    folders, files = _header(file, limits).header()
    parts = (part for folder in folders for part in _parts(_Contents(file, folder, limits, stack)))
    for packed in files:
        if packed.is_empty:
            continue
        content, start, size, checksum = next(parts, (None, 0, 0, ""))
        if content is None:
            raise ValueError("it has more files than contents")
        mode = packed.attributes >> 16 if packed.attributes & _HAS_UNIX_MODE else 0
        if not packed.attributes & _IS_DIRECTORY and mode & _KIND != _LINK:
            ticks = max(packed.ticks - _UNIX_EPOCH_TICKS, 0)
            yield ArchiveEntry(
                packed.name.replace("\\", "/"),
                size,
                ticks * 100,
                partial(content.open, start, size),
                checksum=checksum,
                is_encrypted=content.folder.is_encrypted,
            )


def _header(file: IO[bytes], limits: ArchiveLimits) -> HeaderReader:
    """The header of the files, which may be packed itself."""
    file.seek(0)
    offset, size = struct.unpack_from("<QQ", file.read(_START_BYTES), 12)
    if size > _MAX_HEADER_BYTES:
        raise ValueError("its header is too large")
    file.seek(_START_BYTES + offset)
    raw = file.read(size)
    for _ in range(_MAX_ENCODINGS):
        reader = HeaderReader(raw)
        kind = reader.kind()
        if kind == _HEADER:
            return reader
        if kind != _ENCODED_HEADER:
            break
        (folder, *_others) = reader.streams()
        if folder.is_encrypted:
            raise Unreadable(RefusalCode.ENCRYPTED, "it needs a password")
        if folder.size > _MAX_HEADER_BYTES:
            raise ValueError("its header is too large")
        unpacked = io.BytesIO()
        _unpack(file, folder, unpacked, limits)
        raw = unpacked.getvalue()
    raise ValueError("it has no header")


class _Contents:
    """The unpacked bytes of a folder, once one of its files is opened."""

    def __init__(self, file: IO[bytes], folder: Folder, limits: ArchiveLimits, stack: ExitStack) -> None:
        self.folder = folder
        self._file, self._limits, self._stack = file, limits, stack
        self._unpacked: IO[bytes] | None = None
        self._failure: Exception | None = None

    def open(self, start: int, size: int) -> IO[bytes]:
        """A file in it."""
        if self._failure is not None:  # each of thousands of files would try again
            raise self._failure
        if self._unpacked is None:
            unpacked = cast("IO[bytes]", self._stack.enter_context(tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES)))
            try:
                _unpack(self._file, self.folder, unpacked, self._limits)
            except DAMAGED as error:
                self._failure = error
                raise
            self._unpacked = unpacked
        self._unpacked.seek(start)
        return io.BytesIO(self._unpacked.read(size))


def _parts(contents: _Contents) -> Iterator[tuple[_Contents, int, int, str]]:
    """Where each file lies in its folder, its size and its checksum."""
    start = 0
    for size, checksum in contents.folder.parts:
        yield contents, start, size, checksum
        start += size


def _unpack(file: IO[bytes], folder: Folder, target: IO[bytes], limits: ArchiveLimits) -> None:
    """Write the unpacked bytes of a folder.

    Raises:
        NotImplementedError: it is packed by a method that is not read.
        TooMuch: it unpacks to more than the limits allow.
        EOFError: it is cut off.
    """
    if folder.size > limits.inflated_bytes:
        raise TooMuch(limits)
    decompress = _decompressor(folder.coders)
    file.seek(_START_BYTES + folder.place)
    left, packed = folder.size, folder.packed_size
    while left and packed > 0:
        piece = file.read(min(packed, _PIECE_BYTES))
        if not piece:
            break
        packed -= len(piece)
        unpacked = decompress(piece, left)[:left]
        left -= len(unpacked)
        target.write(unpacked)
    if left:
        raise EOFError("a folder of files is cut off")


def _decompressor(coders: list[tuple[bytes, bytes]]) -> Callable[[bytes, int], bytes]:
    """A function that unpacks a piece, up to so many bytes."""
    methods = [method for method, _ in coders]
    unknown = next((_NAMES.get(each, each.hex()) for each in methods if not _is_known(each)), "")
    if unknown or not coders:
        raise NotImplementedError(unknown or "several streams")
    if methods == [_COPY]:
        return lambda piece, _left: piece
    if methods == [_DEFLATE]:
        inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        return inflate.decompress
    if methods == [_BZIP2]:
        return bz2.BZ2Decompressor().decompress
    filters = [_filter(method, properties) for method, properties in coders]
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters).decompress


def _is_known(method: bytes) -> bool:
    return method in (_LZMA1, _LZMA2, _DELTA, _COPY, _DEFLATE, _BZIP2) or method in _BRANCHES


def _filter(method: bytes, properties: bytes) -> dict[str, int]:
    """A method as Python's `lzma` names it."""
    if method in _BRANCHES:
        return {"id": _BRANCHES[method]}
    if method == _DELTA:
        return {"id": lzma.FILTER_DELTA, "dist": properties[0] + 1}
    if method == _LZMA2:
        bits = properties[0]
        size = (2 | bits & 1) << bits // 2 + 11
        chosen = {"id": lzma.FILTER_LZMA2}
    elif method == _LZMA1:
        packed, size = struct.unpack("<BI", properties)
        chosen = {"id": lzma.FILTER_LZMA1, "lc": packed % 9, "lp": packed // 9 % 5, "pb": packed // 45}
    else:
        raise NotImplementedError(method.hex())
    if size > _MAX_DICTIONARY_BYTES:
        raise NotImplementedError(f"a dictionary of {size >> 20} MiB")
    return {**chosen, "dict_size": max(size, 4096)}
