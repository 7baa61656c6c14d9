"""Records that one process writes to disk and another one reads."""

from __future__ import annotations

import hashlib
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID, uuid4

import orjson
from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from omni_pipelines.record_fields import (
    Blake3,
    Count,
    FileName,
    Generation,
    Moment,
    PinnedVersion,
    ReferencePath,
    ReleaseNumber,
    Sha256,
    TableName,
    Text,
    now,
)
from omni_pipelines.released_files import require_released_files, table_folder


class Record(BaseModel):
    """Base class of records: immutable, and an unknown field is an error."""

    # pydantic builds the validator of a record when one is first read or made: a command uses few kinds of them
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


def sealed(record: Record) -> bytes:
    """Return a record as a JSON document with a checksum of itself."""
    return sealed_document(record.model_dump(mode="json"))


def sealed_document(body: object) -> bytes:
    """Return a JSON value as a document with a checksum of itself: `{"body": …, "sha256": …}`."""
    return orjson.dumps(_with_checksum(body), option=orjson.OPT_INDENT_2)


def sealed_fields(record: Record) -> dict[str, Any]:
    """Return the fields of that document: `{"body": …, "sha256": …}`."""
    return _with_checksum(record.model_dump(mode="json"))


def _with_checksum(body: object) -> dict[str, Any]:
    return {"body": body, "sha256": seal_of(body)}


def body_of(raw: bytes) -> Any:
    """Return the JSON value of a sealed document, or of one without a checksum, as earlier versions wrote it.

    Raises:
        ValueError: it is no JSON, or it does not match its checksum.
    """
    document = orjson.loads(raw)
    if not isinstance(document, dict) or document.keys().isdisjoint({"body", "sha256"}):
        return document
    if document.keys() != {"body", "sha256"} or document["sha256"] != seal_of(document["body"]):
        raise ValueError("it does not match its checksum")
    return document["body"]


AnyRecord = TypeVar("AnyRecord", bound=Record)


def unsealed(raw: bytes, kind: type[AnyRecord]) -> AnyRecord | None:
    """Return the record of a sealed document; None if it is incomplete, was changed, or is no such record.

    Every field is checked, without conversions, because a document may come from somebody else.
    """
    try:
        document = orjson.loads(raw)
        body = document["body"]
        return strictly(orjson.dumps(body), kind) if document["sha256"] == seal_of(body) else None
    except (ValueError, KeyError, TypeError):
        return None


def opened(raw: bytes, kind: type[AnyRecord]) -> AnyRecord:
    """Return the record in a document that this home wrote; see `body_of`.

    Raises:
        ValueError: the document was changed, or holds no such record.
    """
    return strictly(orjson.dumps(body_of(raw)), kind)


def strictly(raw: bytes, kind: type[AnyRecord]) -> AnyRecord:
    """Return the record of a JSON document, no field of which needs a conversion.

    Raises:
        ValidationError: it is no such record.
    """
    return kind.model_validate_json(raw, strict=True)


def seal_of(body: object) -> str:
    """Return the sha256 of a body as JSON with sorted keys."""
    return hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()


class MissingSource(Record):
    """A source that the last run could not list. What is stored of it stays."""

    since: Moment
    """When a run first could not list it."""
    problem: str
    """What happened, such as "source notes: /srv/notes is not there"."""
    cure: str = ""

    @property
    def warning(self) -> str:
        """The problem as a person reads it."""
        return f"{self.problem}; its documents are kept as they were (missing since {self.since.astimezone():%F %R})"


class StepRecord(Record):
    """What a step last built, and from which inputs; while these and the fingerprint are equal, it is not stale."""

    step: TableName
    output: PinnedVersion | Generation
    """A table version `uuid:version` or a generation `gen-<n>`."""
    inputs: dict[str, str]
    """Input name to version; for documents, source name to the fingerprint of its listing."""
    fingerprint: str
    """The code and settings that the output depends on."""
    at: Moment
    seen: dict[str, Moment] = {}
    """For documents: source name to the time of its last listing."""
    missing: dict[str, MissingSource] = {}
    """For documents: the sources that could not be listed, by name."""


class KeywordGeneration(Record):
    """The generation of the keyword index that a release names."""

    generation: Generation
    files: dict[FileName, Sha256]
    """File name to sha256."""
    entries: Count
    analyzer: str


class SourceSeen(Record):
    """The last complete listing of a source."""

    place: str
    seen: Moment
    documents: Count
    masked: Count = 0
    """Number of masked secrets and personal data in its documents."""


class HeldRows(Record):
    """The rows of a table at one moment, by which they are recognized in a later version."""

    columns: tuple[TableName, ...]
    """The columns that are compared."""
    checksum: str


class Rollback(Record):
    """Marks a release that a rollback made: it names an older state than the heads of the tables."""

    to: ReleaseNumber
    """The release whose state it publishes again."""
    heads: dict[TableName, PinnedVersion]
    """Table to `uuid:version` of the release that it takes back, which is not published until a source changes."""
    rows: dict[TableName, HeldRows] = {}
    """Table to the rows of that version, which are not published in another version either."""
    keyword: Generation | Literal[""] = ""
    """The keyword generation of that release."""


class Pin(Record):
    """Keeps a release from collection."""

    release: ReleaseNumber
    reason: str = ""
    at: Moment | None = None
    """None if the file is damaged; the release is kept even so."""


