"""Typed rows of the Lance tables: one TypedDict for each table of `schemas`, which a test compares with its schema.

A row has only the columns that were read.
"""

from datetime import datetime
from typing import TypedDict, TypeVar

import pyarrow as pa


class DocumentRow(TypedDict):
    """A row of `documents`."""

    doc_id: str
    source: str
    path: str
    uri: str
    media_type: str
    kind: str
    language: str
    title: str
    size: int
    mtime_ns: int
    stat: str
    content_hash: str
    stored_hash: str
    encoding: str
    bom_bytes: int
    verbatim: bool
    partial: str
    text: str
    structure: str
    parser: str
    masking: str
    findings: str
    masked: int
    revision: str
    acl: list[str]


class QuarantineRow(TypedDict):
    """A row of `quarantine`."""

    quarantine_id: str
    source: str
    path: str
    stat: str
    code: str
    stage: str
    parser: str
    detail: str
    first_seen: datetime
    attempts: int


class ChunkRow(TypedDict):
    """A row of `chunks`."""

    chunk_id: str
    doc_id: str
    ordinal: int
    source: str
    path: str
    uri: str
    title: str
    heading: str
    language: str
    kind: str
    text: str
    start_char: int
    end_char: int
    start_byte: int
    end_byte: int
    start_line: int
    end_line: int
    page: int | None
    token_count: int
    text_hash: str
    revision: str
    chunker: str
    acl: list[str]
    modified: datetime
    metadata: str


class EmbeddingRow(TypedDict):
    """A row of `embeddings`."""

    chunk_id: str
    text_hash: str
    model: str
    source: str
    path: str
    language: str
    kind: str
    acl: list[str]
    modified: datetime
    vector: list[float]


class FileRow(TypedDict):
    """The columns that `documents` and `quarantine` share."""

    source: str
    path: str
    stat: str
    parser: str


Row = TypeVar("Row")


def rows_of(table: pa.Table, kind: type[Row]) -> list[Row]:
    """Return the rows of an Arrow table or batch, in its order, typed as `kind`."""
    rows: list[Row] = table.to_pylist()
    return rows
