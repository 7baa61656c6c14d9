"""Chunks to vectors: each distinct text is embedded once; a renamed file or a new chunk reuses known vectors."""

from __future__ import annotations

import functools
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from native import lance_maintenance
from native.filters import is_in
from native.lance_tables import LanceTable, TableVersion
from omni_pipelines import progress
from omni_pipelines.batches import batched, paced
from omni_pipelines.columns import differing, lacking
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.table_files import compact
from omni_pipelines.rows import ChunkRow, rows_of
from omni_pipelines.schemas import CHUNKS, EMBEDDINGS, FILTERS, vector_size, with_vector_size
from omni_pipelines.steps.changed_rows import changed_rows
from omni_pipelines.steps.kept_vectors import drop_vectors, kept_vectors
from omni_pipelines.steps.step import AfterBatch, RunContext
from omni_pipelines.steps.step_records import read_step_record, write_step_record
from omni_pipelines.tables import open_table
from omni_pipelines.text.embedding import embedded_text

_DELETED_AT_ONCE = 1000
_FIRST_BATCH = 64
"""Texts of the first batch, before the rate of this machine is known."""
_WANTED = ("chunk_id", "text_hash", *FILTERS, "acl", "modified")


@dataclass(frozen=True)
class EmbeddingsReport:
    """What one run did."""

    rows: int
    embedded: int
    """Texts that went through the model."""
    reused: int
    """Vectors copied from an equal text."""
    version: str

    @property
    def counts(self) -> dict[str, int]:
        """Texts embedded and vectors reused."""
        return {"embedded": self.embedded, "reused": self.reused}


def reconcile_embeddings(run: RunContext) -> EmbeddingsReport:
    """Bring the embeddings table in line with the chunks."""
    home, model = run.home, run.engines.model
    chunks, embeddings = open_table(home, CHUNKS), open_table(home, EMBEDDINGS)
    pinned = chunks.head()
    where = _changed_chunks(home, embeddings, chunks, pinned, model)
    difference = _compare(chunks, pinned.version, embeddings, model, where)
    missing, surplus = difference.missing, difference.surplus
    writer = _Writer(run, chunks, pinned.version, embeddings)
    is_changed = bool(surplus) or difference.is_outdated
    after_batch = None if is_changed else run.after_batch  # a release has the right vectors, or none yet
    writer.embed(writer.reuse(missing), after_batch)
    # deleted last: their vectors could be reused until now
    for keys in batched(surplus, _DELETED_AT_ONCE):
        embeddings.delete(is_in("chunk_id", keys))
    if len(missing) or surplus:
        compact(home, embeddings)
    drop_vectors(home)
    head = str(embeddings.head())
    write_step_record(home, "embeddings", head, {"chunks": str(pinned)}, model)
    return EmbeddingsReport(
        chunks.count(version=pinned.version), writer.embedded, writer.reused, _version_of_rows(home, head)
    )


@dataclass(frozen=True)
class _Difference:
    """What the embeddings table lacks, and what it has too much."""

    missing: pa.Table
    """Chunks without a vector, or with other values in `_WANTED`."""
    surplus: list[str]
    """Ids of vectors without a chunk."""
    is_outdated: bool
    """Whether a vector of one of the missing chunks is stored."""


def _changed_chunks(
    home: Home, embeddings: LanceTable, chunks: LanceTable, pinned: TableVersion, model: str
) -> str | None:
    """A filter for the chunks that changed since their vectors were made; None if all have to be compared."""
    built, head = read_step_record(home, "embeddings"), str(embeddings.head())
    if built is None or built.fingerprint != model or built.output not in (head, _version_of_rows(home, head)):
        return None
    return changed_rows(chunks, built, "chunk_id", pinned.version)


def _compare(chunks: LanceTable, version: int, embeddings: LanceTable, model: str, where: str | None) -> _Difference:
    wanted, have = chunks.read(_WANTED, where, version), embeddings.read([*_WANTED, "model"], where)
    models = pa.array([model], pa.string()).take(pa.array(np.zeros(len(wanted), np.int64)))
    missing = differing(wanted.append_column("model", models), have, "chunk_id").select(_WANTED)
    stored = pc.is_in(missing["chunk_id"], value_set=have["chunk_id"].combine_chunks())
    return _Difference(missing, lacking(have["chunk_id"], wanted["chunk_id"]), pc.any(stored).as_py())


def _version_of_rows(home: Home, head: str) -> str:
    """The version that last changed a row. Building the vector index makes a new version too, but changes no row."""
    index = read_step_record(home, "vector_index")
    return index.inputs["embeddings"] if index is not None and index.output == head else head


def _report(before: int, total: int, done: int) -> None:
    progress.report("embedding chunks", before + done, total, "chunks")


