"""What a source is, and what was found in one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import pathspec
from pydantic import field_validator

from omni_pipelines.ids import document_id, text_hash
from omni_pipelines.settings import SourceOptions
from omni_pipelines.sources.web.addresses import allowed_host, page_address
from omni_pipelines.text.readers.registry import Reader


class SourceKind(StrEnum):
    """What a source is made of."""

    FILES = "files"
    """A folder, or a single file."""
    GIT = "git"
    """The files of a repository at a revision."""
    ARCHIVE = "archive"
    """The files in a zip or tar file."""
    OBJECTS = "objects"
    """The objects below a prefix of an object store, or a single one."""
    WEB = "web"
    """The pages that a sitemap names, or a single one."""


class Source(SourceOptions):
    """A place that is kept in the knowledge base: see `SourceKind`."""

    name: str
    """Part of every document's identity: it survives when the root moves."""
    root: Path = Path()
    """The folder or repository, absolute; for a single file or an archive, the folder it stands in; for what is not
    on this machine, nothing."""
    url: str = ""
    """Where it is, if not on this machine: of objects, what all have in common, without a slash at its end; of pages,
    the sitemap or the page. It holds no name of a user and no key."""
    kind: SourceKind = SourceKind.FILES
    file: str = ""
    """The name of the single file, archive or object; "" for all others."""
    read_by: str = ""
    """Id of the home that reads it, where several share a store: its place means nothing to others. "": this one."""
    declared: bool = False
    """Whether omni.toml named its location."""
    guarded: bool = True
    """Whether an ingest stops where suspiciously much is gone. Entries are deleted one by one, by name."""
    forgotten: tuple[str, ...] = ()
    """Marks of files that are never read again, unless one is named itself: see `forgotten_marks`."""

    @field_validator("allow")
    @classmethod
    def _hosts_are_hosts(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(sorted({allowed_host(host) for host in hosts}))

    @property
    def place(self) -> Path:
        """The path a person would type."""
        return self.root / self.file if self.file else self.root

    @property
    def is_remote(self) -> bool:
        """Whether a look at it goes over the network: no sensor takes one by itself."""
        return bool(self.url)

    @property
    def location(self) -> str:
        """The place, with the revision where there is one."""
        if self.url:
            return f"{self.url}/{self.file}" if self.file else self.url
        return f"{self.place}@{self.rev}" if self.rev else str(self.place)

    def uri(self, path: str) -> str:
        """Where the file at `path` (relative, `/` between parts) stands now. It names no commit: that would move."""
        if self.kind is SourceKind.GIT:
            return f"git+{(self.root / path).as_uri()}?rev={quote(self.rev)}"
        if self.kind is SourceKind.ARCHIVE:
            return f"archive+{self.place.as_uri()}!/{quote(path)}"
        if self.kind is SourceKind.OBJECTS:
            return f"{self.url}/{quote(path)}"
        if self.kind is SourceKind.WEB:
            return page_address(path, self.url)
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
    """size:mtime:ctime:inode, the id of a blob, or what stands for it elsewhere. Equal means: not changed since, not
    read again."""
    reader: Reader
    at: str = ""
    """Where it really stands, if its name is no text; else it stands at its path."""
    is_provisional: bool = False
    """Whether the mark is known only once it is read: nobody asks twice for a page that is new."""


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
    notes: tuple[str, ...] = ()
    """What else a person should know, a sentence each."""

    @property
    def fingerprint(self) -> str:
        """Changes when any file appears, vanishes or changes, when the root moves, and with the tags."""
        marks = (f"{found.path}\0{found.stat}" for found in self.files)
        return text_hash(self.source.location, *self.source.acl, *marks, *self.unlistable)


class Content(NamedTuple):
    """What was read of a file."""

    raw: bytes
    mark: str
    """Its mark at that moment; "" where a later change could go unseen."""
    reader: Reader | None = None
    """The reader that its server names, against that of its name."""
    mtime_ns: int | None = None
    """When it changed, where the listing could not know it."""


Read = Callable[[Found, int], Content]
"""The content of a file, of at most so many bytes.

It raises Unreadable for a file that cannot be read.
"""


def chooses(source: Source) -> Callable[[str], bool]:
    """Whether a file at a path is read: what the patterns of a source say, and what was forgotten."""
    include = pathspec.GitIgnoreSpec.from_lines(source.include)
    exclude = pathspec.GitIgnoreSpec.from_lines(source.exclude)
    forgotten = frozenset(source.forgotten)
    chosen_here = bool(source.include) and source.kind is not SourceKind.FILES  # a folder is walked by them already

    def is_wanted(path: str) -> bool:
        if chosen_here and not include.match_file(path):
            return False
        if source.exclude and exclude.match_file(path):
            return False
        return not forgotten or forgotten.isdisjoint(forgotten_marks(source, path))

    return is_wanted
