"""Records that are written to disk and read by another process."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

import orjson
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, model_validator


class Record(BaseModel):
    """Base: immutable, and an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def sealed(record: Record) -> bytes:
    """A record as a document that can be checked: `{"body": …, "sha256": …}`, a sum over the body as sorted JSON."""
    body = record.model_dump(mode="json")
    return orjson.dumps({"body": body, "sha256": seal_of(body)}, option=orjson.OPT_INDENT_2)


def unsealed(raw: bytes) -> dict[str, Any] | None:
    """The body of a sealed document; None where it is torn or was changed."""
    try:
        document = orjson.loads(raw)
        body: dict[str, Any] = document["body"]
        return body if document["sha256"] == seal_of(body) else None
    except (ValueError, KeyError, TypeError):
        return None


def seal_of(body: object) -> str:
    """The sha256 of a body."""
    return hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()


class StepRecord(Record):
    """What a step last built, and from what. Equal inputs and fingerprint mean: nothing to do."""

    step: str
    output: str
    """A table version `uuid:version`, or a keyword generation `gen-<n>`."""
    inputs: dict[str, str]
    """Name of each input to its version; for documents, source to listing fingerprint."""
    fingerprint: str
    """The code and settings that shape the output."""
    at: datetime
    seen: dict[str, datetime] = {}
    """For documents: when each source was last listed."""


class KeywordGeneration(Record):
    """The keyword index of a release."""

    generation: str
    files: dict[str, str]
    """File name to sha256."""
    entries: int
    analyzer: str


class SourceSeen(Record):
    """When a source was last listed completely."""

    place: str
    seen: datetime
    documents: int
    masked: int = 0
    """Places of its documents where secrets or personal data are masked."""


class Rollback(Record):
    """Why a release shows an older state than the tables hold."""

    to: int
    """The release whose state is shown again."""
    heads: dict[str, str]
    """Table to `uuid:version` that stood at the head then: what is held back until a source changes."""


class Pin(Record):
    """A release that is kept until it is unpinned."""

    release: int
    reason: str = ""
    at: datetime | None = None
    """None where the file was damaged: the release is kept all the same."""


class RecoveryNote(Record):
    """What recovery moved to `quarantine/`, because it could not be read."""

    table: str
    moved: list[str]
    after: int
    """The newest version that is kept; 0: the whole table was moved."""
    why: str
    at: datetime


class Place(Record):
    """A place that was searched for what was forgotten."""

    place: str
    how: str
    before: int
    after: int


class Erased(Record):
    """A row that is gone. Whoever has the original can show that it is the one; nobody else learns anything."""

    table: str
    id_sha256: str
    row_sha256: str


class Certificate(Record):
    """What was forgotten, when, and where it was looked for. Names and ids stand in it only as sha256."""

    certificate: int = 1
    """Version of this shape."""
    kind: Literal["source", "document"]
    named_sha256: str
    """Of the name of the source, or of the URI of the document."""
    at: datetime
    release: int
    """The first release without it."""
    dropped_releases: list[int]
    places: list[Place]
    records: list[Erased]
    files_searched: int
    bytes_searched: int
    copies_left: int
    """Other documents that hold most of its lines: they were not asked to be forgotten."""
    not_searched: list[str]


class Release(Record):
    """One knowledge state: everything a reader needs, pinned to exact versions."""

    release: int
    created_at: datetime
    run_id: str
    tables: dict[str, str]
    """Table to `uuid:version`."""
    keyword: KeywordGeneration
    indexed_vectors: int
    counts: dict[str, int]
    """Table to rows."""
    fingerprints: dict[str, str]
    """What shaped it: readers, chunker, embedder, keyword analysis."""
    sources: dict[str, SourceSeen]
    rollback: Rollback | None = None
    """Set where it was made by a rollback, not by an ingest."""


REFERENCE_SUFFIXES = (".md", ".pdf", ".txt", ".html", ".json", ".yaml", ".yml")


def _reference_path(path: str) -> str:
    place = PurePosixPath(path)
    if not path or "\\" in path or place.is_absolute() or ".." in place.parts:
        raise ValueError("must be a path inside the skill, without '..'")
    if place.suffix not in REFERENCE_SUFFIXES:
        raise ValueError(f"must end in one of {', '.join(REFERENCE_SUFFIXES)}")
    return path


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


Text = Annotated[str, Field(min_length=1, pattern=r"\S")]
Moment = Annotated[AwareDatetime, AfterValidator(_utc)]
"""A point in time, in UTC."""
ReferencePath = Annotated[str, AfterValidator(_reference_path)]
Blake3 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


def _now() -> datetime:
    return datetime.now(UTC)


