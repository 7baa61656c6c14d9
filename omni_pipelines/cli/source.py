"""Commands about sources: what is kept in the knowledge base, and from where."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from omni_pipelines.cli.options import HomeOption, JsonOption
from omni_pipelines.cli.output import narrate, say, say_json

if TYPE_CHECKING:
    from omni_pipelines.home import Home
    from omni_pipelines.settings import Settings
    from omni_pipelines.sources.source import Source

app = typer.Typer(help="What is kept, and from where.", no_args_is_help=True, rich_markup_mode=None)
Patterns = Optional[list[str]]  # noqa: UP045  # typer reads it at run time
NameArgument = Annotated[str, typer.Argument(help="Its name, as omni source list has it.")]


@app.command()
def add(
    location: Annotated[
        str, typer.Argument(help="A folder, a file, a zip or tar file, REPOSITORY@REVISION, or a URL.")
    ],
    name: Annotated[str, typer.Option("--name", help="Default: the last part of the path.")] = "",
    rev: Annotated[str, typer.Option("--rev", help="Branch, tag or commit of a git repository.")] = "",
    include: Annotated[Patterns, typer.Option("--include", help="Read only what matches. Repeatable.")] = None,
    exclude: Annotated[Patterns, typer.Option("--exclude", help="Leave out what matches. Repeatable.")] = None,
    acl: Annotated[Patterns, typer.Option("--acl", help="Tag of who may see it. Repeatable.")] = None,
    allow: Annotated[
        Patterns, typer.Option("--allow", help="Another host that pages may come from. Repeatable.")
    ] = None,
    allow_private: Annotated[
        bool, typer.Option("--allow-private", help="A site of your own network: its address may be private.")
    ] = False,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Register a source; the next omni ingest reads it."""
    from omni_pipelines.errors import ConfigurationError
    from omni_pipelines.pipeline.writer_session import writer_session
    from omni_pipelines.settings import SourceOptions
    from omni_pipelines.sources.kinds import list_source
    from omni_pipelines.sources.registry import add_source, current_sources, load_sources, reads, save_sources

    place, settings = _home(home)
    options = SourceOptions(
        rev=rev,
        include=tuple(include or ()),
        exclude=tuple(exclude or ()),
        acl=_tags(acl or []),
        allow=_hosts(allow or []),
        allow_private=allow_private,
    )
    with writer_session(place, settings, sync=True):
        known = current_sources(place, settings)
        found = add_source(known, location, name, options=options, is_ours=reads(place))
        if (options.allow or options.allow_private) and found.kind != "web":
            raise ConfigurationError(f"{found.location} is no site", cure="leave --allow and --allow-private out")
        listing = list_source(found)  # what cannot be listed is not registered
        save_sources(place, [*load_sources(place), found])
    if json:
        say_json({**_fields(found), "files": len(listing.files), "skipped": listing.skipped})
    else:
        say(f"{found.name}: {found.kind}, {len(listing.files):,} files in {found.location}")
        narrate("next: omni ingest")


@app.command("list")
def list_(home: HomeOption = None, json: JsonOption = False) -> None:
    """List the sources, with what omni.toml says of them."""
    from omni_pipelines.sources.registry import reads

    place, settings = _home(home)
    found, is_ours = _sources(place, settings), reads(place)
    counts = _documents(place)
    if json:
        rows = [
            {**_fields(each), "documents": counts.get(each.name, 0), "read_here": is_ours(each)} for each in found
        ]
        say_json({"sources": rows})
        return
    if not found:
        narrate("no sources yet: omni source add, or omni ingest PATH")
    for source in found:
        tags = f"  [{', '.join(source.acl)}]" if source.acl else ""
        remark = "" if is_ours(source) else "  (read by another home)"
        documents = counts.get(source.name, 0)
        say(f"{source.name:<20} {source.kind:<8} {documents:>8,} documents  {source.location}{tags}{remark}")


@app.command()
def show(name: NameArgument, home: HomeOption = None, json: JsonOption = False) -> None:
    """Show one source, and how it is cut and masked."""
    place, settings = _home(home)
    source = _named(_sources(place, settings), name)
    own = settings.of_source(name)
    fields = {
        **_fields(source),
        "documents": _documents(place).get(name, 0),
        **{field: getattr(own, field) for field in ("chunk_mode", "chunk_tokens", "chunk_overlap")},
        "mask_secrets": own.mask_secrets,
    }
    if json:
        say_json(fields)
        return
    for field, value in fields.items():
        say(f"{field:<14} {', '.join(map(str, value)) if isinstance(value, list | tuple) else value}")


