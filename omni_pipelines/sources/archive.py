"""The files in a zip or tar file, read where they stand: nothing is unpacked to disk under a name of theirs.

A name that leads out of the archive, one that stands twice, and one that inflates beyond reason go to quarantine;
links and devices are passed over, as in a folder.
"""

from __future__ import annotations

import bz2
import functools
import gzip
import lzma
import tarfile
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, cast

from omni_pipelines.errors import SourceMissing
from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.sources.file_reads import refuse_empty, refuse_large, stat_mark
from omni_pipelines.sources.names import is_hidden, refuse_name, shown_name
from omni_pipelines.sources.source import Content, Found, Listing, Read, Source
from omni_pipelines.text.readers.registry import reader_for

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
MAX_ENTRIES = 200_000
MAX_INFLATED = 8 << 30
"""Bytes of all entries together."""
MAX_RATIO, FREE_BYTES = 200, 1 << 20
"""An entry of more than so many bytes may not be more than so many times as large as in the archive."""
_PIECE = 1 << 20
_COMPRESSED: Mapping[bytes, Callable[[Path], IO[bytes]]] = {
    b"\x1f\x8b": lambda path: cast("IO[bytes]", gzip.open(path)),
    b"BZh": lambda path: cast("IO[bytes]", bz2.open(path)),
    b"\xfd7zXZ\x00": lambda path: cast("IO[bytes]", lzma.open(path)),
}
_DAMAGED = (
    lzma.LZMAError,
    zipfile.BadZipFile,
    tarfile.TarError,
    EOFError,
    zlib.error,
    OSError,
    ValueError,
    NotImplementedError,
)


@dataclass(frozen=True)
class _Entry:
    name: str
    size: int
    packed: int
    """Bytes in the archive; 0 where a tar file does not tell."""
    mtime_ns: int
    mark: str
    encrypted: bool = False


def is_archive(name: str) -> bool:
    """Whether a file's name is that of an archive."""
    return name.lower().endswith(SUFFIXES)


def list_archive(source: Source) -> Listing:
    """The files in the archive now, sorted by path.

    Raises:
        SourceMissing: it is not there, is damaged, or holds more than the limits allow.
    """
    entries = _entries(source)
    readable = [entry for entry in entries if not is_hidden(entry.name)]
    files = {
        shown_name(entry.name): Found(shown_name(entry.name), entry.size, entry.mtime_ns, entry.mark, reader)
        for entry in readable
        if entry.size and (reader := reader_for(entry.name)) is not None
    }
    ordered = tuple(files[name] for name in sorted(files))
    return Listing(source, ordered, len(entries) - len(files), (), datetime.now(UTC))


@contextmanager
def reading_entries(source: Source) -> Iterator[Read]:
    """Read entries of the archive as it is now."""
    entries = _entries(source)
    names = Counter(shown_name(entry.name) for entry in entries)
    by_name = {shown_name(entry.name): entry for entry in entries}
    with _opened(source.place) as unpack:

        def read(found: Found, limit: int) -> Content:
            entry = by_name.get(found.path)
            if entry is None:
                raise Unreadable(RefusalCode.VANISHED, "it is not in the archive any more")
            _refuse(entry, names[found.path], limit)
            try:
                raw = unpack(entry.name, limit)
            except Unreadable:
                raise
            except (*_DAMAGED, RuntimeError) as error:
                raise Unreadable(RefusalCode.PARSE, f"the archive is damaged here: {error}") from error
            refuse_empty(raw)
            return Content(raw, entry.mark if entry.mark == found.stat else "")

        yield read


def _refuse(entry: _Entry, times: int, limit: int) -> None:
    """Refuse an entry that is not to be unpacked."""
    refuse_name(entry.name, "archive")
    if ":" in entry.name.replace("\\", "/").split("/")[0]:
        raise Unreadable(RefusalCode.PATH, "its name leads to another drive")
    if times > 1:
        raise Unreadable(RefusalCode.ZIP_DUPLICATE, f"its name stands {times} times in the archive")
    if entry.encrypted:
        raise Unreadable(RefusalCode.ENCRYPTED, "it needs a password")
    refuse_large(entry.size, limit)
    if entry.packed and entry.size > max(FREE_BYTES, MAX_RATIO * entry.packed):
        raise Unreadable(RefusalCode.ZIP_BOMB, f"{entry.packed:,} bytes become {entry.size:,}")


