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


def key(name: str, says: str) -> pa.Field:
    """A key column: without this metadata two writers at once can both insert the same new key."""
    return _field(name, pa.string(), says, {b"lance-schema:unenforced-primary-key": b"true"})


def required(name: str, kind: pa.DataType, says: str) -> pa.Field:
    """A column that is never null."""
    return _field(name, kind, says, {})


def optional(name: str, kind: pa.DataType, says: str) -> pa.Field:
    """A column that is null where it does not apply."""
    return pa.field(name, kind, metadata={b"description": says.encode()})


def packed(name: str, says: str) -> pa.Field:
    """A text column that is worth compressing."""
    return _field(name, pa.string(), says, PACKED)


def _field(name: str, kind: pa.DataType, says: str, how: dict[bytes, bytes]) -> pa.Field:
    return pa.field(name, kind, nullable=False, metadata={b"description": says.encode(), **how})


def is_packed(column: pa.Field) -> bool:
    """Whether a column is compressed text."""
    return PACKED.items() <= column.metadata.items()


def description(column: pa.Field) -> str:
    """What a column holds, in a few words. Stored with the table, for whoever opens it without us."""
    return str(column.metadata[b"description"].decode())


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
            key("doc_id", "hash of source and path"),
            required("source", pa.string(), "name of the source it belongs to"),
            required("path", pa.string(), "relative to the source, / between parts"),
            required("uri", pa.string(), "where the file is"),
            required("media_type", pa.string(), "what the file is, as text/markdown"),
            required("kind", pa.string(), "prose, markup, data or code"),
            required("language", pa.string(), "of code: python; of prose: empty"),
            required("title", pa.string(), "first heading, or the file's name"),
            required("size", pa.int64(), "bytes of the file"),
            required("mtime_ns", pa.int64(), "last change of the file, nanoseconds since 1970"),
            required("stat", pa.string(), "size:mtime:ctime:inode at the last read; empty: read it again"),
            required("content_hash", pa.string(), "blake3 of the bytes"),
            required("encoding", pa.string(), "Python's name of the codec of the bytes"),
            required("bom_bytes", pa.int8(), "bytes before the first character"),
            required("verbatim", pa.bool_(), "whether the text is the decoded file, character for character"),
            packed("text", "all of its text"),
            packed("structure", "JSON: {sections: [[start, [path]]], lines: [[char, line]], pages: [[char, page]]}"),
            required(
                "parser",
                pa.string(),
                "name/version of the reader by name, and of the one by content if it differs",
            ),
            required("revision", pa.string(), "hash of all that chunks are made from"),
        ]
    ),
)

QUARANTINE = Table(
    "quarantine",
    "quarantine_id",
    pa.schema(
        [
            key("quarantine_id", "hash of source and path"),
            required("source", pa.string(), "name of the source it belongs to"),
            required("path", pa.string(), "relative to the source"),
            required("stat", pa.string(), "size:mtime:ctime:inode at the last attempt"),
            required("code", pa.string(), "E_BINARY, E_ENCODING, E_TOO_LARGE, ..."),
            required("stage", pa.string(), "read or parse"),
            required("parser", pa.string(), "name/version of the reader"),
            required("detail", pa.string(), "what was wrong, at most 500 characters"),
            required("first_seen", pa.timestamp("us", "UTC"), "when it was first refused"),
            required("attempts", pa.int32(), "how often it was tried"),
        ]
    ),
)

CHUNKS = Table(
    "chunks",
    "chunk_id",
    pa.schema(
        [
            key("chunk_id", "hash of document, ordinal, text and chunker"),
            required("doc_id", pa.string(), "the document it was cut from"),
            required("ordinal", pa.int32(), "0 for the first chunk of a document"),
            required("source", pa.string(), "name of the source it belongs to"),
            required("path", pa.string(), "of the document, relative to the source"),
            required("uri", pa.string(), "where the document is"),
            required("title", pa.string(), "of the document"),
            required("heading", pa.string(), "Guide > Install, or a code symbol; empty at the top"),
            required("language", pa.string(), "of code: python; of prose: empty"),
            required("kind", pa.string(), "prose, markup, data or code"),
            packed("text", "the passage"),
            required("start_char", pa.int64(), "first character, in the document's text"),
            required("end_char", pa.int64(), "behind the last character"),
            required("start_byte", pa.int64(), "first byte in the file; in UTF-8 text where not verbatim"),
            required("end_byte", pa.int64(), "behind the last byte"),
            required("start_line", pa.int32(), "first line of the file, from 1; of the text where the file has none"),
            required("end_line", pa.int32(), "last line, from 1"),
            optional("page", pa.int32(), "page or slide, from 1; null where the document has none"),
            required("token_count", pa.int32(), "tokens of the text, never above the budget"),
            required("text_hash", pa.string(), "of what is embedded: heading and text"),
            required("revision", pa.string(), "of the document this was cut from"),
            required("chunker", pa.string(), "fingerprint of chunker and tokenizer"),
            packed("metadata", "JSON, for the open rest"),
        ]
    ),
)

EMBEDDINGS = Table(
    "embeddings",
    "chunk_id",
    pa.schema(
        [
            key("chunk_id", "the chunk this vector stands for"),
            required("text_hash", pa.string(), "of the embedded text; equal texts share a vector"),
            required("model", pa.string(), "fingerprint of the embedder"),
            required("source", pa.string(), "to narrow a search before it ranks"),
            required("path", pa.string(), "to narrow a search before it ranks"),
            required("language", pa.string(), "to narrow a search before it ranks"),
            required("kind", pa.string(), "to narrow a search before it ranks"),
            required("vector", pa.list_(pa.float16(), VECTOR_SIZE), "float16, unit length"),
        ]
    ),
)

TABLES = {table.name: table for table in (DOCUMENTS, QUARANTINE, CHUNKS, EMBEDDINGS)}


def column(name: str) -> pa.Field:
    """The column called `table.column`.

    Raises:
        ValueError: there is none, or it is a vector, which no codec makes smaller.
    """
    table, _, short = name.partition(".")
    if table not in TABLES or short not in TABLES[table].schema.names:
        raise ValueError(f"there is no column {name!r}: write table.column, as chunks.text")
    found = TABLES[table].schema.field(short)
    if pa.types.is_fixed_size_list(found.type):
        raise ValueError(f"{name} holds vectors: no codec makes them smaller, and reading them would cost more")
    return found


FILTERS = ("source", "path", "language", "kind")
"""Columns a search can be narrowed by, with `--where field=value`."""
