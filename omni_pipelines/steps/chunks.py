"""Documents to chunks: a document is cut again only if its text changed, or the way its source is cut."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

import orjson
import pyarrow as pa

from native.filters import is_in
from native.lance_tables import LanceTable, TableVersion
from omni_pipelines import ids, progress
from omni_pipelines.batches import batched, limited
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.table_files import compact
from omni_pipelines.record_fields import file_moment
from omni_pipelines.rows import ChunkRow, DocumentRow, rows_of
from omni_pipelines.schemas import CHUNKS, DOCUMENTS
from omni_pipelines.settings import Settings
from omni_pipelines.sources.registry import load_sources
from omni_pipelines.steps.access_tags import propagate_tags_and_times
from omni_pipelines.steps.changed_rows import changed_rows
from omni_pipelines.steps.step import BatchSizes, Engines, RunContext
from omni_pipelines.steps.step_records import read_step_record, write_step_record
from omni_pipelines.tables import open_table
from omni_pipelines.text.chunk_context import EnclosingSections
from omni_pipelines.text.chunking import Chunker
from omni_pipelines.text.document import HEADING_SEPARATOR, JOINED_SEPARATOR, Parsed, Properties
from omni_pipelines.text.document_rows import parsed_document
from omni_pipelines.text.packing import Budget, Span
from omni_pipelines.text.token_counting import CountTokens

MAX_HEADING_LENGTH = 300
"""Characters of a section path that are kept: the path is repeated in every chunk."""
MAX_JOINED_HEADINGS = 5
"""Sections of a chunk that are named."""
_DELETED_AT_ONCE = 1000
_Cut = tuple[DocumentRow, list[ChunkRow]]


@dataclass(frozen=True)
class ChunksReport:
    """What one run did."""

    rows: int
    recut: int
    """Documents that were cut."""
    removed: int
    """Documents whose chunks were deleted."""
    version: str

    @property
    def counts(self) -> dict[str, int]:
        """Documents cut and removed."""
        return {"documents cut": self.recut, "documents removed": self.removed}


def chunker_of(settings: Settings, source: str) -> Chunker:
    """The chunker of a source, as the settings define it."""
    own = settings.of_source(source)
    return Chunker(Budget(own.chunk_tokens, own.chunk_overlap), own.chunk_mode, own.encoding)


def chunker_fingerprint(settings: Settings, sources: Iterable[str]) -> str:
    """The fingerprint of the common chunker, then `; name=fingerprint` for each source with a chunker of its own."""
    common = chunker_of(settings, "").fingerprint
    own = {name: chunker_of(settings, name).fingerprint for name in sorted(sources)}
    return "; ".join([common, *(f"{name}={mark}" for name, mark in own.items() if mark != common)])


def heading_of(span: Span) -> str:
    """The section path of a chunk, with all sections that it joins, then its context.

    A signature as context replaces the last part of the path.
    """
    path = span.heading[:-1] if span.context and span.heading and span.heading[-1] in span.context else span.heading
    more = ["…"] if len(span.joined) > MAX_JOINED_HEADINGS else []
    joined = JOINED_SEPARATOR.join([*span.joined[:MAX_JOINED_HEADINGS], *more])
    sections = HEADING_SEPARATOR.join(filter(None, [*path, joined]))[:MAX_HEADING_LENGTH]
    return HEADING_SEPARATOR.join(filter(None, [sections, span.context]))


def reconcile_chunks(run: RunContext) -> ChunksReport:
    """Bring the chunks table in line with the documents. A redo changes nothing; a kill loses at most one batch."""
    home, settings = run.home, run.settings
    documents, chunks = open_table(home, DOCUMENTS), open_table(home, CHUNKS)
    pinned = documents.head()
    fingerprint = chunker_fingerprint(settings, (source.name for source in load_sources(home)))
    where = _changed_documents(home, chunks, documents, pinned, fingerprint)
    columns = ["doc_id", "source", "revision", "size"]
    rows = rows_of(documents.read(columns, where, pinned.version), DocumentRow)
    names = {row["source"] for row in rows}
    chunkers = {name: chunker_of(settings, name).fingerprint for name in names}
    wanted = {row["doc_id"]: (row["revision"], chunkers[row["source"]]) for row in rows}
    have = _stored_marks(chunks, where)
    stale = sorted(document for document, mark in wanted.items() if have.get(document) != {mark})
    size_of = {row["doc_id"]: row["size"] for row in rows}
    done = 0
    if stale:
        progress.report("splitting documents", done, len(stale), "documents")
    for batch in _cut(run, _read(documents, pinned, stale, size_of, run.batches), len(stale)):
        made = [row for _, cut in batch for row in cut]
        cut_documents = is_in("doc_id", [document["doc_id"] for document, _ in batch])
        chunks.upsert(CHUNKS.key, pa.Table.from_pylist(made, schema=CHUNKS.schema), cut_documents)
        done += len(batch)
        progress.report("splitting documents", done, len(stale), "documents")
    orphans = sorted(have.keys() - wanted.keys())
    _delete_documents(chunks, orphans)
    updated = propagate_tags_and_times(documents, pinned.version, chunks, where)
    if stale or orphans or updated:
        compact(home, chunks)
    head = chunks.head()
    write_step_record(home, "chunks", str(head), {"documents": str(pinned)}, fingerprint)
    return ChunksReport(chunks.count(), len(stale), len(orphans), str(head))


def _changed_documents(
    home: Home, chunks: LanceTable, documents: LanceTable, pinned: TableVersion, fingerprint: str
) -> str | None:
    """A filter for the documents that changed since the chunks were made of them; None if all have to be compared."""
    built = read_step_record(home, "chunks")
    if built is None or built.fingerprint != fingerprint or built.output != str(chunks.head()):
        return None
    return changed_rows(documents, built, "doc_id", pinned.version)


def _stored_marks(chunks: LanceTable, where: str | None) -> dict[str, set[tuple[str, str]]]:
    """Document to the revisions and chunkers of its chunks: one pair, unless a kill left a document half done."""
    marks: dict[str, set[tuple[str, str]]] = defaultdict(set)
    columns = ["doc_id", "revision", "chunker"]
    for row in rows_of(chunks.read(columns, where).group_by(columns).aggregate([]), ChunkRow):
        marks[row["doc_id"]].add((row["revision"], row["chunker"]))
    return marks


def _read(
    documents: LanceTable, pinned: TableVersion, stale: Iterable[str], size_of: Mapping[str, int], limits: BatchSizes
) -> Iterator[DocumentRow]:
    """The rows of documents, of which few are in memory at once."""
    for batch in limited(stale, limits.documents, limits.file_bytes, size_of.__getitem__):
        yield from rows_of(documents.read(None, is_in("doc_id", batch), pinned.version), DocumentRow)


def _cut(run: RunContext, documents: Iterable[DocumentRow], total: int) -> Iterator[list[_Cut]]:
    """Batches of documents that are cut, each to be committed together."""
    work = functools.partial(chunks_of, run.settings, run.engines)
    limits = run.batches
    cut = ((document, list(rows)) for document, rows in run.workers.map(work, documents, total=total))
    return limited(cut, limits.documents, limits.file_bytes, lambda pair: pair[0]["size"], limits.seconds)


def chunks_of(settings: Settings, engines: Engines, document: DocumentRow) -> Iterator[ChunkRow]:
    """The chunks of a document, in order."""
    return _Cutter(chunker_of(settings, document["source"]), engines.count).rows(document)


def _delete_documents(chunks: LanceTable, documents: Sequence[str]) -> None:
    for batch in batched(documents, _DELETED_AT_ONCE):
        chunks.delete(is_in("doc_id", batch))


def chunk_layout(parsed: Parsed, start: int, end: int) -> dict[str, object]:
    """How the text of a chunk lies in the lines of its document, as `ChunkLayout` reads it; empty for whole lines."""
    part = parsed.part_at(start)
    lines, first, last = part.lines, start - part.start, end - part.start
    layout: dict[str, object] = {}
    if (column := lines.place(first).column) > 1:
        layout["start_column"] = column
    if not lines.ends_line(last):
        layout["ends_line"] = False
    if part.line_marks:
        inside = ((begin - first, number) for begin, _, number in lines.parts() if first < begin < last)
        layout["line_marks"] = [(0, lines.place(first).line), *inside]
    return {"layout": layout} if layout else {}


def chunk_confidence(parsed: Parsed, start: int, end: int) -> dict[str, object]:
    """How sure the words of a chunk are, if they were recognised in a picture."""
    confidence = parsed.confidence(start, end)
    return {"confidence": confidence} if confidence < 1.0 else {}


def chunk_properties(properties: Properties, text: str) -> dict[str, object]:
    """What a document says about itself, as far as it concerns a chunk: of the links, those that the chunk has."""
    if not properties:
        return {}
    links = [link for link in properties.get("links", ()) if link in text]
    found = {**properties, "links": links}
    return {name: values for name, values in found.items() if values}


class DocumentColumns(TypedDict):
    """What the chunks of a document have in common."""

    source: str
    path: str
    uri: str
    title: str
    language: str
    kind: str
    revision: str
    acl: list[str]
    modified: datetime


class RepeatedColumns(DocumentColumns):
    """What a chunk repeats of its document, and where it is in it."""

    start_byte: int
    end_byte: int
    start_line: int
    end_line: int
    page: int | None


def repeated_columns(
    document: DocumentRow, parsed: Parsed, ranges: Sequence[tuple[int, int]]
) -> Iterator[RepeatedColumns]:
    """The columns of the chunks with these ranges of characters that follow from their document, in order."""
    borders = sorted({border for span in ranges for border in span})
    bytes_at = dict(zip(borders, parsed.byte_offsets(borders), strict=True))
    common: DocumentColumns = {
        "source": document["source"],
        "path": document["path"],
        "uri": document["uri"],
        "title": document["title"],
        "language": document["language"],
        "kind": document["kind"],
        "revision": document["revision"],
        "acl": document["acl"],
        "modified": file_moment(document["mtime_ns"]),
    }
    for start, end in ranges:
        part = parsed.part_at(start)
        yield {
            **common,
            "start_byte": bytes_at[start],
            "end_byte": bytes_at[end],
            "start_line": part.lines.place(start - part.start).line,
            "end_line": parsed.line(max(start, end - 1)),
            "page": part.page,
        }


class _Cutter:
    """Makes the chunk rows of the documents of a source."""

    def __init__(self, chunker: Chunker, count: CountTokens) -> None:
        self._chunker, self._count = chunker, count
        self.fingerprint = chunker.fingerprint

    def rows(self, document: DocumentRow) -> Iterator[ChunkRow]:
        """The chunks of a document, in order."""
        parsed = parsed_document(document)
        spans = self._chunker.cut(parsed, self._count, document["kind"])
        repeated = repeated_columns(document, parsed, [(span.start, span.end) for span in spans])
        sections = EnclosingSections(parsed)
        for ordinal, (span, columns) in enumerate(zip(spans, repeated, strict=True)):
            section = sections.range(span.start, span.heading)
            yield self._row(document, parsed, ordinal, span, columns, section)

    def _row(
        self,
        document: DocumentRow,
        parsed: Parsed,
        ordinal: int,
        span: Span,
        repeated: RepeatedColumns,
        section: tuple[int, int],
    ) -> ChunkRow:
        text = parsed.text[span.start : span.end]
        heading = heading_of(span)
        metadata = {
            "encoding": document["encoding"],
            "media_type": document["media_type"],
            "verbatim": document["verbatim"],
            "section": section,
            **chunk_layout(parsed, span.start, span.end),
            **chunk_confidence(parsed, span.start, span.end),
            **chunk_properties(parsed.properties, text),
        }
        return {
            **repeated,
            "chunk_id": ids.chunk_id(document["doc_id"], ordinal, text, self.fingerprint),
            "doc_id": document["doc_id"],
            "ordinal": ordinal,
            "heading": heading,
            "text": text,
            "start_char": span.start,
            "end_char": span.end,
            "token_count": span.tokens,
            "text_hash": ids.text_hash(heading, text),
            "chunker": self.fingerprint,
            "metadata": orjson.dumps(metadata).decode(),
        }
