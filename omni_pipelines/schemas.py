"""The tables and their columns, in the order of the data flow; every column is defined here only."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

VECTOR_SIZE = 384
"""Dimensions of a vector of the default embedder; a table has those of the embedder that wrote it."""

PACKED = {
    b"lance-encoding:compression": b"zstd",
    b"lance-encoding:compression-level": b"3",
    b"lance-encoding:structural-encoding": b"miniblock",
    b"lance-encoding:minichunk-size": b"32768",
}
"""Compression of text columns to 0.3 of their size, with random access; zstd without miniblock makes them larger."""


def key(name: str, text: str) -> pa.Field:
    """A key column; its metadata prevents two concurrent writers from inserting the same key."""
    return _field(name, pa.string(), text, {b"lance-schema:unenforced-primary-key": b"true"})


def required(name: str, kind: pa.DataType, text: str) -> pa.Field:
    """A column that is never null."""
    return _field(name, kind, text, {})


def optional(name: str, kind: pa.DataType, text: str) -> pa.Field:
    """A column that may be null."""
    return pa.field(name, kind, metadata={b"description": text.encode()})


def packed(name: str, text: str) -> pa.Field:
    """A compressed text column."""
    return _field(name, pa.string(), text, PACKED)


def _field(name: str, kind: pa.DataType, text: str, metadata: dict[bytes, bytes]) -> pa.Field:
    return pa.field(name, kind, nullable=False, metadata={b"description": text.encode(), **metadata})


ACL = pa.list_(pa.string())
"""Access tags, sorted: viewers with one of them see the row. Without a tag, everybody does."""
MOMENT = pa.timestamp("us", "UTC")


def is_packed(column: pa.Field) -> bool:
    """Return whether a column is compressed text."""
    return PACKED.items() <= column.metadata.items()


def is_light(column: pa.Field) -> bool:
    """Return whether a column is neither compressed text nor a vector, so that all its values are read quickly."""
    return not is_packed(column) and not pa.types.is_fixed_size_list(column.type)


def description(column: pa.Field) -> str:
    """Return the description of a column, which is stored with the table for other programs."""
    return str(column.metadata[b"description"].decode())


@dataclass(frozen=True)
class Table:
    """A table of the knowledge base: name, key column and columns."""

    name: str
    key: str
    schema: pa.Schema

    @classmethod
    def of(cls, name: str, *columns: pa.Field) -> Table:
        """Return a table whose key is its first column."""
        return cls(name, columns[0].name, pa.schema(columns))


DOCUMENTS = Table.of(
    "documents",
    key("doc_id", "hash of source and path"),
    required("source", pa.string(), "name of its source"),
    required("path", pa.string(), "path relative to the source, with / between its parts"),
    required("uri", pa.string(), "location of the file"),
    required("media_type", pa.string(), "media type of the file, such as text/markdown"),
    required("kind", pa.string(), "prose, markup, data or code"),
    required("language", pa.string(), "python for code, de for prose; empty if unknown"),
    required("title", pa.string(), "first heading, or the file name"),
    required("size", pa.int64(), "size of the file in bytes"),
    required("mtime_ns", pa.int64(), "last change of the file, in nanoseconds since 1970"),
    required("stat", pa.string(), "size:mtime:ctime:inode at the last read; empty: it is read again"),
    required("content_hash", pa.string(), "blake3 of the bytes of the file"),
    required("stored_hash", pa.string(), "blake3 of the stored text, in its encoding or else in UTF-8"),
    required("encoding", pa.string(), "encoding of the bytes, as Python names it"),
    required("bom_bytes", pa.int8(), "bytes before the first character"),
    required(
        "encoding_probability", pa.float32(), "1 if the file is UTF-8 or declares its encoding, else as detected"
    ),
    required("verbatim", pa.bool_(), "whether the text is exactly the decoded file"),
    required("partial", pa.string(), "what of the file was not read, and why; empty if all of it was read"),
    packed("text", "the whole text"),
    packed(
        "structure",
        "JSON: {sections: [[start, [path]]], tables: [[start, end, header, [row]]], lines: [[char, line]], "
        "pages: [[char, page]], confidences: [[char, 0 to 1]], properties: {tags, aliases, links: [text]}}",
    ),
    required(
        "parser",
        pa.string(),
        "name/version of the reader, and of a second one if the content has another format",
    ),
    required("masking", pa.string(), "version of the detector of secrets, and what is masked"),
    required("findings", pa.string(), "JSON: kind of secret or personal data to its number"),
    required("masked", pa.int32(), "number of masked passages"),
    required("revision", pa.string(), "hash of everything that its chunks depend on"),
    required("acl", ACL, "access tags of its source; a viewer needs one of them; none: everybody"),
)

QUARANTINE = Table.of(
    "quarantine",
    key("quarantine_id", "hash of source and path"),
    required("source", pa.string(), "name of its source"),
    required("path", pa.string(), "path relative to the source"),
    required("stat", pa.string(), "size:mtime:ctime:inode at the last attempt"),
    required("code", pa.string(), "E_BINARY, E_ENCODING, E_TOO_LARGE, ..."),
    required("stage", pa.string(), "read or parse"),
    required("parser", pa.string(), "as in the table documents"),
    required("detail", pa.string(), "the reason, at most 500 characters"),
    required("first_seen", MOMENT, "time of the first attempt"),
    required("attempts", pa.int32(), "number of attempts"),
)

CHUNKS = Table.of(
    "chunks",
    key("chunk_id", "hash of document, ordinal, text and chunker"),
    required("doc_id", pa.string(), "id of its document"),
    required("ordinal", pa.int32(), "0 for the first chunk of a document"),
    required("source", pa.string(), "name of its source"),
    required("path", pa.string(), "path of the document, relative to the source"),
    required("uri", pa.string(), "location of the document"),
    required("title", pa.string(), "title of the document"),
    required("heading", pa.string(), "Guide > Install; Upgrade for two sections, or a code symbol; empty at the top"),
    required("language", pa.string(), "python for code, de for prose; empty if unknown"),
    required("kind", pa.string(), "prose, markup, data or code"),
    packed("text", "text of the chunk"),
    required("start_char", pa.int64(), "offset of the first character in the text of the document"),
    required("end_char", pa.int64(), "offset after the last character"),
    required("start_byte", pa.int64(), "offset in the file, or in the text as UTF-8 if not verbatim"),
    required("end_byte", pa.int64(), "offset after the last byte"),
    required("start_line", pa.int32(), "first line in the file, or in the text if the file has no lines; from 1"),
    required("end_line", pa.int32(), "last line"),
    optional("page", pa.int32(), "page or slide, the first is 1; null if the document has none"),
    required("token_count", pa.int32(), "tokens of the text, at most the token budget"),
    required("text_hash", pa.string(), "hash of the embedded text: heading and text"),
    required("revision", pa.string(), "revision of its document"),
    required("chunker", pa.string(), "fingerprint of chunker and tokenizer"),
    required("acl", ACL, "as in the table documents"),
    required("modified", MOMENT, "time of the last change of the document"),
    packed("metadata", "JSON object for other fields"),
)

EMBEDDINGS = Table.of(
    "embeddings",
    key("chunk_id", "id of its chunk"),
    required("text_hash", pa.string(), "hash of the embedded text; equal texts share a vector"),
    required("model", pa.string(), "fingerprint of the embedder"),
    required("source", pa.string(), "for filters of a vector search"),
    required("path", pa.string(), "for filters of a vector search"),
    required("language", pa.string(), "for filters of a vector search"),
    required("kind", pa.string(), "for filters of a vector search"),
    required("acl", ACL, "for filters of a vector search"),
    required("modified", MOMENT, "for filters of a vector search"),
    required("vector", pa.list_(pa.float16(), VECTOR_SIZE), "float16, unit length"),
)

QUESTIONS = Table.of(
    "questions",
    key("question_id", "id of the request; the same question has another id when it is asked again"),
    required("asked_at", MOMENT, "time of the question"),
    required("question", pa.string(), "text of the question"),
    required("filters", pa.string(), "JSON: filters of the search"),
    required("release", pa.int64(), "release that was searched"),
    required("abstained", pa.bool_(), "whether no answer was given"),
    required("evidence", pa.float64(), "score of the best sentence, 0 to 1"),
    required("mode", pa.string(), "extractive or generative"),
)

ANSWERS = Table.of(
    "answers",
    key("answer_id", "id of the citation"),
    required("question_id", pa.string(), "id of its question"),
    required("release", pa.int64(), "release that was searched"),
    required("ordinal", pa.int32(), "number of its sentence in the answer, from 0"),
    required("chunk_id", pa.string(), "id of the quoted chunk"),
    required("start_byte", pa.int64(), "offset of the quote, as in the table chunks"),
    required("end_byte", pa.int64(), "offset after the quote"),
)

GATE_RESULTS = Table.of(
    "gate_results",
    key("gate_result_id", "id of the measurement"),
    required("gate_id", pa.string(), "id of the gate run; all its measurements have the same"),
    required("measured_at", MOMENT, "time of the measurement"),
    required("run_id", pa.string(), "id of the Dagster run"),
    required("candidate", pa.string(), "name of the measured state"),
    optional("serving", pa.int64(), "release for comparison; null for the first release"),
    required("measure", pa.string(), "ndcg@10, recall@10, cpu_ms, citations, coverage, orphans, golden"),
    required("passed", pa.bool_(), "whether the candidate passes"),
    optional("value", pa.float64(), "value of the candidate"),
    optional("before", pa.float64(), "value of the serving release"),
    optional("least", pa.float64(), "minimum for a candidate to pass"),
    optional("p", pa.float64(), "p-value of a paired test of the difference"),
    required("detail", pa.string(), "explanation"),
)

ENTRIES = Table.of(
    "entries",
    key("id", "id of the entry"),
    required("title", pa.string(), "title of the entry"),
    required("content", pa.string(), "text of the entry"),
    required("category", pa.string(), "patterns, solutions, errors, techniques, notes, references, ..."),
    required("tags", pa.list_(pa.string()), "tags of the entry"),
    optional("source", pa.string(), "origin of the entry"),
    required("created_at", MOMENT, "time of creation"),
    required("updated_at", MOMENT, "time of the last change"),
    required("version", pa.int64(), "1 for a new entry, plus 1 for each change"),
    required("metadata", pa.string(), "JSON object for other fields"),
)

RELEASES = Table.of(
    "releases",
    required("release", pa.int64(), "number of the release"),
    required("created_at", MOMENT, "time of publication"),
    required("run_id", pa.string(), "id of the Dagster run that published it"),
    required("documents", pa.int64(), "number of documents"),
    required("chunks", pa.int64(), "number of chunks"),
    required("embeddings", pa.int64(), "number of embeddings"),
    required("keyword_entries", pa.int64(), "number of entries in the keyword index"),
    required("indexed_vectors", pa.int64(), "number of vectors in the index; 0 if every vector is compared"),
    required("keyword_generation", pa.string(), "generation of the keyword index"),
    required("readers", pa.string(), "fingerprint of the readers"),
    required("chunker", pa.string(), "fingerprint of the chunker"),
    required("embedder", pa.string(), "fingerprint of the embedder"),
    required("checksum", pa.string(), "sha256 of its record, as in receipts"),
)

SOURCES = Table.of(
    "sources",
    required("source", pa.string(), "name of the source"),
    required("place", pa.string(), "location of the source"),
    required("seen", MOMENT, "time of the last complete listing"),
    required("documents", pa.int64(), "number of documents"),
)

FILES = Table.of(
    "files",
    required("source", pa.string(), "name of the source"),
    required("path", pa.string(), "path relative to the source; that of a folder ends with a slash"),
    required("fate", pa.string(), "read, partial, quarantined, ignored, unknown kind, empty, ..."),
    required("kind", pa.string(), "suffix of the file; for an ignored one what ignores it"),
    required("reason", pa.string(), "why it is not read, or not all of it; empty if it is read"),
)

TABLES = {table.name: table for table in (DOCUMENTS, QUARANTINE, CHUNKS, EMBEDDINGS)}
"""The tables that the steps write."""


def vector_size(schema: pa.Schema) -> int:
    """Return the dimensions of the vectors of a table."""
    return int(schema.field("vector").type.list_size)


def with_vector_size(schema: pa.Schema, size: int) -> pa.Schema:
    """Return the schema of a table for vectors with another number of dimensions."""
    place, kind = schema.get_field_index("vector"), schema.field("vector").type
    return schema.set(place, schema.field(place).with_type(pa.list_(kind.value_type, size)))


def has_type(stored: pa.Field, defined: pa.Field) -> bool:
    """Return whether a stored column has its defined type; vectors may have any number of dimensions."""
    if pa.types.is_fixed_size_list(stored.type) and pa.types.is_fixed_size_list(defined.type):
        return bool(stored.type.value_type == defined.type.value_type)
    return bool(stored.type == defined.type)


def column(name: str) -> pa.Field:
    """Return the column with the name `table.column`.

    Raises:
        ValueError: there is no such column, or it holds vectors, which no codec compresses.
    """
    table, _, short = name.partition(".")
    if table not in TABLES or short not in TABLES[table].schema.names:
        raise ValueError(f"there is no column {name!r}: use table.column, such as chunks.text")
    field = TABLES[table].schema.field(short)
    if pa.types.is_fixed_size_list(field.type):
        raise ValueError(f"{name} holds vectors: no codec makes them smaller")
    return field


FILTERS = ("source", "path", "language", "kind")
"""Columns for search filters: `--where field=value`."""
NARROWED = (*FILTERS, "modified")
"""The columns for search filters, with the filter by date: `--where modified=2026-01-01..2026-03-31`."""
