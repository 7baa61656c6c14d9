"""Chunks to a generation of the keyword index: built incrementally, and compared with the table before it is used."""

import functools
import math
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from native.errors import IndexCorrupt, IndexMissing
from native.filters import is_in
from native.keyword_engine import KeywordEngine
from native.lance_tables import LanceTable, TableVersion
from native.tantivy_analysis import ANALYZER
from native.tantivy_entries import KeywordEntry, analyzed
from native.tantivy_index import KeywordIndex
from omni_pipelines import ids, progress
from omni_pipelines.batches import batched
from omni_pipelines.columns import text_hashes
from omni_pipelines.errors import TableBroken
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state import metrics
from omni_pipelines.knowledge.state.releases import list_releases
from omni_pipelines.records import Release, StepRecord
from omni_pipelines.rows import ChunkRow, rows_of
from omni_pipelines.schemas import CHUNKS, FILTERS
from omni_pipelines.steps.changed_rows import changed_rows
from omni_pipelines.steps.step import RunContext
from omni_pipelines.steps.step_records import GENERATION, UNFINISHED, read_step_record, write_step_record
from omni_pipelines.tables import open_table
from omni_pipelines.text.chunking import CODE
from omni_pipelines.text.document_rows import chunk_pieces

_SORTED_ROWS = 2_000
_ANALYZED_AT_ONCE = 64
"""Entries in order, because neighbours have texts in common."""
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_HASHED = ("chunk_id", "text_hash", "title", "path", "source", "language", "kind")
_COMPARED = (*_HASHED, "modified", "doc_id", "ordinal")
_INDEXED = (
    "chunk_id", "doc_id", "ordinal", "text", "start_char", "end_char",
    "title", "heading", "path", "source", "language", "kind", "modified",
)  # fmt: skip
"""What an entry is made of: the other columns would cost half as much again."""


@dataclass(frozen=True)
class KeywordReport:
    """What one build did."""

    generation: str
    rows: int
    """Entries of the generation."""
    written: int
    removed: int
    version: str
    """`uuid:n`: the identity of the chunks table, and the number of the generation."""

    @property
    def counts(self) -> dict[str, int]:
        """Entries written and removed."""
        return {"written": self.written, "removed": self.removed}


def build_keyword_index(run: RunContext) -> KeywordReport:
    """Build a generation that holds exactly the chunks at their head. If the last generation does, it is kept.

    Raises:
        TableBroken: the finished index does not agree with the table.
    """
    home = run.home
    chunks = open_table(home, CHUNKS)
    pinned = chunks.head()
    built = read_step_record(home, "keyword_index")
    difference = _compare(home, chunks, pinned.version, built)
    if difference.base is not None and built is not None and not difference.write and not difference.remove:
        generation = built.output
    else:
        generation = _next_generation(home, built.output if built else "")
        _build(run, generation, chunks, pinned.version, difference)
    write_step_record(home, "keyword_index", generation, {"chunks": str(pinned)}, ANALYZER)
    version = f"{pinned.uuid}:{generation.removeprefix(GENERATION)}"
    return KeywordReport(generation, difference.rows, len(difference.write), len(difference.remove), version)


@dataclass(frozen=True)
class _Difference:
    """What a generation must hold, and the one to build on has, as fingerprints of all entries or of some."""

    base: KeywordIndex | None
    rows: int
    """Entries that it must have."""
    wanted: Mapping[str, str]
    have: Mapping[str, str]
    is_whole: bool
    """Whether the fingerprints are of all entries."""

    @functools.cached_property
    def write(self) -> list[str]:
        """Entries that are missing or differ."""
        return [key for key, mark in self.wanted.items() if self.have.get(key) != mark]

    @functools.cached_property
    def remove(self) -> list[str]:
        """Entries without a chunk."""
        return [key for key in self.have if key not in self.wanted]

    def is_made(self, index: KeywordIndex) -> bool:
        """Whether an index holds what it must."""
        keys = None if self.is_whole else list(self.wanted)
        return index.size == self.rows and index.fingerprints(keys) == self.wanted


def _compare(home: Home, chunks: LanceTable, version: int, built: StepRecord | None) -> _Difference:
    base = _base(home, built.output) if built and built.fingerprint == ANALYZER else None
    if base is not None and built is not None and _release_of(home, base.folder) is not None:
        since = TableVersion.parse(built.inputs["chunks"]).version
        where = changed_rows(chunks, built, "doc_id", version)
        if where is not None and base.size == chunks.count(version=since):
            wanted, have = (_wanted(chunks, each, where) for each in (version, since))
            return _Difference(base, chunks.count(version=version), wanted, have, is_whole=False)
    wanted, have = _wanted(chunks, version), {}
    try:
        have = base.fingerprints() if base is not None else {}
    except IndexCorrupt:
        base = None
    return _Difference(base, len(wanted), wanted, have, is_whole=True)


def _base(home: Home, generation: str) -> KeywordIndex | None:
    """The generation to build on; none if it is damaged: then all is built from the rows.

    It is compared with the checksums of its release: Tantivy can abort the process where bits are changed, and the
    next release would name the checksums of the damaged files.
    """
    folder = home.keyword / generation
    if not _is_as_released(home, folder):
        return None
    try:
        return KeywordIndex.open(folder, FILTERS)
    except (IndexMissing, IndexCorrupt):
        return None


def _is_as_released(home: Home, folder: Path) -> bool:
    released = _release_of(home, folder)
    files = released.keyword.files if released is not None else {}
    try:
        return all(ids.file_sha256(folder / name) == sha256 for name, sha256 in files.items())
    except OSError:
        return False


