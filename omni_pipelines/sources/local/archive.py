"""The files in an archive that is a source of its own, read in place.

An entry whose name leads out of the archive or appears twice, or that inflates too much, goes to quarantine. Links
and devices are skipped, as in a folder.
"""

import functools
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from omni_pipelines.errors import SourceMissing
from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.sources.model.file_reads import refuse_empty, refuse_large, version_mark
from omni_pipelines.sources.model.limits import SourceLimits
from omni_pipelines.sources.model.listing import FileContent, Listing, ReadFile, SourceFile
from omni_pipelines.sources.model.names import refuse_name, shown_name
from omni_pipelines.sources.model.selection import FileSelection
from omni_pipelines.sources.model.source import Source, missing_source
from omni_pipelines.text.readers.archives.archive import open_archive
from omni_pipelines.text.readers.archives.entries import DAMAGED, Archive, ArchiveEntry, ArchiveLimits


def list_archive(source: Source, limits: SourceLimits) -> Listing:
    """List the files in an archive.

    Raises:
        SourceMissing: it is not there, is damaged, or exceeds the limits.
    """
    mark, entries = _source_entries(source, limits.archive)
    selection = FileSelection(source)
    for entry in entries:
        name = shown_name(entry.name)
        if not selection.is_ruled_out(name, is_vendored_read=True):
            selection.add(name, entry.size, entry.mtime_ns, _entry_mark(entry, mark))
    return selection.listing()


@contextmanager
def open_archive_source(source: Source, limits: SourceLimits) -> Iterator[ReadFile]:
    """Read entries of the archive as it is now."""
    path = source.local_path
    with path.open("rb") as opened, open_archive(opened, path.name, limits.archive) as archive:
        mark = version_mark(path.stat(follow_symlinks=False))
        by_name = {shown_name(entry.name): entry for entry in archive.entries}
        counts = Counter(shown_name(entry.name) for entry in archive.entries)

        def read(file: SourceFile, limit: int) -> FileContent:
            entry = by_name.get(file.path)
            if entry is None:
                raise Unreadable(RefusalCode.VANISHED, "it is not in the archive any more")
            raw = read_entry(entry, limit, limits, counts[file.path])
            refuse_empty(raw)
            entry_mark = _entry_mark(entry, mark)
            return FileContent(raw, entry_mark if entry_mark == file.version_mark else "")

        yield read


def read_entry(entry: ArchiveEntry, limit: int, limits: SourceLimits, count: int) -> bytes:
    """The bytes of an entry of an open archive, which has `count` entries of this name.

    Raises:
        Unreadable: E_PATH, E_DEPTH, E_ZIP_DUPLICATE, E_ENCRYPTED, E_TOO_LARGE, E_ZIP_BOMB or E_PARSE.
    """
    refuse_name(entry.name, "archive", limits.folder_depth)
    if ":" in entry.name.split("/")[0]:
        raise Unreadable(RefusalCode.PATH, "the name leads to another drive")
    if count > 1:
        raise Unreadable(RefusalCode.ZIP_DUPLICATE, f"the archive has {count} entries of this name")
    if entry.is_encrypted:
        raise Unreadable(RefusalCode.ENCRYPTED, "it needs a password")
    refuse_large(entry.size, limit)
    archive = limits.archive
    if entry.packed_size and entry.size > max(archive.ratio_free_bytes, archive.ratio * entry.packed_size):
        raise Unreadable(RefusalCode.ZIP_BOMB, f"{entry.packed_size:,} bytes inflate to {entry.size:,}")
    try:
        with entry.open() as entry_file:
            raw = entry_file.read(limit + 1)
    except NotImplementedError as error:
        raise Unreadable(RefusalCode.PARSE, f"it is packed by a method that is not read: {error}") from error
    except (*DAMAGED, RuntimeError) as error:
        raise Unreadable(RefusalCode.PARSE, f"the archive is damaged here: {error}") from error
    if len(raw) > limit:
        raise Unreadable(RefusalCode.ZIP_BOMB, "it is larger than the archive says")
    return raw


def _entry_mark(entry: ArchiveEntry, archive_mark: str) -> str:
    """The version mark of an entry; without a checksum, it changes with the whole archive."""
    return f"{entry.size}:{entry.checksum or archive_mark}:{entry.mtime_ns}"


def _source_entries(source: Source, limits: ArchiveLimits) -> tuple[str, tuple[ArchiveEntry, ...]]:
    """The version mark of an archive, and its entries, which cannot be opened any more."""
    path = source.local_path
    try:
        mark = version_mark(path.stat(follow_symlinks=False))
        archive = _listed(path, mark, limits)
    except FileNotFoundError as error:
        raise missing_source(source) from error
    except (Unreadable, OSError) as error:
        raise _not_opened(source, error.detail if isinstance(error, Unreadable) else str(error)) from error
    if archive.damage:
        raise _not_opened(source, archive.damage)
    return mark, archive.entries


def _not_opened(source: Source, reason: str) -> SourceMissing:
    return SourceMissing(
        f"source {source.name}: {source.local_path} cannot be opened as an archive: {reason}", cure="check the file"
    )


@functools.lru_cache(maxsize=32)
def _listed(path: Path, _mark: str, limits: ArchiveLimits) -> Archive:
    """The entries of an archive. Cached by its version mark: a compressed tar is inflated to list it."""
    with path.open("rb") as file, open_archive(file, path.name, limits) as archive:
        return replace(archive, entries=tuple(replace(entry, open=_closed) for entry in archive.entries))


def _closed() -> NoReturn:
    raise ValueError("the archive is closed")
