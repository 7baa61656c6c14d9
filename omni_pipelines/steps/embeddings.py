"""Chunks to vectors: each distinct text is embedded once; a renamed file or a new chunk reuses known vectors."""

import functools
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from native import lance_maintenance
from native.filters import is_in
from native.lance_tables import LanceTable
from omni_pipelines import progress
from omni_pipelines.batches import batched, paced
from omni_pipelines.columns import differing, lacking
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.table_files import compact
from omni_pipelines.rows import ChunkRow, rows_of
from omni_pipelines.schemas import CHUNKS, EMBEDDINGS, FILTERS, vector_size, with_vector_size
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
    wanted, have = chunks.read(_WANTED, version=pinned.version), embeddings.read([*_WANTED, "model"])
    models = pa.array([model], pa.string()).take(pa.array(np.zeros(len(wanted), np.int64)))
    missing = rows_of(differing(wanted.append_column("model", models), have, "chunk_id").select(_WANTED), ChunkRow)
    surplus = lacking(have["chunk_id"], wanted["chunk_id"])
    stored = set(have["chunk_id"].to_pylist()) if missing else set()
    outdated = any(row["chunk_id"] in stored for row in missing)
    writer = _Writer(run, chunks, pinned.version, embeddings)
    writer.reuse(missing)
    after_batch = None if surplus or outdated else run.after_batch  # a release has the right vectors, or none yet
    writer.embed([row for row in missing if row["text_hash"] not in writer.reusable], after_batch)
    # deleted last: their vectors could be reused until now
    for keys in batched(surplus, _DELETED_AT_ONCE):
        embeddings.delete(is_in("chunk_id", keys))
    if missing or surplus:
        compact(home, embeddings)
    drop_vectors(home)
    head = str(embeddings.head())
    write_step_record(home, "embeddings", head, {"chunks": str(pinned)}, model)
    return EmbeddingsReport(len(wanted), writer.embedded, writer.reused, _version_of_rows(home, head))


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
        self.reusable: set[str] = set()
        self.embedded = self.reused = 0

    def reuse(self, rows: Sequence[ChunkRow]) -> None:
        """Copy the vectors of equal texts that the same model embedded."""
        known = [donor.read(["text_hash"], is_in("model", [self._model])) for donor in self._donors]
        texts = {text for table in known for text in table["text_hash"].to_pylist()}
        self.reusable = texts & {row["text_hash"] for row in rows}
        copied = [row for row in rows if row["text_hash"] in self.reusable]
        for batch in batched(copied, self._run.batches.texts):
            hashes = sorted({row["text_hash"] for row in batch})
            self._commit(batch, self._vectors_of(hashes))
            self.reused += len(batch)

    def embed(self, rows: Sequence[ChunkRow], after_batch: AfterBatch | None) -> None:
        """Embed the texts of the other rows, each distinct text once."""
        if not rows:
            return
        embedder = self._run.embedder
        by_hash: dict[str, list[ChunkRow]] = {}
        for row in rows:
            by_hash.setdefault(row["text_hash"], []).append(row)
        seconds = 0.0
        for hashes in paced(list(by_hash), _FIRST_BATCH, self._run.batches.texts, self._run.batches.seconds):
            began = time.monotonic()
            on_batch = functools.partial(_report, self.embedded, len(by_hash))
            first = [by_hash[text_hash][0]["chunk_id"] for text_hash in hashes]
            texts = self._texts(first)
            vectors = embedder.embed([texts[key] for key in first], on_batch)
            same = [row for text_hash in hashes for row in by_hash[text_hash]]
            self._commit(same, dict(zip(hashes, vectors, strict=True)))
            self.embedded += len(hashes)
            self.reused += len(same) - len(hashes)
            seconds += time.monotonic() - began
            if after_batch is not None:
                after_batch(self._run, seconds / self.embedded * (len(by_hash) - self.embedded))

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

    def _commit(self, rows: Sequence[ChunkRow], vectors: dict[str, np.ndarray]) -> None:
        matrix = np.stack([vectors[row["text_hash"]] for row in rows]).astype(np.float16)  # (n, d)
        schema = with_vector_size(EMBEDDINGS.schema, matrix.shape[1])
        stored = self._embeddings.open().schema
        if vector_size(stored) != matrix.shape[1]:  # vectors of another model: none of them stays
            lance_maintenance.start_again(self._embeddings, with_vector_size(stored, matrix.shape[1]))
        made = {
            "vector": pa.FixedSizeListArray.from_arrays(pa.array(matrix.ravel()), matrix.shape[1]),
            "model": [self._model] * len(rows),
        }
        copied = pa.schema([column for column in schema if column.name not in made])
        columns = pa.Table.from_pylist(rows, schema=copied)
        values = {name: made[name] if name in made else columns[name] for name in schema.names}
        self._embeddings.upsert(EMBEDDINGS.key, pa.table(values, schema=schema))


def _matrix(vectors: pa.ChunkedArray) -> np.ndarray:
    """A column of vectors as (n, d)."""
    return vectors.combine_chunks().flatten().to_numpy(zero_copy_only=False).reshape(-1, vectors.type.list_size)
