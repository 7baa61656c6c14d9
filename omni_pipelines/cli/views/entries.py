"""What `omni knowledge` prints."""

from dataclasses import dataclass

from omni_pipelines.amounts import counted
from omni_pipelines.cli.command import Fields, Rows
from omni_pipelines.cli.output import local_time, narrate, say
from omni_pipelines.knowledge.entries import KnowledgeStats
from omni_pipelines.records import KnowledgeEntry


@dataclass(frozen=True)
class EntryResult:
    """One entry."""

    entry: KnowledgeEntry


def show_entry(result: EntryResult) -> None:
    """Print the fields and the text of an entry."""
    entry = result.entry
    say(_entry_line(entry))
    if entry.source:
        say(f"from {entry.source}")
    say()
    say(entry.content)


@dataclass(frozen=True)
class ScoredEntry:
    """An entry, and how well it matches."""

    entry: KnowledgeEntry
    score: float

    def as_json(self) -> Fields:
        """The fields of the entry, and the score."""
        return {**self.entry.model_dump(mode="json"), "score": self.score}


def show_entries(entries: Rows[ScoredEntry]) -> None:
    """Print one line per entry."""
    if not entries.rows:
        narrate("no entry matches")
    for scored in entries.rows:
        say(_entry_line(scored.entry))


def show_entry_stats(stats: KnowledgeStats) -> None:
    """Print the number of entries, in total and per category."""
    changed = f", last changed {local_time(stats.last_updated)}" if stats.last_updated else ""
    say(f"{counted(stats.total_entries, 'entry')}, {counted(stats.total_tags, 'tag')}{changed}")
    for name, count in stats.entries_by_category.items():
        say(f"  {count:>6}  {name}")


def _entry_line(entry: KnowledgeEntry) -> str:
    tags = "".join(f" #{tag}" for tag in entry.tags)
    title = f"  {entry.title}" if entry.title != entry.id else ""
    return f"{entry.id}{title}  ({entry.category}, version {entry.version}){tags}"
