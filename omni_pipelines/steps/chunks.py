"""Documents to chunks: only documents whose text changed, or the way their source is cut, are cut again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import pyarrow as pa

from native.lance_tables import LanceTable, is_in
from omni_pipelines import ids, progress
from omni_pipelines.home import Home
from omni_pipelines.schemas import CHUNKS, DOCUMENTS
from omni_pipelines.settings import Settings
from omni_pipelines.sources.registry import load_sources
from omni_pipelines.steps.access_tags import modified, propagate_tags_and_times
from omni_pipelines.steps.step_records import write_step_record
from omni_pipelines.tables import open_table
from omni_pipelines.text.chunk_context import SectionsAround
from omni_pipelines.text.chunking import Chunker
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.document_rows import parsed_document
from omni_pipelines.text.embedding import HEADING_SEPARATOR
from omni_pipelines.text.packing import Budget, Count, Span

BATCH_DOCUMENTS = 256
MAX_HEADING = 300
"""Characters of a heading path that are kept; it is repeated in every chunk and its vector."""


@dataclass(frozen=True)
class ChunksReport:
    """What one pass did."""

    rows: int
    recut: int
    """Documents cut again."""
    removed: int
    """Documents whose chunks were deleted."""
    version: str


def chunker_of(settings: Settings, source: str) -> Chunker:
    """How the documents of a source are cut."""
    own = settings.of_source(source)
    return Chunker(Budget(own.chunk_tokens, own.chunk_overlap), own.chunk_mode, own.encoding)


def chunker_fingerprint(settings: Settings, sources: Iterable[str]) -> str:
    """How everything is cut, and after it, as `; name=...`, each of the sources that is cut in another way."""
    common = chunker_of(settings, "").fingerprint
    own = {name: chunker_of(settings, name).fingerprint for name in sorted(sources)}
    return "; ".join([common, *(f"{name}={mark}" for name, mark in own.items() if mark != common)])


def heading_of(span: Span) -> str:
    """The path of the section, and what stands above the chunk; in its last part a signature says the name, too."""
    path = span.heading[:-1] if span.context and span.heading and span.heading[-1] in span.context else span.heading
    return HEADING_SEPARATOR.join([*path, *filter(None, [span.context])])[:MAX_HEADING]


def reconcile_chunks(home: Home, settings: Settings, count: Count) -> ChunksReport:
    """Bring the chunks table in line with the documents. A redo changes nothing; a kill loses at most a batch."""
    documents, chunks = open_table(home, DOCUMENTS), open_table(home, CHUNKS)
    pinned = documents.head()
    rows = documents.read(["doc_id", "source", "revision"], version=pinned.version).to_pylist()
    cutters = {name: _Cutter(chunker_of(settings, name), count) for name in {row["source"] for row in rows}}
    wanted = {row["doc_id"]: (row["revision"], cutters[row["source"]].fingerprint) for row in rows}
    have = _stored(chunks)
    stale = sorted(doc for doc, mark in wanted.items() if have.get(doc) != {mark})
    for at in range(0, len(stale), BATCH_DOCUMENTS):
        progress.report("cutting chunks", at, len(stale), "documents")
        batch = stale[at : at + BATCH_DOCUMENTS]
        _cut(documents.read(None, is_in("doc_id", batch), pinned.version), cutters, chunks, batch)
    if stale:
        progress.report("cutting chunks", len(stale), len(stale), "documents")
    orphans = sorted(have.keys() - wanted.keys())
    _delete_documents(chunks, orphans)
    restamped = propagate_tags_and_times(documents, pinned.version, chunks)
    if stale or orphans or restamped:
        chunks.compact()
    head = chunks.head()
    fingerprint = chunker_fingerprint(settings, (source.name for source in load_sources(home)))
    write_step_record(home, "chunks", str(head), {"documents": str(pinned)}, fingerprint)
    return ChunksReport(chunks.count(), len(stale), len(orphans), str(head))


def _stored(chunks: LanceTable) -> dict[str, set[tuple[str, str]]]:
    """Document to revision and chunker of its chunks."""
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    columns = ["doc_id", "revision", "chunker"]
    for row in chunks.read(columns).group_by(columns).aggregate([]).to_pylist():
        found[row["doc_id"]].add((row["revision"], row["chunker"]))
    return found


def _cut(documents: pa.Table, cutters: Mapping[str, _Cutter], chunks: LanceTable, batch: Sequence[str]) -> None:
    rows = [row for document in documents.to_pylist() for row in cutters[document["source"]].rows(document)]
    chunks.upsert(CHUNKS.key, pa.Table.from_pylist(rows, schema=CHUNKS.schema), is_in("doc_id", batch))


def _delete_documents(chunks: LanceTable, documents: Sequence[str]) -> None:
    for at in range(0, len(documents), 1000):
        chunks.delete(is_in("doc_id", documents[at : at + 1000]))


class _Cutter:
    """Makes the chunk rows of the documents of a source."""

    def __init__(self, chunker: Chunker, count: Count) -> None:
        self._chunker, self._count = chunker, count
        self.fingerprint = chunker.fingerprint

    def rows(self, row: dict[str, Any]) -> Iterator[dict[str, Any]]:
        parsed = parsed_document(row)
        spans = self._chunker.cut(parsed, self._count, row["kind"])
        places = sorted({place for span in spans for place in (span.start, span.end)})
        bytes_at = dict(zip(places, parsed.byte_offsets(places), strict=True))
        around = SectionsAround(parsed)
        for ordinal, span in enumerate(spans):
            section = around.range(span.start, span.heading)
            yield self._row(row, parsed, ordinal, span, bytes_at, section)

    def _row(
        self,
        document: dict[str, Any],
        parsed: Parsed,
        ordinal: int,
        span: Span,
        bytes_at: dict[int, int],
        section: tuple[int, int],
    ) -> dict[str, Any]:
        text = parsed.text[span.start : span.end]
        heading = heading_of(span)
        shared = {
            name: document[name]
            for name in ("doc_id", "source", "path", "uri", "title", "language", "kind", "revision", "acl")
        }
        return {
            **shared,
            "chunk_id": ids.chunk_id(document["doc_id"], ordinal, text, self.fingerprint),
            "ordinal": ordinal,
            "heading": heading,
            "text": text,
            "start_char": span.start,
            "end_char": span.end,
            "start_byte": bytes_at[span.start],
            "end_byte": bytes_at[span.end],
            "start_line": parsed.line(span.start),
            "end_line": parsed.line(max(span.start, span.end - 1)),
            "page": parsed.page(span.start),
            "token_count": span.tokens,
            "text_hash": ids.text_hash(heading, text),
            "chunker": self.fingerprint,
            "modified": modified(document["mtime_ns"]),
            "metadata": orjson.dumps(
                {
                    "encoding": document["encoding"],
                    "media_type": document["media_type"],
                    "verbatim": document["verbatim"],
                    "section": section,
                }
            ).decode(),
        }
