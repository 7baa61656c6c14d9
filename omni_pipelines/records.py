"""Records that are written to disk and read by another process."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """Base: immutable, and an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Built(Record):
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


class SetAside(Record):
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
