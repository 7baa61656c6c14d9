"""What is ingested: the registry of sources, and what stands in one right now."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pathspec
from pydantic import BaseModel, ConfigDict, field_validator

from native.durable import write_whole
from omni_pipelines.errors import ConfigurationError, SourceMissing
from omni_pipelines.ids import document_id, text_hash
from omni_pipelines.settings import Home, Settings, SourceSettings, acl_tags
from omni_pipelines.text.readers.registry import PLAIN, Reader, reader_for

_VENDORED = {"node_modules", "__pycache__", "venv", "site-packages", "dist", "build", "target", "vendor"}
"""Folders that hold other people's work or derived files. Name one as a source to read it anyway."""
MOST_DEPTH = 64
_Ignores = tuple[tuple[str, pathspec.GitIgnoreSpec], ...]
"""The ignore files on the way down: folder, and its rules."""


class Source(BaseModel):
    """A folder, or a single file, that is kept in the knowledge base."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """Part of every document's identity: it survives when the root moves."""
    root: Path
    """The folder, absolute; for a single file, the folder it stands in."""
    file: str = ""
    """The name of the single file; "" for a folder."""
    include: tuple[str, ...] = ()
    """Patterns as in .gitignore; only matching files are read. Empty: all that a reader knows."""
    acl: tuple[str, ...] = ()
    """Tags, sorted: only a reader who has one of them sees the source. Empty: everybody does."""
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

    def uri(self, path: str) -> str:
        """Where the file at `path` (relative, `/` between parts) stands now."""
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
    """size:mtime:ctime:inode. Equal means: not changed since, not read again."""
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
        """Changes when any file appears, vanishes or changes, and when the root moves."""
        return text_hash(
            str(self.source.root),
            *self.source.acl,
            *(f"{found.path}\0{found.stat}" for found in self.files),
            *self.unlistable,
        )


def load_sources(home: Home) -> list[Source]:
    """The registered sources, by name.

    Raises:
        ConfigurationError: the registry cannot be read.
    """
    if not home.sources.exists():
        return []
    try:
        return [Source.model_validate(each) for each in orjson.loads(home.sources.read_bytes())["sources"]]
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"{home.sources} cannot be read", cure="delete it and name your paths again: omni ingest PATH"
        ) from error


def current_sources(home: Home, settings: Settings) -> list[Source]:
    """The registered sources, by name, with what `[sources.NAME]` of omni.toml sets for them."""
    return [_as_set(source, settings.sources.get(source.name)) for source in load_sources(home)]


def _as_set(source: Source, own: SourceSettings | None) -> Source:
    given = own.model_fields_set & {"include", "acl"} if own else set()
    values = {name: getattr(own, name) for name in given}
    return Source.model_validate({**source.model_dump(), **values}) if values else source


def save_sources(home: Home, sources: Sequence[Source]) -> None:
    """Write the registry."""
    ordered = sorted(sources, key=lambda source: source.name)
    document = {"sources": [source.model_dump(mode="json") for source in ordered]}
    write_whole(home.sources, orjson.dumps(document, option=orjson.OPT_INDENT_2))


def register(
    known: Sequence[Source], paths: Sequence[Path], include: Sequence[str] = ()
) -> tuple[list[Source], list[str]]:
    """The registry with `paths` in it, and the names of the sources that hold them.

    A path that a registered folder reads is that folder; a folder that reads registered ones takes their place.
    A path that is named again with other patterns keeps its name.

    Raises:
        SourceMissing: a path is not there, or is neither file nor folder.
    """
    sources, chosen = list(known), []
    for path in paths:
        real = _resolved(path)
        around = next((source for source in sources if _holds(source, real)), None)
        if around is None or (include and around.place == real):
            before = next((source.name for source in sources if source.place == real), None)
            around = _new_source(real, tuple(include), before or _free_name(real, sources))
            marks = {mark for each in sources if _holds(around, each.place) for mark in each.forgotten}
            around = around.model_copy(update={"forgotten": tuple(sorted(marks))})
            sources = [each for each in sources if not _holds(around, each.place)] + [around]
        chosen.append(around.name)
    return sources, list(dict.fromkeys(chosen))


def _resolved(path: Path) -> Path:
    try:
        real = path.expanduser().resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise SourceMissing(f"{path} is not there", cure="check the path") from error
    if not real.is_dir() and not real.is_file():
        raise SourceMissing(f"{path} is neither a file nor a folder", cure="name a file or a folder")
    return real


def _holds(source: Source, path: Path) -> bool:
    """Whether the source reads what stands at `path`. What it passes over can be a source of its own."""
    if path == source.place:
        return True
    if source.file or source.include or not path.is_relative_to(source.root):
        return False
    inside = path.relative_to(source.root).as_posix()
    return any(f"{found.path}/".startswith(f"{inside}/") for found in list_source(source).files)


