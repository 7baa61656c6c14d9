"""The files in a zip or tar file, read in place: nothing is extracted to disk under a name from the archive.

An entry whose name leads out of the archive or appears twice, or that inflates too much, goes to quarantine. Links
and devices are skipped, as in a folder.
"""

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
from functools import partial
from pathlib import Path
from typing import IO, cast

from omni_pipelines.errors import SourceMissing
from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.sources.model.file_reads import refuse_empty, refuse_large, version_mark
from omni_pipelines.sources.model.limits import ArchiveLimits, SourceLimits
from omni_pipelines.sources.model.listing import FileContent, Listing, ReadFile, SourceFile
from omni_pipelines.sources.model.names import refuse_name, shown_name
from omni_pipelines.sources.model.selection import Selection
from omni_pipelines.sources.model.source import Source, missing_source

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_PIECE_BYTES = 1 << 20
_DECOMPRESSORS: Mapping[bytes, Callable[[Path], IO[bytes]]] = {
    b"\x1f\x8b": lambda path: cast("IO[bytes]", gzip.open(path)),
    b"BZh": lambda path: cast("IO[bytes]", bz2.open(path)),
    b"\xfd7zXZ\x00": lambda path: cast("IO[bytes]", lzma.open(path)),
}
"""First bytes of a compressed file, and what opens it."""
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
class ArchiveEntry:
    """A file in an archive."""

    name: str
    size: int
    packed_size: int
    """Bytes in the archive; 0 for tar files, which compress the archive as a whole."""
    mtime_ns: int
    version_mark: str
    is_encrypted: bool = False
    is_regular: bool = True
    """Whether it is no link and no device."""


def is_archive(name: str) -> bool:
    """Whether a file name is that of an archive."""
    return name.lower().endswith(SUFFIXES)


def list_archive(source: Source, limits: SourceLimits) -> Listing:
    """List the files in an archive.

    Raises:
        SourceMissing: it is not there, is damaged, or exceeds the limits.
    """
    entries = _source_entries(source, limits.archive)
    selection = Selection(source)
    for entry in entries:
        name = shown_name(entry.name)
        if not entry.is_regular:
            selection.ignore(name, "link", "built-in rule: it is a link or a device")
        elif not selection.is_ruled_out(name, is_vendored_read=True):
            marks = entry.size, entry.mtime_ns, entry.version_mark
            selection.add(name, entry.size, partial(SourceFile, name, *marks))
    return selection.listing()


@contextmanager
def open_archive(source: Source, limits: SourceLimits) -> Iterator[ReadFile]:
    """Read entries of the archive as it is now."""
    entries = [entry for entry in _source_entries(source, limits.archive) if entry.is_regular]
    counts = Counter(shown_name(entry.name) for entry in entries)
    by_name = {shown_name(entry.name): entry for entry in entries}
    with _opened(source.local_path, limits.archive) as open_entry:

        def read(file: SourceFile, limit: int) -> FileContent:
            entry = by_name.get(file.path)
            if entry is None:
                raise Unreadable(RefusalCode.VANISHED, "it is not in the archive any more")
            _refuse(entry, counts[file.path], limit, limits)
            try:
                with open_entry(entry.name) as entry_file:
                    raw = entry_file.read(limit + 1)
            except (*_DAMAGED, RuntimeError) as error:
                raise Unreadable(RefusalCode.PARSE, f"the archive is damaged here: {error}") from error
            if len(raw) > limit:
                raise Unreadable(RefusalCode.ZIP_BOMB, "it is larger than the archive says")
            refuse_empty(raw)
            return FileContent(raw, entry.version_mark if entry.version_mark == file.version_mark else "")

        yield read


def _refuse(entry: ArchiveEntry, count: int, limit: int, limits: SourceLimits) -> None:
    """Refuse an entry that must not be unpacked."""
    refuse_name(entry.name, "archive", limits.folder_depth)
    if ":" in entry.name.replace("\\", "/").split("/")[0]:
        raise Unreadable(RefusalCode.PATH, "the name leads to another drive")
    if count > 1:
        raise Unreadable(RefusalCode.ZIP_DUPLICATE, f"the archive has {count} entries of this name")
    if entry.is_encrypted:
        raise Unreadable(RefusalCode.ENCRYPTED, "it needs a password")
    refuse_large(entry.size, limit)
    archive = limits.archive
    if entry.packed_size and entry.size > max(archive.ratio_free_bytes, archive.ratio * entry.packed_size):
        raise Unreadable(RefusalCode.ZIP_BOMB, f"{entry.packed_size:,} bytes inflate to {entry.size:,}")


