"""Chunks to a keyword generation, embeddings to a vector index: incremental, compared with the table before use."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from native import lance_vectors
from native.errors import IndexCorrupt, IndexMissing
from native.filters import MODIFIED
from native.keyword_engine import AT_THE_END, KeywordEngine
from native.lance_tables import LanceTable, is_in
from native.tantivy_analysis import ANALYZER
from native.tantivy_index import Entry, KeywordIndex
from omni_pipelines import ids, progress
from omni_pipelines.errors import TableBroken
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state import metrics
from omni_pipelines.schemas import CHUNKS, EMBEDDINGS, FILTERS
from omni_pipelines.steps.step_records import GENERATION, UNFINISHED, read_step_record, write_step_record
from omni_pipelines.tables import open_table
from omni_pipelines.text.document_rows import joined

BATCH_ENTRIES = 2_000
_FINGERPRINTED = ("chunk_id", "text_hash", "title", "path", *(name for name in FILTERS if name != "path"))
_PLACED = ("doc_id", "ordinal", MODIFIED)


@dataclass(frozen=True)
class KeywordReport:
    """What one build did."""

    generation: str
    entries: int
    written: int
    removed: int
    version: str
    """`uuid:n`: the identity of the chunks table, and the number of the generation."""


def build_keyword_index(home: Home) -> KeywordReport:
    """A generation that holds exactly the chunks at their head. If the last one does, it is kept.

    Raises:
        TableBroken: the finished index does not agree with the table.
    """
    chunks = open_table(home, CHUNKS)
    pinned = chunks.head()
    built = read_step_record(home, "keyword_index")
    base, have = _base(home.keyword / built.output) if built and built.fingerprint == ANALYZER else (None, {})
    wanted = _wanted(chunks, pinned.version)
    write = [key for key, mark in wanted.items() if have.get(key) != mark]
    remove = [key for key in have if key not in wanted]
    if base is not None and built is not None and not write and not remove:
        generation = built.output
    else:
        generation = _next_generation(home, built.output if built else "")
        _build(home, base, generation, chunks, pinned.version, wanted, write, remove)
    write_step_record(home, "keyword_index", generation, {"chunks": str(pinned)}, ANALYZER)
    version = f"{pinned.uuid}:{generation.removeprefix(GENERATION)}"
    return KeywordReport(generation, len(wanted), len(write), len(remove), version)


def _base(folder: Path) -> tuple[KeywordIndex | None, dict[str, str]]:
    """The generation to build on, and what it holds; none if it is damaged, for it can be built from the rows."""
    try:
        index = KeywordIndex.open(folder, FILTERS)
        return index, index.fingerprints()
    except (IndexMissing, IndexCorrupt):
        return None, {}


def _wanted(chunks: LanceTable, version: int) -> dict[str, str]:
    """Key to fingerprint, by document and ordinal: an entry holds its neighbours' text, and changes with them."""
    rows = in_order(chunks.read((*_FINGERPRINTED, *_PLACED), version=version))
    return {
        row["chunk_id"]: ids.text_hash(
            *(row[name] for name in _FINGERPRINTED),
            str(_day(row)),
            *(each["text_hash"] if each else "" for each in beside),
        )
        for row, beside in with_neighbours(rows)
    }


_Row = dict[str, Any]


def in_order(rows: pa.Table) -> Iterator[_Row]:
    """Chunk rows by document and ordinal; few of them are in memory as dicts at the same time."""
    for batch in rows.sort_by([("doc_id", "ascending"), ("ordinal", "ascending")]).to_batches(BATCH_ENTRIES):
        yield from batch.to_pylist()


def with_neighbours(rows: Iterator[_Row]) -> Iterator[tuple[_Row, tuple[_Row | None, _Row | None]]]:
    """Chunk rows in order, each with the chunks before and behind it in its document."""
    before: _Row | None = None
    row = next(rows, None)
    while row is not None:
        behind = next(rows, None)
        yield row, (_of(row, before), _of(row, behind))
        before, row = row, behind


def _of(row: _Row, other: _Row | None) -> _Row | None:
    return other if other is not None and other["doc_id"] == row["doc_id"] else None


def _next_generation(home: Home, built: str) -> str:
    names = [built, *(path.name for path in home.keyword.iterdir())]
    taken = [int(name.removeprefix(GENERATION)) for name in names if name.startswith(GENERATION)]
    return f"{GENERATION}{max(taken, default=0) + 1}"


def _build(
    home: Home,
    base: KeywordIndex | None,
    generation: str,
    chunks: LanceTable,
    version: int,
    wanted: dict[str, str],
    write: list[str],
    remove: list[str],
) -> None:
    part = home.keyword / f"{UNFINISHED}{generation}"
    shutil.rmtree(part, ignore_errors=True)
    index = KeywordIndex.clone(base.folder, part, FILTERS) if base else KeywordIndex.create(part, FILTERS)
    with KeywordEngine(index, AT_THE_END) as engine:
        engine.delete(remove)
        for at in range(0, len(write), BATCH_ENTRIES):
            progress.report("indexing keywords", at, len(write), "chunks")
            batch = write[at : at + BATCH_ENTRIES]
            engine.bulk_upsert(_entries(chunks, version, {key: wanted[key] for key in batch}))
    progress.report("indexing keywords", len(write), len(write), "chunks")
    metrics.count(home, metrics.KEYWORD_WRITER, engine.as_dict())
    if index.fingerprints() != wanted:
        raise TableBroken(
            f"keyword index {generation} does not agree with its table", cure="run it again: omni ingest"
        )
    os.replace(part, home.keyword / generation)


def _entries(chunks: LanceTable, version: int, wanted: dict[str, str]) -> Iterator[Entry]:
    documents = chunks.read(["doc_id"], is_in("chunk_id", list(wanted)), version)["doc_id"].unique().to_pylist()
    rows = chunks.read(None, is_in("doc_id", documents), version)
    for row, (before, behind) in with_neighbours(in_order(rows)):
        if row["chunk_id"] in wanted:
            around = joined(each for each in (before, row, behind) if each is not None)
            yield _entry(row, wanted[row["chunk_id"]], around)


def _entry(row: _Row, fingerprint: str, around: str) -> Entry:
    words = row["path"].replace("/", " ").replace("_", " ")
    context = "\n".join((row["title"], row["heading"], words))
    filters = {name: row[name] for name in FILTERS}
    return Entry(row["chunk_id"], fingerprint, row["text"], context, filters, around, _day(row))


def _day(row: _Row) -> int:
    day: int = row[MODIFIED].toordinal()
    return day


def build_vector_index(home: Home, kind: str = "") -> lance_vectors.Coverage:
    """A vector index that covers every embedding; below 5,000 rows none, for a scan is as fast and exact.

    With `kind`, a key of `lance_vectors.REFINES`, there is one of that kind, and it is tended as such from then on.
    """
    embeddings = open_table(home, EMBEDDINGS)
    pinned = embeddings.head()
    progress.report("indexing vectors", 0, 0, "vectors")
    if any(name.startswith("_indices/") for name in embeddings.broken_files()):
        kind = kind or lance_vectors.coverage(embeddings).kind
        lance_vectors.drop(embeddings)  # derived data: built again from the rows
    coverage = lance_vectors.build(embeddings, kind)
    progress.report("indexing vectors", coverage.rows, coverage.rows, "vectors")
    before, head = read_step_record(home, "vector_index"), str(embeddings.head())
    if before is None or before.output != head:  # else it stays known which rows that index was built from
        write_step_record(home, "vector_index", head, {"embeddings": str(pinned)}, lance_vectors.INDEX)
    return coverage
