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


ACL = pa.list_(pa.string())
"""Tags of a source, sorted: who has one of them sees the row. No tag: everybody does."""
MOMENT = pa.timestamp("us", "UTC")


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
            required("language", pa.string(), "of code: python; of prose: de, empty when unsure"),
            required("title", pa.string(), "first heading, or the file's name"),
            required("size", pa.int64(), "bytes of the file"),
            required(
                "mtime_ns", pa.int64(), "last change of the content, as the file tells it, nanoseconds since 1970"
            ),
            required("stat", pa.string(), "size:mtime:ctime:inode at the last read; empty: read it again"),
            required("content_hash", pa.string(), "blake3 of the bytes"),
            required(
                "stored_hash", pa.string(), "blake3 of the text as it is stored: in its encoding, else in UTF-8"
            ),
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
            required("masking", pa.string(), "detector of secrets, and what of its findings is masked"),
            required("findings", pa.string(), "JSON: kind of secret or personal data to how many places"),
            required("masked", pa.int32(), "places that are masked"),
            required("revision", pa.string(), "hash of all that chunks are made from"),
            required("acl", ACL, "tags of its source, one of which a reader must have; none: everybody"),
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
            required("parser", pa.string(), "as in documents"),
            required("detail", pa.string(), "what was wrong, at most 500 characters"),
            required("first_seen", MOMENT, "when it was first refused"),
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
            required("language", pa.string(), "of code: python; of prose: de, empty when unsure"),
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
            required("acl", ACL, "as in documents"),
            required("modified", MOMENT, "last change of the document"),
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
            required("acl", ACL, "to narrow a search before it ranks"),
            required("modified", MOMENT, "to narrow a search before it ranks"),
            required("vector", pa.list_(pa.float16(), VECTOR_SIZE), "float16, unit length"),
        ]
    ),
)

QUESTIONS = Table(
    "questions",
    "question_id",
    pa.schema(
        [
            key("question_id", "of this asking; the same question asked again has another"),
            required("asked_at", MOMENT, "when"),
            required("question", pa.string(), "as it was asked"),
            required("filters", pa.string(), "JSON: what the search was narrowed to"),
            required("release", pa.int64(), "the release that was asked"),
            required("abstained", pa.bool_(), "whether no answer was given"),
            required("evidence", pa.float64(), "how well the best sentence fits, 0 to 1"),
            required("mode", pa.string(), "extractive or generative"),
        ]
    ),
)

ANSWERS = Table(
    "answers",
    "answer_id",
    pa.schema(
        [
            key("answer_id", "of this citation"),
            required("question_id", pa.string(), "the question it belongs to"),
            required("release", pa.int64(), "the release that was asked"),
            required("ordinal", pa.int32(), "0 for the first sentence of the answer"),
            required("chunk_id", pa.string(), "the passage that is quoted"),
            required("start_byte", pa.int64(), "of the quote, as in chunks"),
            required("end_byte", pa.int64(), "behind the quote"),
        ]
    ),
)

GATE_RESULTS = Table(
    "gate_results",
    "gate_result_id",
    pa.schema(
        [
            key("gate_result_id", "of this measure of this gate"),
            required("gate_id", pa.string(), "the gate it belongs to; all its measures have the same"),
            required("measured_at", MOMENT, "when"),
            required("run_id", pa.string(), "the Dagster run"),
            required("candidate", pa.string(), "names the state that was measured"),
            optional("serving", pa.int64(), "the release it was compared with; null for the first"),
            required("measure", pa.string(), "ndcg@10, recall@10, cpu_ms, citations, coverage, orphans, golden"),
            required("passed", pa.bool_(), "whether the measure lets the candidate pass"),
            optional("value", pa.float64(), "of the candidate"),
            optional("before", pa.float64(), "of the serving release"),
            optional("least", pa.float64(), "the floor"),
            optional("p", pa.float64(), "of a paired test: how often chance alone gives such a difference"),
            required("detail", pa.string(), "in words"),
        ]
    ),
)

ENTRIES = Table(
    "entries",
    "id",
    pa.schema(
        [
            key("id", "of the entry"),
            required("title", pa.string(), "in a few words"),
            required("content", pa.string(), "what is known"),
            required("category", pa.string(), "patterns, solutions, errors, techniques, notes, references, ..."),
            required("tags", pa.list_(pa.string()), "words it is found by"),
            optional("source", pa.string(), "where it comes from"),
            required("created_at", MOMENT, "when it was first written"),
            required("updated_at", MOMENT, "when it was written last"),
            required("version", pa.int64(), "1, and one more with each change"),
            required("metadata", pa.string(), "JSON, for the open rest"),
        ]
    ),
)

RELEASES = Table(
    "releases",
    "release",
    pa.schema(
        [
            required("release", pa.int64(), "its number"),
            required("created_at", MOMENT, "when it was published"),
            required("run_id", pa.string(), "the Dagster run that published it"),
            required("documents", pa.int64(), "rows"),
            required("chunks", pa.int64(), "rows"),
            required("embeddings", pa.int64(), "rows"),
            required("keyword_entries", pa.int64(), "entries of the keyword index"),
            required("indexed_vectors", pa.int64(), "0 where every vector is compared"),
            required("keyword_generation", pa.string(), "folder of the keyword index"),
            required("readers", pa.string(), "fingerprint"),
            required("chunker", pa.string(), "fingerprint"),
            required("embedder", pa.string(), "fingerprint"),
            required("checksum", pa.string(), "sha256 of its record, as receipts name it"),
        ]
    ),
)

SOURCES = Table(
    "sources",
    "source",
    pa.schema(
        [
            required("source", pa.string(), "its name"),
            required("place", pa.string(), "the folder or file"),
            required("seen", MOMENT, "when it was last listed completely"),
            required("documents", pa.int64(), "rows"),
        ]
    ),
)

TABLES = {table.name: table for table in (DOCUMENTS, QUARANTINE, CHUNKS, EMBEDDINGS)}
"""Those the line writes with Lance."""


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
NARROWED = (*FILTERS, "modified")
"""And by days: `--where modified=2026-01-01..2026-03-31`."""