class _Writer:
    """Writes vectors in batches, one commit each."""

    def __init__(self, run: RunContext, chunks: LanceTable, version: int, embeddings: LanceTable) -> None:
        self._run, self._model = run, run.engines.model
        self._chunks, self._version, self._embeddings = chunks, version, embeddings
        kept = kept_vectors(run.home)
        self._donors = [embeddings] if kept is None else [embeddings, kept]
        self.embedded = self.reused = 0

    def reuse(self, rows: pa.Table) -> pa.Table:
        """Copy the vectors of equal texts that the same model embedded. Returns the other rows."""
        hashes = rows["text_hash"]
        is_known = pa.chunked_array([np.zeros(len(rows), bool)])
        for donor in self._donors:
            known = donor.read(["text_hash"], is_in("model", [self._model]))["text_hash"].combine_chunks()
            is_known = pc.or_(is_known, pc.is_in(hashes, value_set=known))
        copied = rows.filter(is_known)
        for start in range(0, len(copied), self._run.batches.texts):
            batch = copied.slice(start, self._run.batches.texts)
            vectors = self._vectors_of(sorted(set(batch["text_hash"].to_pylist())))
            self._commit(batch, np.stack([vectors[each] for each in batch["text_hash"].to_pylist()]))
            self.reused += len(batch)
        return rows.filter(pc.invert(is_known))

    def embed(self, rows: pa.Table, after_batch: AfterBatch | None) -> None:
        """Embed the texts of rows, each distinct text once."""
        if not len(rows):
            return
        embedder = self._run.embedder
        texts = _Distinct.of(rows["text_hash"])
        seconds = 0.0
        for batch in paced(range(texts.count), _FIRST_BATCH, self._run.batches.texts, self._run.batches.seconds):
            began = time.monotonic()
            on_batch = functools.partial(_report, self.embedded, texts.count)
            places, numbers = texts.places(batch)
            same = rows.take(places)
            first = rows["chunk_id"].take(texts.first(batch)).to_pylist()
            text_of = self._texts(first)
            vectors = np.asarray(embedder.embed([text_of[key] for key in first], on_batch))
            self._commit(same, vectors[numbers])
            self.embedded += len(batch)
            self.reused += len(same) - len(batch)
            seconds += time.monotonic() - began
            if after_batch is not None:
                after_batch(self._run, seconds / self.embedded * (texts.count - self.embedded))

    def _texts(self, chunk_ids: Sequence[str]) -> dict[str, str]:
        rows = self._chunks.read(["chunk_id", "heading", "text"], is_in("chunk_id", chunk_ids), self._version)
        return {row["chunk_id"]: embedded_text(row["heading"], row["text"]) for row in rows_of(rows, ChunkRow)}

    def _vectors_of(self, hashes: Sequence[str]) -> dict[str, np.ndarray]:
        columns, found = ["text_hash", "model", "vector"], {}
        for donor in self._donors:
            rows = donor.read(columns, is_in("text_hash", hashes))
            same = zip(rows["text_hash"].to_pylist(), rows["model"].to_pylist(), _matrix(rows["vector"]), strict=True)
            found.update({text: vector for text, model, vector in same if model == self._model})
        return found

    def _commit(self, rows: pa.Table, matrix: np.ndarray) -> None:
        """Write rows with their vectors (n, d)."""
        matrix = matrix.astype(np.float16)
        schema = with_vector_size(EMBEDDINGS.schema, matrix.shape[1])
        stored = self._embeddings.open().schema
        if vector_size(stored) != matrix.shape[1]:  # vectors of another model: none of them stays
            lance_maintenance.start_again(self._embeddings, with_vector_size(stored, matrix.shape[1]))
        made = {
            "vector": pa.FixedSizeListArray.from_arrays(pa.array(matrix.ravel()), matrix.shape[1]),
            "model": [self._model] * len(rows),
        }
        values = {name: made[name] if name in made else rows[name] for name in schema.names}
        self._embeddings.upsert(EMBEDDINGS.key, pa.table(values, schema=schema))


@dataclass(frozen=True)
class _Distinct:
    """The distinct texts of rows, numbered from 0 in the order in which they occur first."""

    order: np.ndarray
    """The rows by the number of their text (n,)."""
    starts: np.ndarray
    """Where the rows of each text begin in `order`, and at last n."""

    @classmethod
    def of(cls, hashes: pa.ChunkedArray) -> _Distinct:
        encoded = hashes.combine_chunks().dictionary_encode()
        numbers = encoded.indices.to_numpy()
        starts = np.concatenate([[0], np.cumsum(np.bincount(numbers, minlength=len(encoded.dictionary)))])
        return cls(np.argsort(numbers, kind="stable"), starts)

    @property
    def count(self) -> int:
        """Number of texts."""
        return len(self.starts) - 1

    def first(self, texts: Sequence[int]) -> np.ndarray:
        """The first row of each of these texts, whose numbers follow each other."""
        return self.order[self.starts[texts[0] : texts[-1] + 1]]

    def places(self, texts: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """All rows of these texts, and the position of the text of each row among them."""
        bounds = self.starts[texts[0] : texts[-1] + 2]
        return self.order[bounds[0] : bounds[-1]], np.repeat(np.arange(len(texts)), np.diff(bounds))


def _matrix(vectors: pa.ChunkedArray) -> np.ndarray:
    """A column of vectors as (n, d)."""
    return vectors.combine_chunks().flatten().to_numpy(zero_copy_only=False).reshape(-1, vectors.type.list_size)