class SkillMetadata(Record):
    """What a skill says of itself."""

    skill_name: str = ""
    version: Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+([-+][0-9A-Za-z.-]+)?$")] = "1.0.0"
    description: str = ""
    authors: tuple[str, ...] = ()
    repository: str = ""
    routing_keywords: tuple[str, ...] = ()
    intents: tuple[str, ...] = ()
    """What a person would ask for, each beginning with a verb."""
    require_refs: tuple[ReferencePath, ...] = ()
    """Files of the skill that must be read with it."""
    permissions: tuple[str, ...] = ()
    """`category:action`; none means no access."""


class KnowledgeCategory(StrEnum):
    """What kind of knowledge an entry is. Singular forms are understood, and what is unknown is a note."""

    PATTERN = "patterns"
    SOLUTION = "solutions"
    ERROR = "errors"
    TECHNIQUE = "techniques"
    NOTE = "notes"
    REFERENCE = "references"
    ARCHITECTURE = "architecture"
    WORKFLOW = "workflows"

    @classmethod
    def _missing_(cls, value: object) -> KnowledgeCategory:
        name = str(value).strip().lower()
        return next((each for each in cls if name in (each.value, each.name.lower())), cls.NOTE)


class KnowledgeEntry(Record):
    """A piece of knowledge that a person or an agent wrote down."""

    id: Text
    title: Text
    content: str
    category: KnowledgeCategory = KnowledgeCategory.NOTE
    tags: tuple[str, ...] = ()
    source: str | None = None
    created_at: Moment = Field(default_factory=_now)
    updated_at: Moment = Field(default_factory=_now)
    version: Annotated[int, Field(ge=1)] = 1
    metadata: dict[str, JsonValue] = {}

    def with_tags(self, *tags: str) -> KnowledgeEntry:
        """The entry with these tags and no others, each once."""
        return self.model_copy(update={"tags": tuple(dict.fromkeys(tags))})

    def with_source(self, source: str) -> KnowledgeEntry:
        """The entry, from this source."""
        return self.model_copy(update={"source": source})

    def add_tag(self, tag: str) -> KnowledgeEntry:
        """The entry with one more tag, unless it has it."""
        return self.with_tags(*self.tags, tag)


class Event(Record):
    """Something that happened, told on the event bus."""

    id: UUID = Field(default_factory=uuid4)
    source: Text
    """Who tells it: `agent`, `watcher`, `mcp:server`."""
    topic: Annotated[str, Field(pattern=r"^[a-z0-9_]+(/[a-z0-9_]+)*$")]
    """Words joined by `/`: `agent/think`."""
    payload: dict[str, JsonValue] = {}
    timestamp: Moment = Field(default_factory=_now)
    sequence: Annotated[int, Field(ge=0)] = 0
    """Rises by one with each event of a run."""
    run_id: str = ""
    span_id: str = ""
    parent_id: str = ""
    """The span this one is part of."""


class ReceiptQuote(Record):
    """Words of a source, and everything needed to find and check them again."""

    uri: Text
    path: str
    chunk_id: Text
    quote: Text
    start_byte: Annotated[int, Field(ge=0)]
    """Of the file where `verbatim`, else of its parsed text as UTF-8; so is `end_byte`."""
    end_byte: Annotated[int, Field(ge=0)]
    start_line: Annotated[int, Field(ge=1)]
    end_line: Annotated[int, Field(ge=1)]
    page: Annotated[int, Field(ge=1)] | None = None
    """Of a document that has pages."""
    encoding: str
    verbatim: bool
    quote_hash: Blake3
    """Of the bytes in the range."""
    content_hash: Blake3
    """Of the whole file."""

    @model_validator(mode="after")
    def _ranges_run_forward(self) -> ReceiptQuote:
        if self.end_byte <= self.start_byte or self.end_line < self.start_line:
            raise ValueError("a quote must end after it starts")
        return self


class ReceiptSentence(Record):
    """A sentence of an answer, and the quotes it rests on."""

    text: Text
    quotes: Annotated[tuple[ReceiptQuote, ...], Field(min_length=1)]


class Receipt(Record):
    """What an answer rests on: sentence to quote to bytes to release to run."""

    schema_version: Literal[1] = 1
    question: Text
    answer: str
    """The sentences, joined; "" where nothing was answered."""
    sentences: tuple[ReceiptSentence, ...]
    release: Annotated[int, Field(ge=1)]
    release_checksum: Sha256
    """The checksum that the release's record holds of itself."""
    run_id: str
    """The Dagster run that published the release."""
    tables: dict[str, str]
    """Table to the `uuid:version` that the release names."""
    fingerprints: dict[str, str] = {}
    """Readers, chunker, embedder and keyword analysis of the release."""
    answered_at: Moment = Field(default_factory=_now)
    mode: Literal["extractive", "generative"] = "extractive"
    """Whose words the sentences are: the sources', or a language model's that quotes them."""
    sha256: Sha256
    """Of all the other fields as JSON, keys sorted, without blanks."""
