"""The tables, in the order the data flows through them. A column is defined here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

VECTOR_SIZE = 384
"""Dimensions of an embedding."""

PACKED = {
    b"lance-encoding:compression": b"zstd",
    b"lance-encoding:compression-level": b"3",
    b"lance-encoding:structural-encoding": b"miniblock",
    b"lance-encoding:minichunk-size": b"32768",
}
"""How text columns are stored: 0.3 of raw, random access kept. zstd without miniblock is worse than nothing."""


def key(name: str) -> pa.Field:
    """A key column: without this metadata two writers at once can both insert the same new key."""
    return pa.field(name, pa.string(), nullable=False, metadata={b"lance-schema:unenforced-primary-key": b"true"})


def required(name: str, kind: pa.DataType) -> pa.Field:
    """A column that is never null."""
    return pa.field(name, kind, nullable=False)


def packed(name: str) -> pa.Field:
    """A text column that is worth compressing."""
    return pa.field(name, pa.string(), nullable=False, metadata=PACKED)


@dataclass(frozen=True)
class Table:
    """A table of the knowledge base: its name, its key column and its columns."""

    name: str
    key: str
    schema: pa.Schema


DOCUMENTS = Table(
    "documents",
    "doc_id",
    pa.schema(
        [
            key("doc_id"),
            required("source", pa.string()),
            required("path", pa.string()),  # relative to the source, "/" between parts
            required("uri", pa.string()),
            required("media_type", pa.string()),
            required("kind", pa.string()),  # prose | markup | code
            required("language", pa.string()),  # of code: "python"; of prose: ""
            required("title", pa.string()),
            required("size", pa.int64()),  # bytes
            required("mtime_ns", pa.int64()),
            required("stat", pa.string()),  # size:mtime:ctime:inode at the last read; "" = read again
            required("content_hash", pa.string()),  # blake3 of the bytes
            required("encoding", pa.string()),  # Python codec name of the bytes
            required("bom_bytes", pa.int8()),  # bytes before the first character
            required("verbatim", pa.bool_()),  # text is the decoded file, character for character
            packed("text"),
            packed("structure"),  # JSON: {"sections": [[start, path...]...], "lines": [[char, line]...]}
            required("parser", pa.string()),  # name/version of the reader
            required("revision", pa.string()),  # hash of all that chunks are made from
        ]
    ),
)

QUARANTINE = Table(
    "quarantine",
    "quarantine_id",
    pa.schema(
        [
            key("quarantine_id"),
            required("source", pa.string()),
            required("path", pa.string()),
            required("stat", pa.string()),
            required("code", pa.string()),  # E_BINARY, E_ENCODING, E_TOO_LARGE, ...
            required("stage", pa.string()),  # read | parse
            required("parser", pa.string()),
            required("detail", pa.string()),  # at most 500 characters
            required("first_seen", pa.timestamp("us", "UTC")),
            required("attempts", pa.int32()),
        ]
    ),
)

CHUNKS = Table(
    "chunks",
    "chunk_id",
    pa.schema(
        [
            key("chunk_id"),
            required("doc_id", pa.string()),
            required("ordinal", pa.int32()),  # 0 for the first chunk of a document
            required("source", pa.string()),
            required("path", pa.string()),
            required("uri", pa.string()),
            required("title", pa.string()),
            required("heading", pa.string()),  # "Guide > Install", or a code symbol; "" at the top
            required("language", pa.string()),
            required("kind", pa.string()),
            packed("text"),
            required("start_char", pa.int64()),  # into the document's text
            required("end_char", pa.int64()),
            required("start_byte", pa.int64()),  # into the file; into UTF-8 text where it is not verbatim
            required("end_byte", pa.int64()),
            required("start_line", pa.int32()),  # lines of the file, from 1
            required("end_line", pa.int32()),
            required("token_count", pa.int32()),
            required("text_hash", pa.string()),  # of what is embedded: heading and text
            required("revision", pa.string()),  # of the document this was cut from
            required("chunker", pa.string()),  # fingerprint of chunker and tokenizer
            packed("metadata"),  # JSON, for the open rest
        ]
    ),
)

EMBEDDINGS = Table(
    "embeddings",
    "chunk_id",
    pa.schema(
        [
            key("chunk_id"),
            required("text_hash", pa.string()),
            required("model", pa.string()),  # fingerprint of the embedder
            required("source", pa.string()),
            required("path", pa.string()),
            required("language", pa.string()),
            required("kind", pa.string()),
            pa.field("vector", pa.list_(pa.float16(), VECTOR_SIZE), nullable=False),  # unit length
        ]
    ),
)

TABLES = {table.name: table for table in (DOCUMENTS, QUARANTINE, CHUNKS, EMBEDDINGS)}

FILTERS = ("source", "path", "language", "kind")
"""Columns a search can be narrowed by, with `--where field=value`."""
