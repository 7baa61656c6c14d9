"""What is ingested: the registry of sources, what omni.toml declares, and what stands in one right now."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from urllib.request import url2pathname

import orjson

from native.durable import write_whole
from omni_pipelines.errors import ConfigurationError, SourceMissing
from omni_pipelines.home import Home
from omni_pipelines.settings import Settings, SourceSettings
from omni_pipelines.sources.archive import is_archive, list_archive, reading_entries
from omni_pipelines.sources.folder import list_files, reading_files
from omni_pipelines.sources.git import list_revision, reading_blobs
from omni_pipelines.sources.membership import read_membership
from omni_pipelines.sources.names import is_text, shown_name
from omni_pipelines.sources.objects.prefixes import is_prefix, list_objects, objects_at, reading_objects
from omni_pipelines.sources.source import Listing, Read, Source, SourceKind, chooses
from omni_pipelines.sources.web.addresses import authority
from omni_pipelines.sources.web.pages import is_web, list_pages, reading_pages, web_at


class _Origin(NamedTuple):
    list: Callable[[Source, Mapping[str, str]], Listing]
    reading: Callable[[Source], AbstractContextManager[Read]]


def _unasked(list_it: Callable[[Source], Listing]) -> Callable[[Source, Mapping[str, str]], Listing]:
    """A listing that needs no stored marks."""
    return lambda source, _: list_it(source)


_ORIGINS = {
    SourceKind.FILES: _Origin(_unasked(list_files), reading_files),
    SourceKind.GIT: _Origin(_unasked(list_revision), reading_blobs),
    SourceKind.ARCHIVE: _Origin(_unasked(list_archive), reading_entries),
    SourceKind.OBJECTS: _Origin(_unasked(list_objects), reading_objects),
    SourceKind.WEB: _Origin(list_pages, reading_pages),
}
"""How each kind of source is listed, by the stored marks where they help, and read. A new kind is a module in
`origins` and a line here."""


def list_source(source: Source, known: Mapping[str, str] | None = None) -> Listing:
    """What stands in a source now, sorted by path, without what its patterns leave out and what was forgotten.

    Args:
        source: the source.
        known: the marks of its files that are stored, by path; a web server is asked whether they still hold.

    Raises:
        SourceMissing: it is gone or cannot be listed: no proof that its documents are deleted.
    """
    listing = _ORIGINS[source.kind].list(source, known or {})
    is_wanted = chooses(source)
    return replace(listing, files=tuple(found for found in listing.files if is_wanted(found.path)))


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
    given = own.model_fields_set & {"include", "exclude", "acl", "allow", "allow_private"} if own else set()
    values = {name: getattr(own, name) for name in given}
    return Source.model_validate({**source.model_dump(), **values}) if values else source


def source_at(location: str, name: str, *, rev: str = "", base: Path | None = None) -> Source:
    """The source at a path: a folder, a file, an archive, or with `rev`, or as `PATH@REV`, a repository; or at a URL.

    Args:
        location: a path, from `base` where it is relative, or the address of objects or pages.
        name: of the source.
        rev: branch, tag or commit.
        base: a folder; default: this one.

    Raises:
        SourceMissing: it is not there.
        ConfigurationError: it is a URL that cannot be a source.
    """
    if location.startswith("file://"):
        location = url2pathname(urlsplit(location).path)
    if is_web(location):
        return web_at(location, name)
    if is_prefix(location):
        return objects_at(location, name)
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
    **values: Any,
) -> Source:
    """A source that is not registered yet, under its name or a free one.

    Args:
        sources: the current ones, with those that omni.toml declares.
        location: where it is.
        name: of the source; default: the last part of its location.
        rev: branch, tag or commit.
        is_ours: of `reads`: what another home reads is on another machine.
        values: fields of the source, such as `exclude`.

    Raises:
        SourceMissing: it is not there.
        ConfigurationError: the name is taken, or is none; the same place is registered, or the same files.
    """
    found = source_at(location, name or "-", rev=rev)
    found = Source.model_validate({**found.model_dump(), **values})
    twin = next((each for each in filter(is_ours, sources) if each.location == found.location), None)
    if twin is not None:
        raise ConfigurationError(
            f"{found.location} is source {twin.name} already", cure=f"omni source show {twin.name}"
        )
    for source in filter(is_ours, sources):
        if shared := _shared(source, found):
            more = f" and {len(shared) - 1:,} more files" if len(shared) > 1 else ""
            raise ConfigurationError(
                f"{shared[0]}{more} would stand twice: source {source.name} reads them at {source.location}",
                cure="leave them out in one of the two, with --exclude or exclude in omni.toml",
            )
    if name and not _NAME.fullmatch(name):
        raise ConfigurationError(f"{name!r} is no name", cure="write letters, digits and _.- only")
    if name in {source.name for source in sources}:
        raise ConfigurationError(f"there is a source {name} already", cure="choose another name with --name")
    return found.model_copy(update={"name": name or _free_name(_called(found), sources)})


def save_sources(home: Home, sources: Sequence[Source]) -> None:
    """Write the registry."""
    ordered = sorted(sources, key=lambda source: source.name)
    document = {"sources": [source.model_dump(mode="json") for source in ordered]}
    write_whole(home.sources, orjson.dumps(document, option=orjson.OPT_INDENT_2))


def register_paths(home: Home, settings: Settings, paths: Sequence[Path], include: Sequence[str] = ()) -> list[str]:
    """Add paths to the registry, and give the names of the sources that hold them. Hold the writer's lock.

    Raises:
        SourceMissing: a path is not there.
        ConfigurationError: a path would take the place of a source that omni.toml declares.
    """
    registered, current = load_sources(home), current_sources(home, settings)
    is_ours = reads(home)
    wanted, names = register(current, paths, include, is_ours=is_ours)
    kept = {source.name for source in wanted}
    for source in current:
        if source.name not in kept and source.declared and is_ours(source):
            raise ConfigurationError(
                f"that holds {source.location}, which {home.config} declares as source {source.name}",
                cure="take it out there first, or name other folders",
            )
    new = [source for source in wanted if source not in current]
    replaced = {source.name for source in new}
    sources = [source for source in registered if source.name in kept and source.name not in replaced] + new
    if sources != registered:
        save_sources(home, sources)
    return names


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
            around = _new_source(real, tuple(include), before or _free_name(real.name, [*sources, *others]))
            marks = {mark for each in sources if _holds(around, each.place) for mark in each.forgotten}
            around = around.model_copy(update={"forgotten": tuple(sorted(marks))})
            sources = [each for each in sources if not _holds(around, each.place)] + [around]
        chosen.append(around.name)
    return [*sources, *others], list(dict.fromkeys(chosen))


_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+):/+")


def _resolved(path: Path) -> Path:
    if not is_text(str(path)):
        raise ConfigurationError(
            f"the name of {shown_name(str(path))} is no UTF-8", cure="name the folder above it, or rename it"
        )
    if (scheme := _SCHEME.match(str(path))) and not path.exists():
        address = f"{scheme[1]}://{str(path)[scheme.end() :]}"
        raise ConfigurationError(f"{address} is no path", cure=f"omni source add {address}, and then: omni ingest")
    try:
        real = path.expanduser().resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise SourceMissing(f"{path} is not there", cure="check the path") from error
    if not real.is_dir() and not real.is_file():
        raise SourceMissing(f"{path} is neither a file nor a folder", cure="name a file or a folder")
    return real


def _holds(source: Source, path: Path) -> bool:
    """Whether the source reads what stands at `path`. What it passes over can be a source of its own."""
    if source.kind is SourceKind.GIT or source.is_remote:
        return False  # it reads what was committed, or is not on this machine
    if path == source.place:
        return True
    if source.file or source.include or not path.is_relative_to(source.root):
        return False
    inside = path.relative_to(source.root).as_posix()
    return any(f"{found.path}/".startswith(f"{inside}/") for found in list_source(source).files)


def _shared(one: Source, other: Source) -> list[Path]:
    """The files that both sources read, sorted."""
    if not one.kind is other.kind is SourceKind.FILES:
        return []
    if not (one.place.is_relative_to(other.root) or other.place.is_relative_to(one.root)):
        return []
    first, second = ({source.root / found.path for found in list_source(source).files} for source in (one, other))
    return sorted(first & second)


_NAME = re.compile(r"\w[\w.-]{0,99}")
_MAX_NAME_LENGTH = 80
"""Of those that are made here; a number may follow."""


def _called(source: Source) -> str:
    """The last part of its location."""
    if source.kind is SourceKind.WEB:
        return authority(source.url)
    return source.location.rpartition("/")[2] if source.is_remote else source.place.name


def _free_name(wanted: str, sources: Sequence[Source]) -> str:
    return free_name(re.sub(r"[^\w.-]+", "-", wanted).strip("-.")[:_MAX_NAME_LENGTH] or "root", sources)


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
