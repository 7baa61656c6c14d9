"""Recognises what a location is: a folder, file, archive, repository, object prefix or website."""

import re
from pathlib import Path
from urllib.parse import urlsplit

from omni_pipelines.errors import ConfigurationError, SourceMissing
from omni_pipelines.sources.model.names import is_text, shown_name
from omni_pipelines.sources.model.source import Source, SourceKind
from omni_pipelines.sources.model.web_addresses import is_web, source_address
from omni_pipelines.text.readers.file_names import ARCHIVE_SUFFIXES

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+):/+")


def source_at(location: str, name: str, *, rev: str = "", base: Path | None = None) -> Source:
    """The source at a location.

    Args:
        location: path of a folder, file, archive or, with `rev` or as `PATH@REV`, of a repository; or a URL.
        name: of the source.
        rev: branch, tag or commit.
        base: the folder of a relative path; default: the current folder.

    Raises:
        SourceMissing: there is nothing at the path.
        ConfigurationError: the URL cannot be a source.
    """
    if location.startswith("file://"):
        from urllib.request import url2pathname  # loads the HTTP client

        location = url2pathname(urlsplit(location).path)
    if is_web(location):
        return Source(name=name, kind=SourceKind.WEB, url=source_address(location))
    if "://" in location:
        from omni_pipelines.sources.objects.prefixes import object_source

        return object_source(location, name)
    path = (base or Path()) / Path(location).expanduser()
    if not rev and not path.exists() and "@" in location:
        repository, _, rev = str(path).rpartition("@")
        path = Path(repository)
    resolved = resolved_path(path)
    if rev:
        return Source(name=name, kind=SourceKind.GIT, root=resolved, rev=rev)
    if resolved.is_file():
        kind = SourceKind.ARCHIVE if resolved.name.lower().endswith(ARCHIVE_SUFFIXES) else SourceKind.FILES
        return Source(name=name, kind=kind, root=resolved.parent, file=resolved.name)
    return Source(name=name, root=resolved)


def resolved_path(path: Path) -> Path:
    """The absolute path of a file or folder, without links.

    Raises:
        SourceMissing: there is no file or folder.
        ConfigurationError: it is a URL, or its name is not UTF-8.
    """
    if not is_text(str(path)):
        raise ConfigurationError(
            f"the name {shown_name(str(path))} is not UTF-8", cure="name its parent folder, or rename it"
        )
    if (scheme := _SCHEME.match(str(path))) and not path.exists():
        address = f"{scheme[1]}://{str(path)[scheme.end() :]}"
        raise ConfigurationError(f"{address} is not a path", cure=f"omni source add {address}, and then: omni ingest")
    try:
        resolved = path.expanduser().resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise SourceMissing(f"{path} is not there", cure="check the path") from error
    if not resolved.is_dir() and not resolved.is_file():
        raise SourceMissing(f"{path} is neither a file nor a folder", cure="name a file or a folder")
    return resolved
