"""What a source is: a folder, file, archive, repository, object prefix or website kept in the knowledge base."""

import functools
import os
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote

from pydantic import field_validator

from omni_pipelines.errors import SourceMissing
from omni_pipelines.ids import document_id, text_hash
from omni_pipelines.settings import SourceOptions
from omni_pipelines.sources.model.web_addresses import allowed_host, page_address


class SourceKind(StrEnum):
    """The kinds of sources."""

    FILES = "files"
    """A folder, or a single file."""
    GIT = "git"
    """The files of a git repository at a revision."""
    ARCHIVE = "archive"
    """The files in a zip or tar file."""
    OBJECTS = "objects"
    """The objects below a prefix of an object store, or a single object."""
    WEB = "web"
    """The pages that a sitemap lists, or a single page."""


class Source(SourceOptions):
    """A source under its name, with its location and options."""

    name: str
    """Part of the identity of every document, so the location can change without new documents."""
    root: Path = Path()
    """The folder or repository, absolute; for a single file or an archive, its folder. Empty for remote sources."""
    url: str = ""
    """For remote sources, the prefix of the objects without a slash at the end, or the address of the sitemap or
    page. Contains no user name, password or key."""
    kind: SourceKind = SourceKind.FILES
    file: str = ""
    """Name of the single file, archive or object; empty for other sources."""
    read_by: str = ""
    """Id of the home that reads this source, if several homes share a store. Empty: this home."""
    declared: bool = False
    """Whether omni.toml names the location."""
    guarded: bool = True
    """Whether an ingest stops when suspiciously many documents are gone; False for entries, deleted by name."""
    pictures: bool = False
    """Whether pictures are among its files, because their text is recognised; the setting `ocr` decides."""
    forgotten: tuple[str, ...] = ()
    """Marks of erased files, which are not read again: see `forgotten_marks`."""

    @field_validator("allow")
    @classmethod
    def _check_hosts(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(sorted({allowed_host(host) for host in hosts}))

    @property
    def local_path(self) -> Path:
        """Path of the folder, repository, file or archive."""
        return self.root / self.file if self.file else self.root

    @property
    def is_remote(self) -> bool:
        """Whether listing it uses the network. Sensors do not list remote sources."""
        return bool(self.url)

    @property
    def location(self) -> str:
        """Path or URL as a person writes it, with the revision of a repository."""
        if self.url:
            return f"{self.url}/{self.file}" if self.file else self.url
        return f"{self.local_path}@{self.rev}" if self.rev else str(self.local_path)

    def uri(self, path: str) -> str:
        """URI of the file at a relative `path` with `/` between parts. Names no commit, because that would change."""
        if self.kind is SourceKind.GIT:
            return f"git+{(self.root / path).as_uri()}?rev={quote(self.rev)}"
        if self.kind is SourceKind.ARCHIVE:
            return f"archive+{self.local_path.as_uri()}!/{quote(path)}"
        if self.kind is SourceKind.OBJECTS:
            return f"{self.url}/{quote(path)}"
        if self.kind is SourceKind.WEB:
            return page_address(path, self.url)
        return _folder_uri(self.root) + quote(os.fsencode(path))


@functools.lru_cache(maxsize=64)
def _folder_uri(folder: Path) -> str:
    return folder.as_uri().removesuffix("/") + "/"


def missing_source(source: Source) -> SourceMissing:
    """The error for a source on this machine whose folder or file is not there."""
    return SourceMissing(
        f"source {source.name}: {source.local_path} is not there",
        cure=f"restore it, or remove the source: omni source remove {source.name}",
    )


def forgotten_marks(source: Source, path: str) -> tuple[str, str]:
    """The two hashes by which the registry remembers an erased file without keeping its name.

    The first is of its identity and stays valid when the root moves; the second is of its URI and stays valid when
    another source includes the file.
    """
    identity = text_hash("forgotten", document_id(source.name, path))
    return identity, text_hash("forgotten", source.uri(path))
