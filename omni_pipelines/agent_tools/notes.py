"""The tools for notes: knowledge entries that an agent writes and finds again."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, Field

from omni_pipelines.configuration import load_settings
from omni_pipelines.home import Home
from omni_pipelines.knowledge.entries import KnowledgeSearchQuery, search_entries
from omni_pipelines.knowledge.search.options import MAX_QUERY_LENGTH
from omni_pipelines.records import KnowledgeEntry
from omni_pipelines.tools.signature import tool

SOURCE = "agent"
"""What an entry says of where it comes from."""
MAX_NOTE_CHARACTERS, MAX_FOUND = 20_000, 5


class SavedNote(BaseModel, frozen=True):
    """A note that was saved."""

    id: str
    version: int


class FoundNote(BaseModel, frozen=True):
    """A note that was found."""

    id: str
    title: str
    text: str
    category: str
    tags: tuple[str, ...]
    score: float


class NoteTools:
    """The tools for the notes of one home."""

    def __init__(self, home: Home) -> None:
        self._home = home

    @tool("notes.save", title="Save a note", category="notes", destructive=True, idempotent=True)
    def save(
        self,
        title: str,
        text: Annotated[str, Field(max_length=MAX_NOTE_CHARACTERS)],
        tags: Sequence[str] = (),
    ) -> SavedNote:
        """Save a note; it replaces your note with the same title.

        Args:
            title: The subject.
            text: Markdown.
            tags: Words to find it by.
        """
        from omni_pipelines.operations.entry_writer import KnowledgeWriter  # it loads the engines that write

        entry = KnowledgeEntry(id=f"{SOURCE}: {title}", title=title, content=text, source=SOURCE).with_tags(*tags)
        saved = KnowledgeWriter(self._home, load_settings(self._home)).upsert(entry)
        return SavedNote(id=saved.id, version=saved.version)

    @tool("notes.find", title="Find notes", category="notes", read_only=True)
    def find(self, query: str = "") -> list[FoundNote]:
        """Find notes by their words; without words, the newest.

        Args:
            query: Words.
        """
        found = search_entries(self._home, KnowledgeSearchQuery(query=query[:MAX_QUERY_LENGTH], limit=MAX_FOUND))
        return [
            FoundNote(
                id=entry.id,
                title=entry.title,
                text=entry.content[:MAX_NOTE_CHARACTERS],
                category=entry.category.value,
                tags=entry.tags,
                score=score,
            )
            for entry, score in found
        ]
