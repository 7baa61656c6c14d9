"""Knowledge entries: what people and agents wrote down, each a Markdown file with its fields on the last line.

They stand in a folder of the home that is a source like any other: after the next ingest, search and answers find
and cite them. What is here looks at the files themselves, and finds an entry by its words from the moment it stands.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from pathlib import Path

import orjson
from pydantic import BaseModel, ConfigDict, Field

from omni_pipelines.errors import CitationNotFound
from omni_pipelines.home import Home
from omni_pipelines.ids import text_hash
from omni_pipelines.metadata import MetadataReader
from omni_pipelines.records import KnowledgeCategory, KnowledgeEntry

SOURCE = "entries"
"""Name of the source that their folder is."""
_WORD = re.compile(r"\w+")
_FIELDS, _END = "\n<!-- ", " -->\n"
_K1, _B = 1.2, 0.75


class KnowledgeSearchQuery(BaseModel):
    """What is looked for among the entries."""

    model_config = ConfigDict(frozen=True)

    query: str = ""
    """"" for all that the rest lets through, newest first."""
    category: KnowledgeCategory | None = None
    tags: tuple[str, ...] = ()
    """Any of them is enough; upper and lower case are the same."""
    limit: int = Field(5, ge=1)


class KnowledgeStats(BaseModel):
    """The entries in numbers."""

    model_config = ConfigDict(frozen=True)

    total_entries: int = 0
    entries_by_category: dict[str, int] = {}
    total_tags: int = 0
    """Different ones, upper and lower case being the same."""
    last_updated: datetime | None = None


def entry_file(home: Home, identity: str) -> Path:
    """Where an entry stands. The name can be read, and is the same for the same id only."""
    readable = "-".join(_WORD.findall(identity))[:60]
    return home.entries / f"{readable}-{text_hash('entry', identity)[:12]}.md"


def entry_text(entry: KnowledgeEntry) -> str:
    """An entry as its file has it: title and text as Markdown, then its fields as JSON in a comment."""
    fields = orjson.dumps(entry.model_dump(mode="json", exclude={"content"})).decode()
    shown = fields.replace(">", "\\u003e")  # or it could end the comment
    return f"# {' '.join(entry.title.split())}\n\n{entry.content}{_FIELDS}{shown}{_END}"


def read_entry(home: Home, identity: str) -> KnowledgeEntry:
    """One entry.

    Raises:
        CitationNotFound: there is none, or its file is no entry any more.
    """
    found = _read(entry_file(home, identity), MetadataReader(KnowledgeEntry))
    if found is None:
        raise CitationNotFound(f"there is no entry {identity!r}", cure="see: omni knowledge list")
    return found


def list_entries(home: Home) -> list[KnowledgeEntry]:
    """All entries, the one that was changed last first. Files that are no entries are left out."""
    return _listed(home, MetadataReader(KnowledgeEntry))


def entry_fields(home: Home) -> dict[str, int]:
    """What became of the fields of all entries: how many were read, fell back, and were dropped."""
    reader = MetadataReader(KnowledgeEntry)
    _listed(home, reader)
    return reader.counts.counts


def _listed(home: Home, reader: MetadataReader[KnowledgeEntry]) -> list[KnowledgeEntry]:
    found = [entry for path in home.entries.glob("*.md") if (entry := _read(path, reader)) is not None]
    return sorted(found, key=lambda entry: (-entry.updated_at.timestamp(), entry.id))


def _read(path: Path, reader: MetadataReader[KnowledgeEntry]) -> KnowledgeEntry | None:
    """An entry. A field that somebody spoiled is left at its default; without id or title it is no entry."""
    try:
        text, _, fields = path.read_bytes().decode().rpartition(_FIELDS)
    except (OSError, ValueError):
        return None
    content = text.partition("\n\n")[2]
    return reader.read(fields.removesuffix(_END), {"content": content}) if text else None


def search_entries(home: Home, query: KnowledgeSearchQuery) -> list[tuple[KnowledgeEntry, float]]:
    """The entries that fit, best first, each with its score: BM25 over title, text and tags, and 1 for its own id.

    Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009).
    """
    wanted = {tag.casefold() for tag in query.tags}
    entries = [entry for entry in list_entries(home) if _fits(entry, query.category, wanted)]
    if not query.query.strip():
        return [(entry, 0.0) for entry in entries[: query.limit]]
    words = [_words(entry) for entry in entries]
    scored = list(zip(entries, _bm25(_tokens(query.query), words), strict=True))
    scored = [(entry, score + (entry.id == query.query.strip())) for entry, score in scored]
    found = [(entry, round(score, 6)) for entry, score in scored if score > 0]
    return sorted(found, key=lambda each: (-each[1], each[0].id))[: query.limit]


def _fits(entry: KnowledgeEntry, category: KnowledgeCategory | None, tags: Collection[str]) -> bool:
    has = {tag.casefold() for tag in entry.tags}
    return category in (None, entry.category) and (not tags or not has.isdisjoint(tags))


def _words(entry: KnowledgeEntry) -> Counter[str]:
    return Counter(_tokens(" ".join((entry.title, entry.content, *entry.tags))))


def _tokens(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _bm25(query: Sequence[str], documents: Sequence[Counter[str]]) -> Iterator[float]:
    mean = sum(each.total() for each in documents) / max(len(documents), 1) or 1.0
    having = {word: sum(word in each for each in documents) for word in query}
    for words in documents:
        length = _K1 * (1 - _B + _B * words.total() / mean)
        yield sum(
            math.log(1 + (len(documents) - having[word] + 0.5) / (having[word] + 0.5))
            * (words[word] * (_K1 + 1) / (words[word] + length))
            for word in dict.fromkeys(query)
        )


def entry_stats(home: Home) -> KnowledgeStats:
    """The entries in numbers."""
    entries = list_entries(home)
    categories = Counter(entry.category.value for entry in entries)
    return KnowledgeStats(
        total_entries=len(entries),
        entries_by_category=dict(sorted(categories.items())),
        total_tags=len({tag.casefold() for entry in entries for tag in entry.tags}),
        last_updated=entries[0].updated_at if entries else None,
    )