def _free_name(path: Path, sources: Sequence[Source]) -> str:
    taken = {source.name for source in sources}
    base = re.sub(r"[^\w.-]+", "-", path.name).strip("-.") or "root"
    name, number = base, 2
    while name in taken:
        name, number = f"{base}-{number}", number + 1
    return name


def _new_source(path: Path, include: tuple[str, ...], name: str) -> Source:
    if path.is_file():
        return Source(name=name, root=path.parent, file=path.name)
    return Source(name=name, root=path, include=include)


def list_source(source: Source) -> Listing:
    """What stands in a source now, sorted by path; links are not followed, ignored files are left out.

    Raises:
        SourceMissing: the root is gone or cannot be listed: no proof that its documents are deleted.
    """
    if source.file:
        return _list_file(source)
    if not os.path.isdir(source.root):  # unlike Path.is_dir, it raises nothing where a parent is closed
        raise SourceMissing(
            f"source {source.name}: {source.root} is not there", cure="bring it back or ingest another path"
        )
    walk = _Walk(source)
    files = sorted(walk.files(), key=lambda found: found.path)
    return Listing(source, tuple(files), walk.skipped, tuple(walk.unlistable), datetime.now(UTC))


def _list_file(source: Source) -> Listing:
    try:
        status = source.place.stat(follow_symlinks=False)
    except OSError as error:
        raise SourceMissing(f"source {source.name}: {source.place} is not there", cure="bring it back") from error
    if status.st_size == 0:
        return Listing(source, (), 1, (), datetime.now(UTC))
    reader = reader_for(source.file) or PLAIN  # asked for by name: worth a try as text
    return Listing(source, (_found(source.file, status, reader),), 0, (), datetime.now(UTC))


def _found(path: str, status: os.stat_result, reader: Reader) -> Found:
    stat = f"{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}:{status.st_ino}"
    return Found(path, status.st_size, status.st_mtime_ns, stat, reader)


class _Walk:
    """One pass over a folder."""

    def __init__(self, source: Source) -> None:
        self._source, self._root = source, source.root
        self._forgotten = frozenset(source.forgotten)
        self._include = pathspec.GitIgnoreSpec.from_lines(source.include) if source.include else None
        self.skipped = 0
        self.unlistable: list[str] = []

    def files(self) -> Iterator[Found]:
        pending: list[tuple[str, _Ignores]] = [("", ())]
        while pending:
            folder, ignores = pending.pop()
            entries = self._entries(folder)
            ignores = self._with_ignore_file(folder, entries, ignores)
            for entry in entries:
                path = f"{folder}{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    if self._enters(path, entry.name, ignores):
                        pending.append((f"{path}/", ignores))
                elif entry.is_file(follow_symlinks=False) and not _ignored(path, ignores):
                    yield from self._file(path, entry)

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self._root / folder) as entries:
                return list(entries)
        except OSError as error:
            if not folder:
                raise SourceMissing(
                    f"{self._root} cannot be listed: {error.strerror}", cure="check its permissions"
                ) from error
            self.unlistable.append(folder)
            return []

    def _with_ignore_file(self, folder: str, entries: list[os.DirEntry[str]], ignores: _Ignores) -> _Ignores:
        rules = (entry for entry in entries if entry.name == ".gitignore" and entry.is_file(follow_symlinks=False))
        if self._include is not None or next(rules, None) is None:
            return ignores
        try:
            text = (self._root / folder / ".gitignore").read_text("utf-8", "replace")
        except OSError:
            return ignores
        return (*ignores, (folder, pathspec.GitIgnoreSpec.from_lines(text.splitlines())))

    def _enters(self, path: str, name: str, ignores: _Ignores) -> bool:
        if path.count("/") >= MOST_DEPTH:
            return False
        if self._include is not None:
            return not name.startswith(".") and name != "__pycache__"
        return not name.startswith(".") and name not in _VENDORED and not _ignored(f"{path}/", ignores)

    def _file(self, path: str, entry: os.DirEntry[str]) -> Iterator[Found]:
        if self._include is not None and not self._include.match_file(path):
            return
        if self._forgotten and not self._forgotten.isdisjoint(forgotten_marks(self._source, path)):
            return
        reader = None if entry.name.startswith(".") or not _is_text(path) else reader_for(path)
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            return  # it vanished since the folder was listed
        except OSError:
            self.unlistable.append(path)  # in a folder that gives names and nothing else
            return
        if reader is None or status.st_size == 0:
            self.skipped += 1
        else:
            yield _found(path, status, reader)


def _is_text(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _ignored(path: str, ignores: _Ignores) -> bool:
    """The nearest ignore file that says anything about a path decides: it can take back what one above it says."""
    for folder, spec in reversed(ignores):
        verdict = spec.check_file(path[len(folder) :]).include
        if verdict is not None:
            return verdict
    return False
