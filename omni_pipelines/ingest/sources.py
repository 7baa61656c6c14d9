"""What is ingested: the registry of sources, what omni.toml declares, and what stands in one right now."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import orjson
import pathspec

from native.durable import write_whole
from omni_pipelines.errors import ConfigurationError, SourceMissing
from omni_pipelines.ingest.origins.archive import is_archive, list_archive, reading_entries
from omni_pipelines.ingest.origins.folder import list_files, reading_files
from omni_pipelines.ingest.origins.git import list_revision, reading_blobs
from omni_pipelines.ingest.origins.source import Found, Listing, Read, Source, SourceKind, forgotten_marks
from omni_pipelines.ingest.store.records import read_membership
from omni_pipelines.settings import Home, Settings, SourceSettings


class _Origin(NamedTuple):
    list: Callable[[Source], Listing]
    reading: Callable[[Source], AbstractContextManager[Read]]


_ORIGINS = {
    SourceKind.FILES: _Origin(list_files, reading_files),
    SourceKind.GIT: _Origin(list_revision, reading_blobs),
    SourceKind.ARCHIVE: _Origin(list_archive, reading_entries),
}
"""How each kind of source is listed and read. A new kind is a module in `origins` and a line here."""


def list_source(source: Source) -> Listing:
    """What stands in a source now, sorted by path, without what its patterns leave out and what was forgotten.

    Raises:
        SourceMissing: it is gone or cannot be listed: no proof that its documents are deleted.
    """
    listing = _ORIGINS[source.kind].list(source)
    include = pathspec.GitIgnoreSpec.from_lines(source.include)
    exclude = pathspec.GitIgnoreSpec.from_lines(source.exclude)
    forgotten = frozenset(source.forgotten)
    chosen_here = bool(source.include) and source.kind is not SourceKind.FILES  # a folder is walked by them already

    def is_wanted(found: Found) -> bool:
        if chosen_here and not include.match_file(found.path):
            return False
        if source.exclude and exclude.match_file(found.path):
            return False
        return not forgotten or forgotten.isdisjoint(forgotten_marks(source, found.path))

    return replace(listing, files=tuple(filter(is_wanted, listing.files)))


def reading_source(source: Source) -> AbstractContextManager[Read]:
    """What reads the files of a source, while it is open."""
    return _ORIGINS[source.kind].reading(source)


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
    """The registered sources and those that omni.toml declares, by name, with what `[sources.NAME]` sets for them.

    Raises:
        SourceMissing: a declared location is not there.
        ConfigurationError: the registry cannot be read.
    """
    sources = {source.name: source for source in load_sources(home)}
    is_ours = reads(home)
    for name, own in settings.sources.items():
        if own.location and (name not in sources or is_ours(sources[name])):
            at = source_at(own.location, name, rev=own.rev, base=home.config.parent)
            known = sources.get(name, at)
            kept = {"forgotten": known.forgotten, "read_by": known.read_by}
            sources[name] = at.model_copy(update={"declared": True, **kept})
    return [
        _as_set(source, settings.sources.get(name)) if is_ours(source) else source
        for name, source in sorted(sources.items())
    ]


def reads(home: Home) -> Callable[[Source], bool]:
    """Whether the home reads a source. Homes that share a store know all sources, and read those they registered."""
    membership = read_membership(home)
    names = {"", membership.home} if membership is not None else {""}
    return lambda source: source.read_by in names


def undeclared(home: Home, settings: Settings) -> list[str]:
    """Names of sources that omni.toml declared once and does not any more. Their documents are kept."""
    declared = {name for name, own in settings.sources.items() if own.location}
    return [source.name for source in load_sources(home) if source.declared and source.name not in declared]


def _as_set(source: Source, own: SourceSettings | None) -> Source:
    given = own.model_fields_set & {"include", "exclude", "acl"} if own else set()
    values = {name: getattr(own, name) for name in given}
    return Source.model_validate({**source.model_dump(), **values}) if values else source


def source_at(location: str, name: str, *, rev: str = "", base: Path | None = None) -> Source:
    """The source at a path: a folder, a file, an archive, or with `rev`, or as `PATH@REV`, a repository.

    Args:
        location: a path, from `base` where it is relative.
        name: of the source.
        rev: branch, tag or commit.
        base: a folder; default: this one.

    Raises:
        SourceMissing: it is not there.
    """
    path = (base or Path()) / Path(location).expanduser()
    if not rev and not path.exists() and "@" in location:
        place, _, rev = str(path).rpartition("@")
        path = Path(place)
    real = _resolved(path)
    if rev:
        return Source(name=name, kind=SourceKind.GIT, root=real, rev=rev)
    if real.is_file():
        kind = SourceKind.ARCHIVE if is_archive(real.name) else SourceKind.FILES
        return Source(name=name, kind=kind, root=real.parent, file=real.name)
    return Source(name=name, root=real)


def _everything(_: Source) -> bool:
    return True


def add_source(
    sources: Sequence[Source],
    location: str,
    name: str = "",
    *,
    rev: str = "",
    is_ours: Callable[[Source], bool] = _everything,
) -> Source:
    """A source that is not registered yet, under its name or a free one. `is_ours` is of `reads`.

    Raises:
        SourceMissing: it is not there.
        ConfigurationError: the name is taken, or is none; or the same place is registered.
    """
    found = source_at(location, name or "-", rev=rev)
    twin = next((each for each in filter(is_ours, sources) if each.location == found.location), None)
    if twin is not None:
        raise ConfigurationError(
            f"{found.location} is source {twin.name} already", cure=f"omni source show {twin.name}"
        )
    if name and not _NAME.fullmatch(name):
        raise ConfigurationError(f"{name!r} is no name", cure="write letters, digits and _.- only")
    if name in {source.name for source in sources}:
        raise ConfigurationError(f"there is a source {name} already", cure="choose another name with --name")
    return found.model_copy(update={"name": name or _free_name(found.place, sources)})


def save_sources(home: Home, sources: Sequence[Source]) -> None:
    """Write the registry."""
    ordered = sorted(sources, key=lambda source: source.name)
    document = {"sources": [source.model_dump(mode="json") for source in ordered]}
    write_whole(home.sources, orjson.dumps(document, option=orjson.OPT_INDENT_2))


def register(
    known: Sequence[Source],
    paths: Sequence[Path],
    include: Sequence[str] = (),
    *,
    is_ours: Callable[[Source], bool] = _everything,
) -> tuple[list[Source], list[str]]:
    """The registry with `paths` in it, and the names of the sources that hold them. `is_ours` is of `reads`.

    A path that a registered folder reads is that folder; a folder that reads registered ones takes their place.
    A path that is named again with other patterns keeps its name.

    Raises:
        SourceMissing: a path is not there, or is neither file nor folder.
    """
    sources, chosen = list(filter(is_ours, known)), []
    others = [source for source in known if not is_ours(source)]
    for path in paths:
        real = _resolved(path)
        around = next((source for source in sources if _holds(source, real)), None)
        if around is None or (include and around.place == real):
            before = next((source.name for source in sources if source.place == real), None)
            around = _new_source(real, tuple(include), before or _free_name(real, [*sources, *others]))
            marks = {mark for each in sources if _holds(around, each.place) for mark in each.forgotten}
            around = around.model_copy(update={"forgotten": tuple(sorted(marks))})
            sources = [each for each in sources if not _holds(around, each.place)] + [around]
        chosen.append(around.name)
    return [*sources, *others], list(dict.fromkeys(chosen))


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
    if source.kind is SourceKind.GIT:
        return False  # it reads what was committed, and not the files
    if path == source.place:
        return True
    if source.file or source.include or not path.is_relative_to(source.root):
        return False
    inside = path.relative_to(source.root).as_posix()
    return any(f"{found.path}/".startswith(f"{inside}/") for found in list_source(source).files)


_NAME = re.compile(r"\w[\w.-]{0,99}")


def _free_name(path: Path, sources: Sequence[Source]) -> str:
    return free_name(re.sub(r"[^\w.-]+", "-", path.name).strip("-.") or "root", sources)


def free_name(base: str, sources: Iterable[Source]) -> str:
    """`base`, or `base-2`, … where it is taken."""
    taken = {source.name for source in sources}
    name, number = base, 2
    while name in taken:
        name, number = f"{base}-{number}", number + 1
    return name


def _new_source(path: Path, include: tuple[str, ...], name: str) -> Source:
    found = source_at(str(path), name)
    single = found.kind is SourceKind.FILES and found.file
    return found if single else found.model_copy(update={"include": include})
