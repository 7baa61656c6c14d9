"""The entries of a tar file and of a compressed file, which is inflated into a temporary file without a name."""

import bz2
import gzip
import lzma
import posixpath
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from typing import IO, cast

from omni_pipelines.text.encoding_detection import MIN_PROBABILITY, detect_encoding
from omni_pipelines.text.readers.archives.entries import DAMAGED, ArchiveEntry, ArchiveLimits, TooMuch

_PIECE_BYTES = 1 << 16
_IN_MEMORY_BYTES = 8 << 20
_DECOMPRESSORS: Mapping[bytes, Callable[[IO[bytes]], IO[bytes]]] = {
    b"\x1f\x8b": lambda file: cast("IO[bytes]", gzip.open(file)),
    b"BZh": lambda file: cast("IO[bytes]", bz2.open(file)),
    b"\xfd7zXZ\x00": lambda file: cast("IO[bytes]", lzma.open(file)),
}
"""First bytes of a compressed file, and what opens it."""
_TAR_MARK, _TAR_MARK_AT = b"ustar", 257
_MAX_HEADER_BYTES = 256 << 10
"""For one file: its header, and before it longer names and attributes, which tarfile keeps in memory."""
_TAR_SUFFIXES = {".tgz": ".tar", ".tbz2": ".tar", ".tbz": ".tar", ".txz": ".tar"}


def is_compressed(head: bytes) -> bool:
    """Whether a file that begins so is compressed with gzip, bzip2 or xz."""
    return head.startswith(tuple(_DECOMPRESSORS))


def is_tar(head: bytes) -> bool:
    """Whether a file that begins so, with at least 262 bytes, is a tar file."""
    return head.startswith(_TAR_MARK, _TAR_MARK_AT)


def tar_entries(file: IO[bytes]) -> Iterator[ArchiveEntry]:
    """The regular files in a tar file."""
    archive = TarReader(file)
    while (info := archive.next()) is not None:
        if info.isreg():
            opened = cast("Callable[[], IO[bytes]]", partial(archive.open, info))  # None only for links
            yield ArchiveEntry(
                entry_name(info.name).removeprefix("./"), info.size, int(info.mtime) * 1_000_000_000, opened
            )
    file.seek(archive.offset)
    if file.read(tarfile.BLOCKSIZE).strip(b"\0"):  # tarfile ends without an error at a damaged header
        raise tarfile.ReadError("the header of the next file is damaged")


class TarReader:
    """An uncompressed tar file whose headers may not be longer than a limit; the content of its files may."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell
        self._left: int | None = _MAX_HEADER_BYTES
        self._archive = tarfile.open(fileobj=cast("IO[bytes]", self), mode="r:")

    @property
    def offset(self) -> int:
        """Where the next header begins."""
        return self._archive.offset

    def open(self, info: tarfile.TarInfo) -> IO[bytes] | None:
        """The content of a file; None if it is not a file."""
        return self._archive.extractfile(info)

    def next(self) -> tarfile.TarInfo | None:
        """The next file; None after the last one.

        Raises:
            tarfile.ReadError: its header is damaged, or too long.
        """
        self._left = _MAX_HEADER_BYTES
        try:
            return self._archive.next()
        except RecursionError as error:  # each header for long names that is before it costs a few calls
            raise tarfile.ReadError("the header of the next file has too many parts") from error
        finally:
            self._left = None

    def read(self, size: int = -1) -> bytes:
        """What tarfile reads of the file."""
        if self._left is not None:
            self._left -= size
            if size < 0 or self._left < 0:
                raise tarfile.ReadError(f"the header of the next file is longer than {_MAX_HEADER_BYTES >> 10} KiB")
        return self._file.read(size)


def entry_name(name: str) -> str:
    """A name in a tar file, whose bytes beyond UTF-8 are decoded if they clearly are in another encoding."""
    raw = name.encode("utf-8", "surrogateescape")
    if raw.decode("utf-8", "replace") == name:
        return name
    found = detect_encoding(raw)
    return raw.decode(found.codec, "replace") if found is not None and found.probability >= MIN_PROBABILITY else name


def compressed_entries(file: IO[bytes], name: str, limits: ArchiveLimits, stack: ExitStack) -> Iterator[ArchiveEntry]:
    """What a compressed file holds: the files of a tar file, or the one file that was compressed.

    Raises:
        TooMuch: it inflates to too much; or one of `DAMAGED`.
    """
    inflated = stack.enter_context(tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES))
    head = file.read(6)
    file.seek(0)
    opener = next(opener for magic, opener in _DECOMPRESSORS.items() if head.startswith(magic))
    damage: Exception | None = None
    try:
        with opener(file) as packed:
            while piece := packed.read(_PIECE_BYTES):
                inflated.write(piece)
                if inflated.tell() > limits.inflated_bytes:
                    raise TooMuch(limits)
    except DAMAGED as error:
        if isinstance(error, TooMuch) or not inflated.tell():
            raise
        damage = error
    size = inflated.tell()
    inflated.seek(0)
    contents = cast("IO[bytes]", inflated)
    if is_tar(contents.read(512)) or _has_tar_header(contents):
        contents.seek(0)
        yield from tar_entries(contents)
    else:
        yield ArchiveEntry(_inner_name(name), size, 0, partial(_rewound, contents))
    if damage is not None:  # what came before the damage is kept
        raise damage


def _has_tar_header(file: IO[bytes]) -> bool:
    """Whether a file is a tar file of before 1988, which only the checksum of its first header shows."""
    file.seek(0)
    try:
        tarfile.TarInfo.frombuf(file.read(512), "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def _inner_name(name: str) -> str:
    stem, suffix = posixpath.splitext(name)
    return stem + _TAR_SUFFIXES.get(suffix.lower(), "")


def _rewound(file: IO[bytes]) -> IO[bytes]:
    file.seek(0)
    return cast("IO[bytes]", _Unclosed(file))


class _Unclosed:
    """A file that stays open when it is closed, because another reader may want it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)

    def __enter__(self) -> "_Unclosed":
        return self

    def __exit__(self, *_error: object) -> None:
        return None
