"""`omni knowledge`."""

from typing import Annotated

import typer
from pydantic import ValidationError
from typer import Argument, Option

from omni_pipelines.cli.command import Fields, Rows, command
from omni_pipelines.cli.dependencies import AnyHome, ExistingHome, HomeSettings
from omni_pipelines.cli.stdin import STDIN, read_stdin, words_or_stdin
from omni_pipelines.cli.text import line
from omni_pipelines.cli.views.entries import EntryResult, ScoredEntry, show_entries, show_entry, show_entry_stats
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import Home
from omni_pipelines.knowledge import entries
from omni_pipelines.operations.entry_writer import KnowledgeWriter
from omni_pipelines.records import KnowledgeCategory, KnowledgeEntry


def _category(name: str) -> KnowledgeCategory:
    """The category of an option. A file with an unknown category holds a note; in an option, it is a mistake."""
    category = KnowledgeCategory(name)
    if category is KnowledgeCategory.NOTE and name.strip().lower() not in ("note", "notes"):
        raise typer.BadParameter(f"{name!r} is not one of {', '.join(KnowledgeCategory)}")
    return category


IdArgument = Annotated[str, Argument(metavar="ID", help="The id of an entry.")]
CategoryOption = Annotated[
    KnowledgeCategory | None,
    Option(parser=_category, metavar=f"[{'|'.join(KnowledgeCategory)}]", help="The kind of knowledge."),
]
TagsOption = Annotated[list[str] | None, Option(help="A tag. Repeatable.")]
LimitOption = Annotated[int, Option("--limit", "-l", min=1, help="How many entries at most.")]


@command(line("{entry.id}, version {entry.version}"))
def add(
    home: AnyHome,
    settings: HomeSettings,
    title: Annotated[str, Argument(help="The subject, in a few words.")],
    content: Annotated[str, Argument(help="The text, or - for standard input, which is the default.")] = STDIN,
    identity: Annotated[str | None, Option("--id", help="Its id. Default: the title.")] = None,
    category: CategoryOption = None,
    tag: TagsOption = None,
    source: Annotated[str | None, Option(help="Where the knowledge comes from.")] = None,
    update: Annotated[bool, Option("--update", help="Replace the entry of this id, if there is one.")] = False,
) -> EntryResult:
    """Write an entry, which the next omni ingest reads.

    Then search and answers find it like any document.
    """
    try:
        entry = KnowledgeEntry(
            id=identity or title,
            title=title,
            content=read_stdin() if content == STDIN else content,
            category=category or KnowledgeCategory.NOTE,
            source=source,
        ).with_tags(*(tag or []))
    except ValidationError as error:
        first = error.errors()[0]
        message = f"the {first['loc'][0]} is not valid: {first['msg']}"
        raise ConfigurationError(message, cure="see: omni knowledge add --help") from error
    writer = KnowledgeWriter(home, settings)
    return EntryResult(writer.upsert(entry) if update else writer.create(entry))


@command(show_entries)
def list_(
    home: ExistingHome, category: CategoryOption = None, tag: TagsOption = None, limit: LimitOption = 100
) -> Rows[ScoredEntry]:
    """List the entries, the last changed first."""
    return _matching(home, "", category, tag, limit)


@command(show_entries)
def search(
    home: ExistingHome,
    query: Annotated[list[str], Argument(metavar="QUERY", help="Words in the title, the text or the tags.")],
    category: CategoryOption = None,
    tag: TagsOption = None,
    limit: LimitOption = 5,
) -> Rows[ScoredEntry]:
    """Find entries by their words.

    To find them by meaning as well, run: omni search.
    """
    return _matching(home, words_or_stdin(query), category, tag, limit)


@command(show_entry)
def show(home: ExistingHome, identity: IdArgument) -> EntryResult:
    """Show an entry."""
    return EntryResult(entries.read_entry(home, identity))


@command(line("", "deleted {deleted}"))
def delete(home: ExistingHome, settings: HomeSettings, identity: IdArgument) -> Fields:
    """Delete an entry.

    Search finds it until the next omni ingest.
    """
    KnowledgeWriter(home, settings).delete(identity)
    return {"deleted": identity}


@command(show_entry_stats)
def stats(home: ExistingHome) -> entries.KnowledgeStats:
    """Count the entries."""
    return entries.entry_stats(home)


def _matching(
    home: Home, words: str, category: KnowledgeCategory | None, tags: list[str] | None, limit: int
) -> Rows[ScoredEntry]:
    query = entries.KnowledgeSearchQuery(query=words, category=category, tags=tuple(tags or ()), limit=limit)
    return Rows("entries", [ScoredEntry(entry, score) for entry, score in entries.search_entries(home, query)])