def _source_entries(source: Source, limits: ArchiveLimits) -> tuple[ArchiveEntry, ...]:
    path = source.local_path
    try:
        return _entries(path, version_mark(path.stat(follow_symlinks=False)), limits)
    except FileNotFoundError as error:
        raise missing_source(source) from error
    except _DAMAGED as error:
        raise SourceMissing(
            f"source {source.name}: {path} cannot be opened as an archive: {error}", cure="check the file"
        ) from error


@functools.lru_cache(maxsize=32)
def _entries(path: Path, mark: str, limits: ArchiveLimits) -> tuple[ArchiveEntry, ...]:
    """The files in an archive. Cached by its version mark: a compressed tar is inflated to list it."""
    entries: list[ArchiveEntry] = []
    size = 0
    for entry in _zip_entries(path) if zipfile.is_zipfile(path) else _tar_entries(path, mark, limits):
        entries.append(entry)
        size += entry.size
        if len(entries) > limits.entries or size > limits.inflated_bytes:
            raise ValueError(f"it holds more than {limits.entries:,} files or {limits.inflated_bytes >> 30} GiB")
    return tuple(entries)


def _zip_entries(path: Path) -> Iterator[ArchiveEntry]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            is_link = info.external_attr >> 16 & 0o170000 == 0o120000
            if not info.is_dir():
                seconds = int(datetime(*_valid_date(info.date_time), tzinfo=UTC).timestamp())
                mark = f"{info.file_size}:{info.CRC:08x}:{seconds}"
                sizes = info.file_size, info.compress_size
                is_encrypted = bool(info.flag_bits & 1)
                yield ArchiveEntry(info.filename, *sizes, seconds * 1_000_000_000, mark, is_encrypted, not is_link)


def _valid_date(written: tuple[int, int, int, int, int, int]) -> tuple[int, int, int, int, int, int]:
    """A date as zip files store it, moved into the calendar if it is invalid."""
    year, month, day, hour, minute, second = written
    return year, min(max(month, 1), 12), min(max(day, 1), 28), min(hour, 23), min(minute, 59), min(second, 59)


def _tar_entries(path: Path, mark: str, limits: ArchiveLimits) -> Iterator[ArchiveEntry]:
    with _opened_tar(path, limits) as archive:
        for info in archive:
            if not info.isdir():
                name, nanoseconds = info.name.removeprefix("./"), int(info.mtime) * 1_000_000_000
                yield ArchiveEntry(
                    name, info.size, 0, nanoseconds, f"{info.size}:{info.mtime}:{mark}", is_regular=info.isreg()
                )


@contextmanager
def _opened(path: Path, limits: ArchiveLimits) -> Iterator[Callable[[str], IO[bytes]]]:
    """A function that opens an entry by its name."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            yield archive.open
        return
    with _opened_tar(path, limits) as tar:
        members = {info.name.removeprefix("./"): info for info in tar if info.isreg()}
        yield lambda name: cast("IO[bytes]", tar.extractfile(members[name]))  # None only for links and devices


@contextmanager
def _opened_tar(path: Path, limits: ArchiveLimits) -> Iterator[tarfile.TarFile]:
    """A tar file that can be read in any order; a compressed one is inflated into a temporary file without a name."""
    with path.open("rb") as file:
        first_bytes = file.read(6)
    open_compressed = next(
        (opener for magic, opener in _DECOMPRESSORS.items() if first_bytes.startswith(magic)), None
    )
    if open_compressed is None:
        with tarfile.open(path, "r:") as plain:
            yield plain
        return
    with tempfile.TemporaryFile() as inflated:
        with open_compressed(path) as packed:
            while piece := packed.read(_PIECE_BYTES):
                inflated.write(piece)
                if inflated.tell() > limits.inflated_bytes:
                    raise ValueError(f"it inflates to more than {limits.inflated_bytes >> 30} GiB")
        inflated.seek(0)
        with tarfile.open(fileobj=inflated, mode="r:") as plain:
            yield plain
