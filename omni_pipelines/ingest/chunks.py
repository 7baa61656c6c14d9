"""Documents to chunks: only documents whose text or chunker changed are cut again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import pyarrow as pa

from native.lance_tables import LanceTable, is_in
from omni_pipelines import ids, progress
from omni_pipelines.ingest.built import write_built
from omni_pipelines.ingest.stamps import modified, restamp
from omni_pipelines.ingest.tables import table
from omni_pipelines.schemas import CHUNKS, DOCUMENTS
from omni_pipelines.settings import Home, Settings
from omni_pipelines.text.chunking import Budget, Count, Span, chunk
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.embedding import HEADING_SEPARATOR
from omni_pipelines.text.stored import parsed_document

BATCH_DOCUMENTS = 256
MOST_HEADING = 300
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


def chunker_fingerprint(settings: Settings) -> str:
    """What chunks depend on besides their document."""
    return Budget(settings.chunk_tokens, settings.chunk_overlap).fingerprint(settings.encoding)


def reconcile_chunks(home: Home, settings: Settings, count: Count) -> ChunksReport:
    """Bring the chunks table in line with the documents. A redo changes nothing; a kill loses at most a batch."""
    documents, chunks = table(home, DOCUMENTS), table(home, CHUNKS)
    pinned = documents.head()
    fingerprint = chunker_fingerprint(settings)
    wanted = _pairs(documents.read(["doc_id", "revision"], version=pinned.version), "revision")
    have = _pairs(chunks.read(["doc_id", "revision"], is_in("chunker", [fingerprint])), "revision")
    stored = set(chunks.read(["doc_id"])["doc_id"].to_pylist())
    stale = sorted(doc for doc, revision in wanted.items() if have.get(doc) != revision)
    cutter = _Cutter(Budget(settings.chunk_tokens, settings.chunk_overlap), fingerprint, count)
    for at in range(0, len(stale), BATCH_DOCUMENTS):
        progress.report("cutting chunks", at, len(stale), "documents")
        batch = stale[at : at + BATCH_DOCUMENTS]
        rows = [
            row
            for doc in documents.read(None, is_in("doc_id", batch), pinned.version).to_pylist()
            for row in cutter.rows(doc)
        ]
        chunks.upsert(CHUNKS.key, pa.Table.from_pylist(rows, schema=CHUNKS.schema), is_in("doc_id", batch))
    if stale:
        progress.report("cutting chunks", len(stale), len(stale), "documents")
    orphans = sorted(stored - set(wanted))
    _delete_documents(chunks, orphans)
    restamped = restamp(documents, pinned.version, chunks)
    if stale or orphans or restamped:
        chunks.compact()
    head = chunks.head()
    write_built(home, "chunks", str(head), {"documents": str(pinned)}, fingerprint)
    return ChunksReport(chunks.count(), len(stale), len(orphans), str(head))


def _pairs(rows: pa.Table, value: str) -> dict[str, str]:
    return dict(zip(rows["doc_id"].to_pylist(), rows[value].to_pylist(), strict=True))


def _delete_documents(chunks: LanceTable, documents: Sequence[str]) -> None:
    for at in range(0, len(documents), 1000):
        chunks.delete(is_in("doc_id", documents[at : at + 1000]))


class _Cutter:
    """Makes the chunk rows of documents."""

    def __init__(self, budget: Budget, fingerprint: str, count: Count) -> None:
        self._budget, self._fingerprint, self._count = budget, fingerprint, count

    def rows(self, row: dict[str, Any]) -> Iterator[dict[str, Any]]:
        parsed = parsed_document(row)
        spans = chunk(parsed, self._budget, self._count)
        places = sorted({place for span in spans for place in (span.start, span.end)})
        bytes_at = dict(zip(places, parsed.byte_offsets(places), strict=True))
        for ordinal, span in enumerate(spans):
            yield self._row(row, parsed, ordinal, span, bytes_at)

    def _row(
        self, document: dict[str, Any], parsed: Parsed, ordinal: int, span: Span, bytes_at: dict[int, int]
    ) -> dict[str, Any]:
        text = parsed.text[span.start : span.end]
        heading = HEADING_SEPARATOR.join(span.heading)[:MOST_HEADING]
        shared = {
            name: document[name]
            for name in ("doc_id", "source", "path", "uri", "title", "language", "kind", "revision", "acl")
        }
        return {
            **shared,
            "chunk_id": ids.chunk_id(document["doc_id"], ordinal, text, self._fingerprint),
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
            "chunker": self._fingerprint,
            "modified": modified(document["mtime_ns"]),
            "metadata": orjson.dumps(
                {
                    "encoding": document["encoding"],
                    "media_type": document["media_type"],
                    "verbatim": document["verbatim"],
                }
            ).decode(),
        }
