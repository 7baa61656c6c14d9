"""The listing of a source at one moment, and the content of its files."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from omni_pipelines.ids import text_hash
from omni_pipelines.refusals import UnreadFile
from omni_pipelines.sources.model.source import Source
from omni_pipelines.text.readers.formats import Reader


class SourceFile(NamedTuple):
    """A file of a source that a reader can read."""

    path: str
    """Relative to the source, with `/` between parts."""
    size: int
    mtime_ns: int
    version_mark: str
    """Changes with the file: size, times and inode, the id of a git blob, an ETag. A file is not read again while its
    stored mark, in the column `stat` of the tables, is equal."""
    reader: Reader
    real_path: str = ""
    """The path in the file system, if that is not valid UTF-8 and `path` shows it escaped; else empty."""
    is_provisional: bool = False
    """Whether the version mark is known only after the file was read, as for a new page of a website."""


@dataclass(frozen=True)
class Listing:
    """The complete list of files of a source at one moment."""

    source: Source
    files: tuple[SourceFile, ...]
    """Sorted by path."""
    unread: tuple[UnreadFile, ...]
    """The other files, sorted by path, and the folders that were not entered. Erased files are not named."""
    unreadable_paths: tuple[str, ...]
    """Files and folders that could not be listed: a document whose path starts with one of them is not deleted."""
    listed_at: datetime
    notes: tuple[str, ...] = ()
    """Warnings for a person, one sentence each."""

    def has(self, path: str) -> bool:
        """Whether the file at a path is listed."""
        return path in self._paths

    @cached_property
    def _paths(self) -> frozenset[str]:
        return frozenset(file.path for file in self.files)

    @cached_property
    def fingerprint(self) -> str:
        """Changes when a file is added, removed or changed, and with the location and the access tags."""
        marks = (f"{file.path}\0{file.version_mark}" for file in self.files)
        return text_hash(self.source.location, *self.source.acl, *marks, *self.unreadable_paths)


class FileContent(NamedTuple):
    """The content of a file at one moment."""

    raw: bytes
    version_mark: str
    """Its version mark at that moment; empty if a later change could have the same mark."""
    reader: Reader | None = None
    """The reader for the media type that a server names, if that overrides the file name."""
    mtime_ns: int | None = None
    """When it changed, if only the server knows."""
    charset: str = ""
    """The label by which the server declares the encoding; empty if it declares none."""
    path: Path | None = None
    """Where an archive lies that is too large to be read at once; then `raw` is empty."""


ReadFile = Callable[[SourceFile, int], FileContent]
"""Reads a file of at most so many bytes.

Raises:
    Unreadable: the file cannot be read; its code is the reason.
"""
