"""The registry of sources: which ones the knowledge base has, and how new ones are added."""

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from native import text_recognition
from native.durable import write_whole
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import Home
from omni_pipelines.records import body_of, sealed_document
from omni_pipelines.settings import Settings, SourceOptions
from omni_pipelines.sources.claims import NOBODY, claimed, seals_of, with_claims
from omni_pipelines.sources.declared import with_declared
from omni_pipelines.sources.kinds import list_source
from omni_pipelines.sources.locations import resolved_path, source_at
from omni_pipelines.sources.model.source import Source, SourceKind
from omni_pipelines.sources.model.web_addresses import authority
from omni_pipelines.sources.store_membership import read_membership

MAX_NAME_LENGTH = 80
"""Of a name made from a location; a number may follow."""
_NAME = re.compile(r"\w[\w.-]{0,99}")
_NO_OPTIONS = SourceOptions()
RESTORE = "restore it from a backup, or delete it and add your sources again, with their access tags: omni source add"


def _valid_names(sources: list[Source]) -> list[Source]:
    names = [source.name for source in sources]
    if len(set(names)) < len(names) or not all(map(_NAME.fullmatch, names)):
        raise ValueError("the names of the sources are not valid")
    return sources


RegisteredSources = Annotated[list[Source], AfterValidator(_valid_names)]
"""The registry of sources in a record that may come from somebody else."""
IsOurs = Callable[[Source], bool]
"""Tells whether this home reads a source: see `reads`."""


def load_sources(home: Home) -> list[Source]:
    """Load the registered sources, sorted by name. Those that only somebody else named are read by nobody.

    Raises:
        ConfigurationError: the registry cannot be read.
    """
    if not home.sources.exists():
        return []
    try:
        document = body_of(home.sources.read_bytes())
        sources = [Source.model_validate(fields) for fields in document["sources"]]
        return with_claims(home, sources, dict(document.get("seals", {})))
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{home.sources} cannot be read", cure=RESTORE) from error


def save_sources(home: Home, sources: Sequence[Source]) -> None:
    """Write the registry, with the claim of this user on the sources that the home reads.

    Raises:
        ConfigurationError: a source leads out of the folder of the home, and the claim cannot be written.
    """
    ordered = sorted(sources, key=lambda source: source.name)
    seals = seals_of(home, ordered)
    document = {"sources": [source.model_dump(mode="json") for source in ordered], "seals": seals}
    write_whole(home.sources, sealed_document(document))


def current_sources(home: Home, settings: Settings) -> list[Source]:
    """The registered sources and those that omni.toml declares, with the options that it sets, sorted by name.

    Raises:
        ConfigurationError: the registry cannot be read.
    """
    registered = {source.name: source for source in load_sources(home)}
    sources = with_declared(registered, settings.sources, home.config.parent, reads(home)).values()
    pictures = settings.ocr and text_recognition.installed()
    return [source.model_copy(update={"pictures": pictures}) for source in sources]


def undeclared(home: Home, settings: Settings) -> list[str]:
    """Names of registered sources that omni.toml declared before and does not declare any more."""
    declared = {name for name, own in settings.sources.items() if own.location}
    return [source.name for source in load_sources(home) if source.declared and source.name not in declared]


def unclaimed_notes(home: Home) -> list[str]:
    """A line about each source that is not read, because somebody else named it."""
    return [
        f"source {source.name} is not read: {source.location} lies outside this folder, and you never named it here; "
        f"to read it, run: omni source claim {source.name}"
        for source in load_sources(home)
        if source.read_by == NOBODY
    ]


def reads(home: Home) -> IsOurs:
    """A function that tells whether the home reads a source.

    Homes that share a store know all sources of the store, but each reads only those that it registered.
    """
    membership = read_membership(home)
    names = {"", membership.home} if membership is not None else {""}
    return lambda source: source.read_by in names


def _all_ours(_: Source) -> bool:
    return True


def add_source(
    sources: Sequence[Source],
    location: str,
    name: str = "",
    *,
    options: SourceOptions = _NO_OPTIONS,
    is_ours: IsOurs = _all_ours,
) -> Source:
    """Make a source that is not registered yet. Does not write the registry.

    Args:
        sources: the current ones, including declared sources.
        location: path or URL.
        name: of the source; default: the last part of the location, with a number if the name is taken.
        options: revision, patterns, access tags and allowed hosts.
        is_ours: see `reads`; the paths of other homes' sources are on other machines.

    Raises:
        SourceMissing: there is nothing at the path.
        ConfigurationError: the name is invalid or taken, or another source has the same location or the same files.
    """
    located = source_at(location, name or "-", rev=options.rev)
    source = Source.model_validate({**located.model_dump(), **options.model_dump(exclude={"rev"})})
    ours = list(filter(is_ours, sources))
    twins = (other for other in sources if is_ours(other) or other.read_by == NOBODY)
    if twin := next((other for other in twins if other.location == source.location), None):
        what = "show" if is_ours(twin) else "claim"
        cure = f"omni source {what} {twin.name}"
        raise ConfigurationError(f"{source.location} is already source {twin.name}", cure=cure)
    for other in ours:
        if shared := _shared_files(other, source):
            more = f" and {len(shared) - 1:,} more files" if len(shared) > 1 else ""
            raise ConfigurationError(
                f"{shared[0]}{more} would be indexed twice: source {other.name} reads them at {other.location}",
                cure="exclude them in one of the two sources: --exclude, or exclude in omni.toml",
            )
    if name and not _NAME.fullmatch(name):
        raise ConfigurationError(f"{name!r} is not a valid name", cure="use letters, digits and _.- only")
    if name in {other.name for other in sources}:
        raise ConfigurationError(f"there is already a source {name}", cure="choose another name with --name")
    return source.model_copy(update={"name": name or _valid_free_name(_last_part(source), sources)})


