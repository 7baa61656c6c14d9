"""`omni knowledge`: entries that people and agents write down."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from omni_pipelines.cli.options import HomeOption, JsonOption
from omni_pipelines.cli.output import narrate, say, say_json

if TYPE_CHECKING:
    from omni_pipelines.records import KnowledgeCategory, KnowledgeEntry

app = typer.Typer(help="Entries that people and agents write down.", no_args_is_help=True, rich_markup_mode=None)
CategoryOption = Annotated[
    str | None,
    typer.Option(
        "--category",
        help="patterns, solutions, errors, techniques, notes, references, architecture or workflows.",
    ),
]
TagsOption = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option("--tag", help="A tag. Repeatable."),
]
LimitOption = Annotated[int, typer.Option("--limit", "-l", min=1, help="Most entries that are shown.")]


@app.command()
def add(
    title: Annotated[str, typer.Argument(help="What it is about, in a few words.")],
    content: Annotated[str | None, typer.Argument(help="What is known; without it, standard input is read.")] = None,
    identity: Annotated[str | None, typer.Option("--id", help="Its id; default: the title.")] = None,
    category: CategoryOption = None,
    tag: TagsOption = None,
    source: Annotated[str | None, typer.Option("--source", help="Where it comes from.")] = None,
    update: Annotated[bool, typer.Option("--update", help="Replace the entry of this id, if there is one.")] = False,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Write an entry. Search and answers find it after the next omni ingest, like any document."""
    from pydantic import ValidationError

    from omni_pipelines.configuration import find_home, load_settings
    from omni_pipelines.errors import ConfigurationError
    from omni_pipelines.operations.entry_writer import KnowledgeWriter
    from omni_pipelines.records import KnowledgeCategory, KnowledgeEntry

    place = find_home(home)
    try:
        entry = KnowledgeEntry(
            id=identity or title,
            title=title,
            content=sys.stdin.read() if content is None else content,
            category=_category(category) or KnowledgeCategory.NOTE,
            source=source,
        ).with_tags(*(tag or []))
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigurationError(
            f"{first['loc'][0]} does not fit: {first['msg']}", cure="say it otherwise"
        ) from error
    writer = KnowledgeWriter(place, load_settings(place))
    written = writer.upsert(entry) if update else writer.create(entry)
    if json:
        say_json({"entry": written.model_dump(mode="json")})
    else:
        say(f"{written.id}, version {written.version}")


@app.command("list")
def list_(
    category: CategoryOption = None,
    tag: TagsOption = None,
    limit: LimitOption = 100,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """List the entries, the one that was changed last first."""
    _say_found("", category, tag, limit, home, json=json)


@app.command()
def search(
    query: Annotated[str, typer.Argument(help="What to look for, in title, text and tags.")],
    category: CategoryOption = None,
    tag: TagsOption = None,
    limit: LimitOption = 5,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Find entries by their words; `omni search` finds them by meaning, too."""
    _say_found(query, category, tag, limit, home, json=json)


@app.command()
def show(
    identity: Annotated[str, typer.Argument(metavar="ID", help="The id of an entry.")],
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Show an entry."""
    from omni_pipelines.configuration import find_home
    from omni_pipelines.knowledge.entries import read_entry

    place = find_home(home)
    place.check()
    entry = read_entry(place, identity)
    if json:
        say_json({"entry": entry.model_dump(mode="json")})
        return
    say(_line(entry))
    if entry.source:
        say(f"from {entry.source}")
    say()
    say(entry.content)


@app.command()
def delete(
    identity: Annotated[str, typer.Argument(metavar="ID", help="The id of an entry.")], home: HomeOption = None
) -> None:
    """Delete an entry. Search finds it no more after the next omni ingest."""
    from omni_pipelines.configuration import find_home, load_settings
    from omni_pipelines.operations.entry_writer import KnowledgeWriter

    place = find_home(home)
    place.check()
    KnowledgeWriter(place, load_settings(place)).delete(identity)
    narrate(f"deleted {identity}")


@app.command()
def stats(home: HomeOption = None, json: JsonOption = False) -> None:
    """Count the entries."""
    from omni_pipelines.configuration import find_home
    from omni_pipelines.knowledge.entries import entry_stats

    place = find_home(home)
    place.check()
    found = entry_stats(place)
    if json:
        say_json(found.model_dump(mode="json"))
        return
    when = f", last changed {found.last_updated.astimezone():%Y-%m-%d %H:%M}" if found.last_updated else ""
    say(f"{found.total_entries} entries, {found.total_tags} tags{when}")
    for name, count in found.entries_by_category.items():
        say(f"  {count:>6}  {name}")


def _category(name: str | None) -> KnowledgeCategory | None:
    """The category of an option. Unlike one that is read from a file, an unknown one is a mistake here.

    Raises:
        ConfigurationError: there is no such category.
    """
    from omni_pipelines.errors import ConfigurationError
    from omni_pipelines.records import KnowledgeCategory

    if name is None:
        return None
    found = KnowledgeCategory(name)
    if found == KnowledgeCategory.NOTE and name.strip().lower() not in ("note", "notes"):
        raise ConfigurationError(f"there is no category {name!r}", cure=f"categories: {', '.join(KnowledgeCategory)}")
    return found


def _say_found(
    words: str, category: str | None, tags: list[str] | None, limit: int, home: Path | None, *, json: bool
) -> None:
    from omni_pipelines.configuration import find_home
    from omni_pipelines.knowledge.entries import KnowledgeSearchQuery, search_entries

    place = find_home(home)
    place.check()
    query = KnowledgeSearchQuery(query=words, category=_category(category), tags=tuple(tags or ()), limit=limit)
    found = search_entries(place, query)
    if json:
        entries: list[dict[str, Any]] = [{**each.model_dump(mode="json"), "score": score} for each, score in found]
        say_json({"entries": entries})
        return
    if not found:
        narrate("no entry fits")
    for entry, _ in found:
        say(_line(entry))


def _line(entry: KnowledgeEntry) -> str:
    tags = "".join(f" #{tag}" for tag in entry.tags)
    title = f"  {entry.title}" if entry.title != entry.id else ""
    return f"{entry.id}{title}  ({entry.category}, version {entry.version}){tags}"