class Migration(Record):
    """Columns that a table of an earlier version of omni got, with empty values that the next run replaces."""

    table: str
    columns: tuple[str, ...]
    renamed: dict[str, str] = {}
    """Columns of users that had such a name, and their new names."""
    before: str
    """`uuid:version` of the head before that."""
    at: datetime


class SearchedPlace(Record):
    """A place that an erasure searched, with the numbers of matches before and after it."""

    place: str
    how: str
    before: int
    after: int


class ErasedRow(Record):
    """An erased row; only a person who has the original can recognize it by the hashes."""

    table: str
    id_sha256: str
    row_sha256: str


class Certificate(Record):
    """The proof of an erasure: what was erased, when, and where it was searched; names and ids only as sha256."""

    certificate: int = 1
    """Version of this format."""
    kind: Literal["source", "document"]
    named_sha256: str
    """sha256 of the source name or of the document URI."""
    names_sha256: list[str] = []
    """sha256 of each name by which a person may ask for it again."""
    at: datetime
    release: int
    """The first release without the erased rows."""
    dropped_releases: list[int]
    places: list[SearchedPlace]
    records: list[ErasedRow]
    files_searched: int
    bytes_searched: int
    copies_left: int
    """Number of other documents that contain most of the erased lines; they were not erased."""
    not_searched: list[str]


_READ_TABLES = {"documents", "chunks", "embeddings"}
_NAMED = {"readers", "chunker", "embedder"}


class Release(Record):
    """One state of the knowledge base: the version of every table and the generation that readers see."""

    release: ReleaseNumber
    created_at: Moment
    run_id: str
    tables: dict[TableName, PinnedVersion]
    """Table to `uuid:version`."""
    keyword: KeywordGeneration
    indexed_vectors: Count
    counts: dict[TableName, Count]
    """Table to number of rows."""
    fingerprints: dict[str, str]
    """Fingerprints of readers, chunker, embedder and keyword analysis."""
    sources: dict[str, SourceSeen]
    files: dict[str, Blake3] = {}
    """Path below the home of every file of its tables, to the blake3 of the file; {} if an older version made it."""
    rollback: Rollback | None = None
    """Set if a rollback made the release."""
    is_early: bool = False
    """Whether a first ingest published it before every chunk had a vector, so that words can be searched."""

    @property
    def vector_share(self) -> float:
        """Share of its chunks that have a vector, 0 to 1; 1 unless it is an early release."""
        return self.counts["embeddings"] / self.counts["chunks"] if self.is_early else 1.0

    @model_validator(mode="after")
    def _names_what_readers_need(self) -> Release:
        if not self.tables.keys() == self.counts.keys() >= _READ_TABLES or not self.fingerprints.keys() >= _NAMED:
            raise ValueError("a table or a fingerprint is missing")
        require_released_files(self.files, list(map(table_folder, self.tables)))
        return self


class SkillMetadata(Record):
    """The description of a skill, from its SKILL.md."""

    skill_name: str = ""
    version: Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+([-+][0-9A-Za-z.-]+)?$")] = "1.0.0"
    description: str = ""
    authors: tuple[str, ...] = ()
    repository: str = ""
    routing_keywords: tuple[str, ...] = ()
    intents: tuple[str, ...] = ()
    """Requests that the skill answers, each of which begins with a verb."""
    require_refs: tuple[ReferencePath, ...] = ()
    """Files of the skill that have to be read with it."""
    permissions: tuple[str, ...] = ()
    """Permissions `category:action`; without any, the skill has no access."""


class KnowledgeCategory(StrEnum):
    """The kind of a knowledge entry; singular names are accepted, and an unknown name means a note."""

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
        return next((member for member in cls if name in (member.value, member.name.lower())), cls.NOTE)


class KnowledgeEntry(Record):
    """A text that a person or an agent wrote for the knowledge base."""

    id: Text
    title: Text
    content: str
    category: KnowledgeCategory = KnowledgeCategory.NOTE
    tags: tuple[str, ...] = ()
    source: str | None = None
    created_at: Moment = Field(default_factory=now)
    updated_at: Moment = Field(default_factory=now)
    version: Annotated[int, Field(ge=1)] = 1
    metadata: dict[str, JsonValue] = {}

    def with_tags(self, *tags: str) -> KnowledgeEntry:
        """Return the entry with these tags instead of its own, without duplicates."""
        return self.model_copy(update={"tags": tuple(dict.fromkeys(tags))})

    def with_source(self, source: str) -> KnowledgeEntry:
        """Return the entry with this source."""
        return self.model_copy(update={"source": source})

    def add_tag(self, tag: str) -> KnowledgeEntry:
        """Return the entry with one more tag, unless it has that tag."""
        return self.with_tags(*self.tags, tag)


class Event(Record):
    """An event of the event bus."""

    id: UUID = Field(default_factory=uuid4)
    source: Text
    """The publisher: `agent`, `watcher`, `mcp:server`."""
    topic: Annotated[str, Field(pattern=r"^[a-z0-9_]+(/[a-z0-9_]+)*$")]
    """Words separated by `/`: `agent/think`."""
    payload: dict[str, JsonValue] = {}
    timestamp: Moment = Field(default_factory=now)
    sequence: Annotated[int, Field(ge=0)] = 0
    """Number of the event on its bus, without gaps."""
    run_id: str = ""
    span_id: str = ""
    parent_id: str = ""
    """The span that contains this one."""
