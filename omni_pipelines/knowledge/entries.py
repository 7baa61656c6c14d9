"""Knowledge entries: notes that people and agents write, each a Markdown file with its fields in the last line.

Their folder in the home is a source like any other: after the next ingest, searches and answers find and cite them.
The functions here read the files themselves, so they find an entry as soon as it is written.
"""

import math
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from pathlib import Path

import orjson
from pydantic import BaseModel, Field

from omni_pipelines.errors import CitationNotFound
from omni_pipelines.home import Home
from omni_pipelines.ids import text_hash
from omni_pipelines.metadata import MetadataReader
from omni_pipelines.records import KnowledgeCategory, KnowledgeEntry

SOURCE = "entries"
"""Name of the source that the folder of entries is."""
_WORD = re.compile(r"\w+")
_FIELDS, _END = "\n<!-- ", " -->\n"
_K1, _B = 1.2, 0.75


class KnowledgeSearchQuery(BaseModel, frozen=True):
    """A search among the entries."""

    query: str = ""
    """"" for all entries that match the rest, newest first."""
    category: KnowledgeCategory | None = None
    tags: tuple[str, ...] = ()
    """An entry must have one of them; case does not matter."""
    limit: int = Field(5, ge=1)


class KnowledgeStats(BaseModel, frozen=True):
    """The entries in numbers."""

    total_entries: int = 0
    entries_by_category: dict[str, int] = {}
    total_tags: int = 0
    """Number of different tags; case does not matter."""
    last_updated: datetime | None = None


def entry_file(home: Home, identity: str) -> Path:
    """The file of the entry with this id: a readable name, different for each id."""
    readable = "-".join(_WORD.findall(identity))[:60]
    return home.entries / f"{readable}-{text_hash('entry', identity)[:12]}.md"


def entry_text(entry: KnowledgeEntry) -> str:
    """The content of an entry's file: title and text as Markdown, then its fields as JSON in a comment."""
    fields = orjson.dumps(entry.model_dump(mode="json", exclude={"content"})).decode()
    escaped = fields.replace(">", "\\u003e")  # otherwise a field could end the comment
    return f"# {' '.join(entry.title.split())}\n\n{entry.content}{_FIELDS}{escaped}{_END}"


def read_entry(home: Home, identity: str) -> KnowledgeEntry:
    """The entry with this id.

    Raises:
        CitationNotFound: it does not exist, or its file is damaged.
    """
    entry = _read(entry_file(home, identity), MetadataReader(KnowledgeEntry))
    if entry is None:
        raise CitationNotFound(f"there is no entry {identity!r}", cure="see: omni knowledge list")
    return entry


def list_entries(home: Home, reader: MetadataReader[KnowledgeEntry] | None = None) -> list[KnowledgeEntry]:
    """All entries, the latest change first. Files that are not entries are left out."""
    reader = reader or MetadataReader(KnowledgeEntry)
    entries = [entry for path in home.entries.glob("*.md") if (entry := _read(path, reader)) is not None]
    return sorted(entries, key=lambda entry: (-entry.updated_at.timestamp(), entry.id))


def entry_fields(home: Home) -> dict[str, int]:
    """Counts of the fields of all entries: read, read leniently, unreadable, and dropped."""
    reader = MetadataReader(KnowledgeEntry)
    list_entries(home, reader)
    return reader.counts.counts


def _read(path: Path, reader: MetadataReader[KnowledgeEntry]) -> KnowledgeEntry | None:
    """An entry. A damaged field gets its default; a file without id or title is not an entry."""
    try:
        text, _, fields = path.read_bytes().decode().rpartition(_FIELDS)
    except (OSError, ValueError):
        return None
    content = text.partition("\n\n")[2]
    return reader.read(fields.removesuffix(_END), {"content": content}) if text else None


def search_entries(home: Home, query: KnowledgeSearchQuery) -> list[tuple[KnowledgeEntry, float]]:
    """The matching entries, best first, with their scores: BM25 over title, text and tags, plus 1 for the exact id.

    Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009).
    """
    tags = {tag.casefold() for tag in query.tags}
    entries = [entry for entry in list_entries(home) if _matches(entry, query.category, tags)]
    identity = query.query.strip()
    if not identity:
        return [(entry, 0.0) for entry in entries[: query.limit]]
    texts = (" ".join((entry.title, entry.content, *entry.tags)) for entry in entries)
    scores = _bm25(_tokens(query.query), [Counter(_tokens(text)) for text in texts])
    scored = [(entry, score + (entry.id == identity)) for entry, score in zip(entries, scores, strict=True)]
    matching = [(entry, round(score, 6)) for entry, score in scored if score > 0]
    return sorted(matching, key=lambda each: (-each[1], each[0].id))[: query.limit]


def _matches(entry: KnowledgeEntry, category: KnowledgeCategory | None, tags: Collection[str]) -> bool:
    own = {tag.casefold() for tag in entry.tags}
    return category in (None, entry.category) and (not tags or not own.isdisjoint(tags))


def _tokens(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _bm25(query: Sequence[str], documents: Sequence[Counter[str]]) -> Iterator[float]:
    mean = sum(words.total() for words in documents) / max(len(documents), 1) or 1.0
    having = {word: sum(word in words for words in documents) for word in query}
    rarity = {word: math.log(1 + (len(documents) - count + 0.5) / (count + 0.5)) for word, count in having.items()}
    for words in documents:
        length = _K1 * (1 - _B + _B * words.total() / mean)
        yield sum(rarity[word] * (words[word] * (_K1 + 1) / (words[word] + length)) for word in rarity)


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