def _release_of(home: Home, folder: Path) -> Release | None:
    """A release that names a generation."""
    return next((each for each in list_releases(home) if each.keyword.generation == folder.name), None)


def _wanted(chunks: LanceTable, version: int, where: str | None = None) -> dict[str, str]:
    """Chunk id to fingerprint. An entry contains its neighbours' text, so its fingerprint covers them too."""
    rows = _sorted(chunks.read(_COMPARED, where, version))
    columns = [rows[name] for name in _HASHED]
    around = [_neighbour_hashes(rows, distance) for distance in (1, -1)]
    marks = text_hashes([*columns, _days(rows["modified"]), *around])
    return dict(zip(rows["chunk_id"].to_pylist(), marks, strict=True))


def _days(moments: pa.ChunkedArray) -> pa.Array:
    """The days of moments as `_day` counts them, as text."""
    days = np.array(moments.cast(pa.date32()).cast(pa.int32())) + _EPOCH_DAY
    return pa.array(days).cast(pa.string())


def _neighbour_hashes(rows: pa.Table, distance: int) -> pa.Array:
    """For each row in order, the hash of the text so many rows before it in the same document; "" for none."""
    documents, hashes = rows["doc_id"].combine_chunks(), rows["text_hash"].combine_chunks()
    places = np.arange(len(rows)) - distance
    neighbours = pa.array(places, mask=(places < 0) | (places >= len(rows)))
    same = pc.equal(documents.take(neighbours), documents)
    return pc.if_else(pc.fill_null(same, False), hashes.take(neighbours), "")


def in_order(rows: pa.Table) -> Iterator[ChunkRow]:
    """Chunk rows by document and ordinal; only a batch of them is in memory as dicts at any time."""
    for batch in _sorted(rows).to_batches(_SORTED_ROWS):
        yield from rows_of(batch, ChunkRow)


def _sorted(rows: pa.Table) -> pa.Table:
    return rows.sort_by([("doc_id", "ascending"), ("ordinal", "ascending")])


def with_neighbours(rows: Iterator[ChunkRow]) -> Iterator[tuple[ChunkRow, tuple[ChunkRow | None, ChunkRow | None]]]:
    """Chunk rows in order, each with the chunks before and after it in its document."""
    before: ChunkRow | None = None
    row = next(rows, None)
    while row is not None:
        after = next(rows, None)
        yield row, (_in_same_document(row, before), _in_same_document(row, after))
        before, row = row, after


def _in_same_document(row: ChunkRow, other: ChunkRow | None) -> ChunkRow | None:
    return other if other is not None and other["doc_id"] == row["doc_id"] else None


def _next_generation(home: Home, built: str) -> str:
    names = [built, *(path.name for path in home.keyword.iterdir())]
    taken = [int(name.removeprefix(GENERATION)) for name in names if name.startswith(GENERATION)]
    return f"{GENERATION}{max(taken, default=0) + 1}"


def _build(run: RunContext, generation: str, chunks: LanceTable, version: int, difference: _Difference) -> None:
    home, size, base, write = run.home, run.batches.entries, difference.base, difference.write
    part = home.keyword / f"{UNFINISHED}{generation}"
    shutil.rmtree(part, ignore_errors=True)
    index = KeywordIndex.clone(base.folder, part, FILTERS) if base else KeywordIndex.create(part, FILTERS)
    with KeywordEngine(index) as engine:
        engine.delete(difference.remove)
        done, parts = 0, math.ceil(len(write) / _ANALYZED_AT_ONCE)
        for _, entries in run.workers.map(analyzed, _parts(chunks, version, difference, size), total=parts):
            progress.report("indexing keywords", done, len(write), "chunks")
            done += engine.bulk_upsert(entries, difference.have)
    progress.report("indexing keywords", len(write), len(write), "chunks")
    metrics.count(home, metrics.KEYWORD_WRITER, engine.as_dict())
    if not difference.is_made(index):
        raise TableBroken(
            f"keyword index {generation} does not agree with its table", cure="run it again: omni ingest"
        )
    os.replace(part, home.keyword / generation)


def _parts(chunks: LanceTable, version: int, difference: _Difference, size: int) -> Iterator[Sequence[KeywordEntry]]:
    """The entries to write, `size` of them in memory at once, in the parts that a worker analyzes."""
    for batch in batched(difference.write, size):
        wanted = {key: difference.wanted[key] for key in batch}
        yield from batched(list(_entries(chunks, version, wanted)), _ANALYZED_AT_ONCE)


def _entries(chunks: LanceTable, version: int, wanted: dict[str, str]) -> Iterator[KeywordEntry]:
    documents = chunks.read(["doc_id"], is_in("chunk_id", list(wanted)), version)["doc_id"].unique().to_pylist()
    rows = chunks.read(_INDEXED, is_in("doc_id", documents), version)
    for row, (before, after) in with_neighbours(in_order(rows)):
        if row["chunk_id"] in wanted:
            pieces = chunk_pieces(chunk for chunk in (before, row, after) if chunk is not None)
            yield _entry(row, wanted[row["chunk_id"]], tuple(text for text, _ in pieces))


def _entry(row: ChunkRow, fingerprint: str, neighbourhood: tuple[str, ...]) -> KeywordEntry:
    words = row["path"].replace("/", " ").replace("_", " ")
    what = (row["source"].replace("_", " "), row["language"] if row["kind"] == CODE else "")
    context = "\n".join((row["title"], row["heading"], words, *what))
    filters = {"source": row["source"], "path": row["path"], "language": row["language"], "kind": row["kind"]}
    return KeywordEntry(row["chunk_id"], fingerprint, row["text"], context, filters, neighbourhood, _day(row))


def _day(row: ChunkRow) -> int:
    return row["modified"].toordinal()
