"""Chunks to vectors: each distinct text is embedded once, ever; a rename or a re-cut reuses what is there."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from native.lance_tables import LanceTable, is_in
from omni_pipelines import progress
from omni_pipelines.home import Home
from omni_pipelines.schemas import CHUNKS, EMBEDDINGS, FILTERS, VECTOR_SIZE
from omni_pipelines.steps.kept_vectors import drop_vectors, kept_vectors
from omni_pipelines.steps.step_records import read_step_record, write_step_record
from omni_pipelines.tables import open_table
from omni_pipelines.text.embedding import Embedder, embedded_text

BATCH_TEXTS = 1024
"""A commit holds this many vectors: a kill loses seconds of work, not minutes."""
_WANTED = ("chunk_id", "text_hash", *FILTERS, "acl", "modified")


@dataclass(frozen=True)
class EmbeddingsReport:
    """What one pass did."""

    rows: int
    embedded: int
    """Texts that went through the model."""
    reused: int
    """Vectors copied from an equal text."""
    version: str


def reconcile_embeddings(home: Home, embedder: Embedder, model: str) -> EmbeddingsReport:
    """Bring the embeddings table in line with the chunks. `model` is the embedder's fingerprint.

    Raises:
        ValueError: the embedder's vectors have another length than the table's.
    """
    if embedder.dimensions != VECTOR_SIZE:
        raise ValueError(f"embedder gives {embedder.dimensions} dimensions, the table has {VECTOR_SIZE}")
    chunks, embeddings = open_table(home, CHUNKS), open_table(home, EMBEDDINGS)
    pinned = chunks.head()
    wanted = {row["chunk_id"]: row for row in chunks.read(_WANTED, version=pinned.version).to_pylist()}
    have = {row["chunk_id"]: row for row in embeddings.read([*_WANTED, "model"]).to_pylist()}
    missing = [row for key, row in wanted.items() if {**row, "model": model} != have.get(key)]
    writer = _Writer(chunks, pinned.version, embeddings, embedder, model, kept_vectors(home))
    writer.reuse(missing)
    writer.embed([row for row in missing if row["text_hash"] not in writer.reusable])
    surplus = sorted(have.keys() - wanted.keys())  # last, for their vectors were worth reusing until now
    for at in range(0, len(surplus), 1000):
        embeddings.delete(is_in("chunk_id", surplus[at : at + 1000]))
    if missing or surplus:
        embeddings.compact()
    drop_vectors(home)
    head = embeddings.head()
    write_step_record(home, "embeddings", str(head), {"chunks": str(pinned)}, model)
    return EmbeddingsReport(len(wanted), writer.embedded, writer.reused, _version_of_rows(home, str(head)))


def _version_of_rows(home: Home, head: str) -> str:
    """The version that last changed a row. Building the vector index makes one too, which changes none."""
    index = read_step_record(home, "vector_index")
    return index.inputs["embeddings"] if index is not None and index.output == head else head


def _batches(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (items[at : at + size] for at in range(0, len(items), size))


def _tell(before: int, total: int, done: int) -> None:
    progress.report("embedding chunks", before + done, total, "chunks")


class _Writer:
    """Writes vectors in batches, one commit each."""

    def __init__(
        self,
        chunks: LanceTable,
        version: int,
        embeddings: LanceTable,
        embedder: Embedder,
        model: str,
        kept: LanceTable | None,
    ) -> None:
        self._chunks, self._version = chunks, version
        self._embeddings, self._embedder, self._model = embeddings, embedder, model
        self._donors = [embeddings] if kept is None else [embeddings, kept]
        self.reusable: set[str] = set()
        self.embedded = self.reused = 0

    def reuse(self, rows: Sequence[dict[str, Any]]) -> None:
        """Copy the vectors of equal texts that the same model embedded."""
        known = [each.read(["text_hash"], is_in("model", [self._model])) for each in self._donors]
        texts = {text for found in known for text in found["text_hash"].to_pylist()}
        self.reusable = texts & {row["text_hash"] for row in rows}
        copied = [row for row in rows if row["text_hash"] in self.reusable]
        for batch in _batches(copied, BATCH_TEXTS):
            hashes = sorted({row["text_hash"] for row in batch})
            self._commit(batch, self._vectors_of(hashes))
            self.reused += len(batch)

    def embed(self, rows: Sequence[dict[str, Any]]) -> None:
        """Run the rest through the model, each distinct text once."""
        by_hash: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            by_hash.setdefault(row["text_hash"], []).append(row)
        for batch in _batches(list(by_hash), BATCH_TEXTS):
            tell = functools.partial(_tell, self.embedded, len(by_hash))
            texts = self._texts([by_hash[each][0]["chunk_id"] for each in batch])
            vectors = self._embedder.embed([texts[by_hash[each][0]["chunk_id"]] for each in batch], tell)
            same = [row for each in batch for row in by_hash[each]]
            self._commit(same, dict(zip(batch, vectors, strict=True)))
            self.embedded += len(batch)
            self.reused += len(same) - len(batch)

    def _texts(self, chunk_ids: Sequence[str]) -> dict[str, str]:
        rows = self._chunks.read(["chunk_id", "heading", "text"], is_in("chunk_id", chunk_ids), self._version)
        return {row["chunk_id"]: embedded_text(row["heading"], row["text"]) for row in rows.to_pylist()}

    def _vectors_of(self, hashes: Sequence[str]) -> dict[str, np.ndarray]:
        columns = ["text_hash", "model", "vector"]
        rows = pa.concat_tables([each.read(columns, is_in("text_hash", hashes)) for each in self._donors])
        matrix = _matrix(rows["vector"])
        same = zip(rows["text_hash"].to_pylist(), rows["model"].to_pylist(), matrix, strict=True)
        return {text: vector for text, model, vector in same if model == self._model}

    def _commit(self, rows: Sequence[dict[str, Any]], vectors: dict[str, np.ndarray]) -> None:
        matrix = np.stack([vectors[row["text_hash"]] for row in rows]).astype(np.float16)  # (n, d)
        columns: list[Any] = []
        for column in EMBEDDINGS.schema:
            if column.name == "vector":
                columns.append(pa.FixedSizeListArray.from_arrays(pa.array(matrix.ravel()), VECTOR_SIZE))
            elif column.name == "model":
                columns.append([self._model] * len(rows))
            else:
                columns.append([row[column.name] for row in rows])
        self._embeddings.upsert(EMBEDDINGS.key, pa.table(columns, schema=EMBEDDINGS.schema))


def _matrix(vectors: pa.ChunkedArray) -> np.ndarray:
    """A column of vectors as (n, d)."""
    return vectors.combine_chunks().flatten().to_numpy(zero_copy_only=False).reshape(-1, VECTOR_SIZE)
