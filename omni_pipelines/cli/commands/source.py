"""`omni source`."""

from functools import partial
from typing import Annotated

import typer
from typer import Argument, Option

from omni_pipelines.amounts import counted
from omni_pipelines.cli.command import Fields, Rows, command
from omni_pipelines.cli.confirmation import confirmed
from omni_pipelines.cli.dependencies import AnyHome, ExistingHome, HomeSettings
from omni_pipelines.cli.text import line, say_fields
from omni_pipelines.cli.views.sources import show_claim, show_sources, source_fields
from omni_pipelines.errors import ConfigurationError, nearest
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.releases import newest_release
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.settings import SourceOptions, acl_tags
from omni_pipelines.sources import registry
from omni_pipelines.sources.claims import NOBODY, claimed
from omni_pipelines.sources.kinds import list_source
from omni_pipelines.sources.locations import source_at
from omni_pipelines.sources.model.source import Source, SourceKind
from omni_pipelines.sources.model.web_addresses import allowed_host

NameArgument = Annotated[str, Argument(help="A name from omni source list.")]
LocationArgument = Annotated[
    str, Argument(help="A folder, a file, a zip or tar file, REPOSITORY@REVISION, or a URL.")
]
Patterns = list[str] | None
PrivateOption = Annotated[
    bool, Option("--allow-private", help="For a website in your own network: allow private addresses.")
]


@command(line("{name}: {kind}, {files:file} in {location}", "next: omni ingest"))
def add(
    home: AnyHome,
    settings: HomeSettings,
    location: LocationArgument,
    name: Annotated[str, Option(help="Its name. Default: the last part of the location.")] = "",
    rev: Annotated[str, Option(help="A branch, tag or commit of a git repository.")] = "",
    include: Annotated[Patterns, Option(metavar="PATTERN", help="Read only files that match. Repeatable.")] = None,
    exclude: Annotated[Patterns, Option(metavar="PATTERN", help="Skip files that match. Repeatable.")] = None,
    acl: Annotated[
        Patterns, Option(metavar="TAG", help="Access tag of the viewers who may see the source. Repeatable.")
    ] = None,
    allow: Annotated[
        Patterns, Option(metavar="HOST", help="For a website: another host that has pages of it. Repeatable.")
    ] = None,
    allow_private: PrivateOption = False,
) -> Fields:
    """Register a source, which the next omni ingest reads."""
    options = SourceOptions(
        rev=rev,
        include=tuple(include or ()),
        exclude=tuple(exclude or ()),
        acl=_tags(acl or []),
        allow=_hosts(allow or []),
        allow_private=allow_private,
    )
    with writer_session(home, settings, sync=True):
        known = registry.current_sources(home, settings)
        source = registry.add_source(known, location, name, options=options, is_ours=registry.reads(home))
        if (options.allow or allow_private) and source.kind is not SourceKind.WEB:
            cure = "leave out --allow and --allow-private"
            raise ConfigurationError(f"{source.location} is not a website", cure=cure)
        listing = list_source(source)  # a source that cannot be listed is not registered
        registry.save_sources(home, [*registry.load_sources(home), source])
    return source_fields(source, files=len(listing.files), unread=len(listing.unread))


@command(show_sources)
def list_(home: ExistingHome, settings: HomeSettings) -> Rows[Fields]:
    """List the sources, also those that omni.toml declares."""
    is_ours, documents = registry.reads(home), _documents(home)
    sources = registry.current_sources(home, settings)
    listed = [
        source_fields(
            source,
            documents=documents.get(source.name, 0),
            read_here=is_ours(source),
            claimed=source.read_by != NOBODY,
        )
        for source in sources
    ]
    return Rows("sources", listed)


@command(partial(say_fields, width=14))
def show(home: ExistingHome, settings: HomeSettings, name: NameArgument) -> Fields:
    """Show a source, and how it is chunked and masked."""
    source = _named(registry.current_sources(home, settings), name)
    own = settings.of_source(name)
    chunking = {field: getattr(own, field) for field in ("chunk_mode", "chunk_tokens", "chunk_overlap")}
    documents = _documents(home).get(name, 0)
    return source_fields(source, documents=documents, **chunking, mask_secrets=own.mask_secrets)


@command(line("", "{removed} is removed; next: omni ingest, which deletes {documents:document}"))
def remove(
    home: AnyHome,
    settings: HomeSettings,
    name: NameArgument,
    yes: Annotated[bool, Option("--yes", help="Remove it without asking.")] = False,
) -> Fields:
    """Remove a source and, at the next omni ingest, its documents.

    To erase every trace of it as well, run: omni forget.
    """
    source = _named(registry.load_sources(home), name)
    if (declared := settings.sources.get(name)) is not None and declared.location:
        raise ConfigurationError(f"{home.config} declares source {name}", cure="delete it there first")
    documents = _documents(home).get(name, 0)
    what = f"{counted(documents, 'document')} of {source.location} would be deleted at the next ingest"
    unasked = ConfigurationError(what, cure=f"to remove it without a question: omni source remove {name} --yes")
    if not yes and not confirmed(f"{what}; remove it?", otherwise=unasked):
        raise typer.Exit(1)
    with writer_session(home, settings, sync=True):
        registry.save_sources(home, [kept for kept in registry.load_sources(home) if kept.name != name])
    return {"removed": name, "documents": documents}


@command(show_claim)
def claim(
    home: AnyHome,
    settings: HomeSettings,
    name: NameArgument,
    new_location: Annotated[str, Option("--at", help="Its location here, if that differs.")] = "",
) -> Fields:
    """Make this home read a source that another home, or no home, has read so far.

    Of the homes that share a store, one reads each source: claim the source if that home is gone or gives it up.
    A home that somebody gave you may name sources outside its folder: omni reads none of them before you claim it.
    Look at its location first.
    """
    with writer_session(home, settings, sync=True):
        sources = registry.load_sources(home)
        source = _named(sources, name)
        if registry.reads(home)(source):
            return {"name": name, "location": source.location, "new": False}
        moved = source_at(new_location, name, rev=source.rev) if new_location else source
        place = {field: getattr(moved, field) for field in ("kind", "root", "url", "file")}
        ours = claimed(source.model_copy(update=place))  # the next ingest fills in the home
        listing = list_source(ours)  # a source that cannot be listed here is not claimed
        registry.save_sources(home, [ours if kept.name == name else kept for kept in sources])
    return {
        "name": name,
        "location": ours.location,
        "new": True,
        "files": len(listing.files),
        "from_home": source.read_by != NOBODY,
    }


def _documents(home: Home) -> dict[str, int]:
    """Documents of each source in the newest release."""
    release = newest_release(home)
    return {name: seen.documents for name, seen in release.sources.items()} if release else {}


def _named(sources: list[Source], name: str) -> Source:
    source = next((source for source in sources if source.name == name), None)
    if source is None:
        cure = nearest(name, [source.name for source in sources], "see: omni source list")
        raise ConfigurationError(f"there is no source {name!r}", cure=cure)
    return source


def _tags(tags: list[str]) -> tuple[str, ...]:
    try:
        return acl_tags(tags)
    except ValueError as error:
        raise ConfigurationError(str(error)) from error


def _hosts(hosts: list[str]) -> tuple[str, ...]:
    try:
        return tuple(map(allowed_host, hosts))
    except ValueError as error:
        raise ConfigurationError(str(error), cure="name hosts, without https://") from error