def register_paths(home: Home, settings: Settings, paths: Sequence[Path], include: Sequence[str] = ()) -> list[str]:
    """Add paths to the registry, and return the names of the sources that contain them. Hold the writer lock.

    Raises:
        SourceMissing: a path is not there.
        ConfigurationError: a path would replace a source that omni.toml declares.
    """
    registered, current = load_sources(home), current_sources(home, settings)
    is_ours = reads(home)
    wanted, names = register(current, paths, include, is_ours=is_ours)
    kept = {source.name for source in wanted}
    for source in current:
        if source.name not in kept and source.declared and is_ours(source):
            raise ConfigurationError(
                f"the path contains {source.location}, which {home.config} declares as source {source.name}",
                cure=f"remove [sources.{source.name}] there first, or name other folders",
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
    is_ours: IsOurs = _all_ours,
) -> tuple[list[Source], list[str]]:
    """The sources with `paths` added, and the names of the sources that contain them. Does not write the registry.

    A path that a source reads already adds nothing. A folder replaces the sources that it contains. A path that is
    added again with other patterns keeps its name.

    Args:
        known: the current sources.
        paths: files, archives and folders.
        include: patterns for folders.
        is_ours: see `reads`; sources of other homes stay as they are.

    Raises:
        SourceMissing: a path is not there, or is neither a file nor a folder.
    """
    sources, names = list(filter(is_ours, known)), []
    others = [source for source in known if not is_ours(source)]
    for path in map(resolved_path, paths):
        if named := next((each for each in others if each.read_by == NOBODY and each.local_path == path), None):
            others.remove(named)
            sources.append(claimed(named))
        source = next((source for source in sources if _contains(source, path)), None)
        if source is None or (include and source.local_path == path):
            former_name = next((source.name for source in sources if source.local_path == path), None)
            name = former_name or _valid_free_name(path.name, [*sources, *others])
            source = _new_source(path, tuple(include), name)
            replaced = [other for other in sources if _contains(source, other.local_path)]
            marks = {mark for other in replaced for mark in other.forgotten}
            source = source.model_copy(update={"forgotten": tuple(sorted(marks))})
            sources = [other for other in sources if other not in replaced] + [source]
        names.append(source.name)
    return [*sources, *others], list(dict.fromkeys(names))


def _new_source(path: Path, include: tuple[str, ...], name: str) -> Source:
    source = source_at(str(path), name)
    is_single_file = source.kind is SourceKind.FILES and source.file
    return source if is_single_file else source.model_copy(update={"include": include})


def _contains(source: Source, path: Path) -> bool:
    """Whether a source reads the file at `path`, or a file below it. Ignored paths can be sources of their own."""
    if source.kind is SourceKind.GIT or source.is_remote:
        return False  # it reads commits, or is not on this machine
    if path == source.local_path:
        return True
    if source.file or source.include or not path.is_relative_to(source.root):
        return False
    inside = path.relative_to(source.root).as_posix()
    return any(f"{file.path}/".startswith(f"{inside}/") for file in list_source(source).files)


def _shared_files(one: Source, other: Source) -> list[Path]:
    """The files that both sources read, sorted."""
    if not one.kind is other.kind is SourceKind.FILES:
        return []
    if not (one.local_path.is_relative_to(other.root) or other.local_path.is_relative_to(one.root)):
        return []
    first, second = ({source.root / file.path for file in list_source(source).files} for source in (one, other))
    return sorted(first & second)


def _last_part(source: Source) -> str:
    """The last part of a location: the host of a website."""
    if source.kind is SourceKind.WEB:
        return authority(source.url)
    return source.location.rpartition("/")[2] if source.is_remote else source.local_path.name


def _valid_free_name(text: str, sources: Sequence[Source]) -> str:
    return free_name(re.sub(r"[^\w.-]+", "-", text).strip("-.")[:MAX_NAME_LENGTH] or "root", sources)


def free_name(base: str, sources: Iterable[Source]) -> str:
    """`base`, or `base-2`, `base-3`, … if it is taken."""
    taken = {source.name for source in sources}
    name, number = base, 2
    while name in taken:
        name, number = f"{base}-{number}", number + 1
    return name