@app.command()
def remove(
    name: NameArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    home: HomeOption = None,
) -> None:
    """Take a source out of the registry; the next omni ingest deletes its documents. omni forget leaves no trace."""
    from omni_pipelines.errors import ConfigurationError
    from omni_pipelines.pipeline.writer_session import writer_session
    from omni_pipelines.sources.registry import load_sources, save_sources

    place, settings = _home(home)
    source = _named(load_sources(place), name)
    if (own := settings.sources.get(name)) is not None and own.location:
        raise ConfigurationError(f"source {name} is declared in {place.config}", cure="take it out there first")
    count = _documents(place).get(name, 0)
    if not yes and not typer.confirm(f"delete {count:,} documents of {source.location} at the next ingest?"):
        raise typer.Exit(1)
    with writer_session(place, settings, sync=True):
        save_sources(place, [each for each in load_sources(place) if each.name != name])
    narrate(f"{name} is removed; next: omni ingest, which deletes {count:,} documents")


@app.command()
def claim(
    name: NameArgument,
    at: Annotated[str, typer.Option("--at", help="Where it stands here, if that is another place.")] = "",
    home: HomeOption = None,
) -> None:
    """Read a source here that another home of the same store has read, when that home is gone or gives it up."""
    from omni_pipelines.pipeline.writer_session import writer_session
    from omni_pipelines.sources.kinds import list_source
    from omni_pipelines.sources.locations import source_at
    from omni_pipelines.sources.registry import load_sources, reads, save_sources

    place, settings = _home(home)
    with writer_session(place, settings, sync=True):
        sources = load_sources(place)
        source = _named(sources, name)
        if reads(place)(source):
            say(f"{name} is read here already")
            return
        moved = source_at(at, name, rev=source.rev) if at else source
        place_here = {field: getattr(moved, field) for field in ("kind", "root", "url", "file")}
        mine = source.model_copy(update={**place_here, "read_by": ""})  # the next pass fills in who reads it
        listing = list_source(mine)  # what cannot be listed here is not taken over
        save_sources(place, [mine if each.name == name else each for each in sources])
    say(f"{name}: {len(listing.files):,} files in {mine.location} are read here from now on")
    narrate("next: omni ingest; the other home reads it no more once it has caught up")


def _home(home: Path | None) -> tuple[Home, Settings]:
    from omni_pipelines.configuration import find_home, load_settings

    place = find_home(home)
    return place, load_settings(place)


def _sources(home: Home, settings: Settings) -> list[Source]:
    from omni_pipelines.sources.registry import current_sources

    home.check()
    return current_sources(home, settings)


def _documents(home: Home) -> dict[str, int]:
    """Documents of each source in the newest release."""
    from omni_pipelines.knowledge.state.releases import newest_release

    release = newest_release(home)
    return {name: seen.documents for name, seen in release.sources.items()} if release else {}


def _named(sources: list[Source], name: str) -> Source:
    from omni_pipelines.errors import ConfigurationError, nearest

    found = next((source for source in sources if source.name == name), None)
    if found is None:
        cure = nearest(name, [source.name for source in sources], "see: omni source list")
        raise ConfigurationError(f"there is no source {name!r}", cure=cure)
    return found


def _tags(tags: list[str]) -> tuple[str, ...]:
    from omni_pipelines.errors import ConfigurationError
    from omni_pipelines.settings import acl_tags

    try:
        return acl_tags(tags)
    except ValueError as error:
        raise ConfigurationError(str(error)) from error


def _hosts(hosts: list[str]) -> tuple[str, ...]:
    from omni_pipelines.errors import ConfigurationError
    from omni_pipelines.sources.web.addresses import allowed_host

    try:
        return tuple(map(allowed_host, hosts))
    except ValueError as error:
        raise ConfigurationError(str(error), cure="name hosts, without https://") from error


def _fields(source: Source) -> dict[str, Any]:
    names = ("name", "kind", "include", "exclude", "acl", "allow", "allow_private", "declared")
    return {"location": source.location, **{name: getattr(source, name) for name in names}}