def _entries(source: Source) -> tuple[_Entry, ...]:
    try:
        return _listed(source.place, stat_mark(source.place.stat(follow_symlinks=False)))
    except FileNotFoundError as error:
        raise SourceMissing(f"source {source.name}: {source.place} is not there", cure="bring it back") from error
    except _DAMAGED as error:
        raise SourceMissing(
            f"source {source.name}: {source.place} cannot be opened as an archive: {error}", cure="check the file"
        ) from error


@functools.lru_cache(maxsize=32)
def _listed(path: Path, mark: str) -> tuple[_Entry, ...]:
    """The regular files in an archive, which is unpacked once for it, not at each look."""
    found: list[_Entry] = []
    size = 0
    for entry in _zip_entries(path) if zipfile.is_zipfile(path) else _tar_entries(path, mark):
        found.append(entry)
        size += entry.size
        if len(found) > MAX_ENTRIES or size > MAX_INFLATED:
            raise ValueError(f"it holds more than {MAX_ENTRIES:,} files, or {MAX_INFLATED >> 30} GiB")
    return tuple(found)


def _zip_entries(path: Path) -> Iterator[_Entry]:
    with zipfile.ZipFile(path) as opened:
        for info in opened.infolist():
            is_link = info.external_attr >> 16 & 0o170000 == 0o120000
            if not info.is_dir() and not is_link:
                moment = datetime(*_calendar(info.date_time), tzinfo=UTC)
                mark = f"{info.file_size}:{info.CRC:08x}:{int(moment.timestamp())}"
                nanoseconds = int(moment.timestamp()) * 1_000_000_000
                encrypted = bool(info.flag_bits & 1)
                yield _Entry(info.filename, info.file_size, info.compress_size, nanoseconds, mark, encrypted)


def _calendar(written: tuple[int, int, int, int, int, int]) -> tuple[int, int, int, int, int, int]:
    """A date that a broken zip file may have made up, as one that is in the calendar."""
    year, month, day, hour, minute, second = written
    return year, min(max(month, 1), 12), min(max(day, 1), 28), min(hour, 23), min(minute, 59), min(second, 59)


def _tar_entries(path: Path, mark: str) -> Iterator[_Entry]:
    with _unpacked_tar(path) as opened:
        for info in opened:
            if info.isreg():
                name = info.name.removeprefix("./")
                yield _Entry(name, info.size, 0, int(info.mtime) * 1_000_000_000, f"{info.size}:{info.mtime}:{mark}")


@contextmanager
def _opened(path: Path) -> Iterator[Callable[[str, int], bytes]]:
    """A function that gives an entry's bytes, at most one more than asked for."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as opened:

            def from_zip(name: str, limit: int) -> bytes:
                with opened.open(name) as file:
                    return _whole(file, limit)

            yield from_zip
        return
    with _unpacked_tar(path) as tar:
        members = {info.name.removeprefix("./"): info for info in tar if info.isreg()}

        def from_tar(name: str, limit: int) -> bytes:
            file = tar.extractfile(members[name])
            if file is None:
                raise Unreadable(RefusalCode.NOT_REGULAR, "not a regular file")
            return _whole(file, limit)

        yield from_tar


def _whole(file: IO[bytes], limit: int) -> bytes:
    raw = file.read(limit + 1)
    if len(raw) > limit:
        raise Unreadable(RefusalCode.ZIP_BOMB, "it is larger than the archive says")
    return raw


@contextmanager
def _unpacked_tar(path: Path) -> Iterator[tarfile.TarFile]:
    """A tar file that can be read in any order: a compressed one is inflated first, into a file without a name."""
    with path.open("rb") as file:
        begins = file.read(6)
    opener = next((opened for magic, opened in _COMPRESSED.items() if begins.startswith(magic)), None)
    if opener is None:
        with tarfile.open(path, "r:") as plain:
            yield plain
        return
    with tempfile.TemporaryFile() as inflated:
        with opener(path) as packed:
            _inflate(packed, inflated)
        inflated.seek(0)
        with tarfile.open(fileobj=inflated, mode="r:") as plain:
            yield plain


def _inflate(packed: IO[bytes], inflated: IO[bytes]) -> None:
    size = 0
    while piece := packed.read(_PIECE):
        size += len(piece)
        if size > MAX_INFLATED:
            raise ValueError(f"it inflates to more than {MAX_INFLATED >> 30} GiB")
        inflated.write(piece)
