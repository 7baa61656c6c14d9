"""What a source is, and what was found in one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, field_validator

from omni_pipelines.ids import document_id, text_hash
from omni_pipelines.settings import acl_tags
from omni_pipelines.text.readers.registry import Reader


class SourceKind(StrEnum):
    """What a source is made of."""

    FILES = "files"
    """A folder, or a single file."""
    GIT = "git"
    """The files of a repository at a revision."""
    ARCHIVE = "archive"
    """The files in a zip or tar file."""


class Source(BaseModel):
    """A folder, a single file, a repository at a revision, or an archive, that is kept in the knowledge base."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """Part of every document's identity: it survives when the root moves."""
    root: Path
    """The folder or repository, absolute; for a single file or an archive, the folder it stands in."""
    kind: SourceKind = SourceKind.FILES
    file: str = ""
    """The name of the single file or archive; "" for a folder and a repository."""
    rev: str = ""
    """Branch, tag or commit of a repository."""
    include: tuple[str, ...] = ()
    """Patterns as in .gitignore; only matching files are read. Empty: all that a reader knows."""
    exclude: tuple[str, ...] = ()
    """Patterns as in .gitignore; matching files are not read."""
    acl: tuple[str, ...] = ()
    """Tags, sorted: only a reader who has one of them sees the source. Empty: everybody does."""
    read_by: str = ""
    """Id of the home that reads it, where several share a store: its place means nothing to others. "": this one."""
    declared: bool = False
    """Whether omni.toml named its location."""
    guarded: bool = True
    """Whether an ingest stops where suspiciously much is gone. Entries are deleted one by one, by name."""
    forgotten: tuple[str, ...] = ()
    """Marks of files that are never read again, unless one is named itself: see `forgotten_marks`."""

    @field_validator("acl")
    @classmethod
    def _tags_are_words(cls, tags: tuple[str, ...]) -> tuple[str, ...]:
        return acl_tags(tags)

    @property
    def place(self) -> Path:
        """The path a person would type."""
        return self.root / self.file if self.file else self.root

    @property
    def location(self) -> str:
        """The place, with the revision where there is one."""
        return f"{self.place}@{self.rev}" if self.rev else str(self.place)

    def uri(self, path: str) -> str:
        """Where the file at `path` (relative, `/` between parts) stands now. It names no commit: that would move."""
        if self.kind is SourceKind.GIT:
            return f"git+{(self.root / path).as_uri()}?rev={quote(self.rev)}"
        if self.kind is SourceKind.ARCHIVE:
            return f"archive+{self.place.as_uri()}!/{quote(path)}"
        return (self.root / path).as_uri()


def forgotten_marks(source: Source, path: str) -> tuple[str, str]:
    """What stands in the registry for a file that was forgotten, and does not tell its name.

    One mark goes by identity and survives when the root moves; one goes by place and survives when a source around
    this one takes its place.
    """
    identity = text_hash("forgotten", document_id(source.name, path))
    return identity, text_hash("forgotten", source.uri(path))


@dataclass(frozen=True)
class Found:
    """A file of a source that a reader knows."""

    path: str
    """Relative to the source's root, `/` between parts."""
    size: int
    mtime_ns: int
    stat: str
    """size:mtime:ctime:inode, the id of a blob, or what stands for it in an archive. Equal means: not changed since,
    not read again."""
    reader: Reader


@dataclass(frozen=True)
class Listing:
    """Everything a source holds at one moment."""

    source: Source
    files: tuple[Found, ...]
    skipped: int
    """Files no reader knows, and empty ones."""
    unlistable: tuple[str, ...]
    """Folders and files that could not be looked into: absence of what begins with one of these proves nothing."""
    at: datetime

    @property
    def fingerprint(self) -> str:
        """Changes when any file appears, vanishes or changes, when the root moves, and with the tags."""
        marks = (f"{found.path}\0{found.stat}" for found in self.files)
        return text_hash(self.source.location, *self.source.acl, *marks, *self.unlistable)


Read = Callable[[Found, int], tuple[bytes, str]]
"""The bytes of a file of at most so many, and its stat mark; "" where a later change could go unseen.

It raises Unreadable for a file that cannot be read.
"""
