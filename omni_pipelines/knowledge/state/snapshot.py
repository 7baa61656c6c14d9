"""One release, opened: every table at its pinned version and the keyword generation that belongs to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from native import dataset_cache, lance_vectors
from native.errors import EngineError, TableMissing
from native.filters import equals, is_in, matches
from native.lance_tables import LanceTable, TableVersion
from native.row_cache import fetch_rows, row_index
from native.tantivy_index import KeywordIndex
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.access import Reader, visible_sources
from omni_pipelines.knowledge.state.releases import newest_release, require_release
from omni_pipelines.records import Release
from omni_pipelines.schemas import CHUNKS, DOCUMENTS, EMBEDDINGS, FILTERS, VECTOR_SIZE

_OPEN_ATTEMPTS = 5
"""A release can be collected between reading its record and opening its files; then a newer one is there."""

_HELD = tuple(
    column.name for column in CHUNKS.schema if column.name not in ("text", "text_hash", "revision", "chunker")
)
"""Columns of the passages that stay in memory, about 150 bytes a passage: what a hit is told with, but its text."""


class Snapshot:
    """What a reader reads from. It never looks at a table's head."""

    def __init__(self, home: Home, release: Release, reader: Reader | None = None) -> None:
        self.release = release
        self.home = home
        self.reader = reader
        self.keyword = KeywordIndex.open(home.keyword / release.keyword.generation, FILTERS)
        for definition in (DOCUMENTS, CHUNKS, EMBEDDINGS):
            self._check(definition.name)
        self._visible = sorted(visible_sources(home, release, reader)) if reader is not None else None

    @classmethod
    def open(cls, home: Home, number: int | None = None, reader: Reader | None = None) -> Snapshot:
        """The newest release, or the one with a number, as far as a reader may see it; None sees all of it.

        Raises:
            ConfigurationError: there is none.
            EngineError: its files are gone or damaged.
        """
        release = require_release(home, number)
        for _ in range(_OPEN_ATTEMPTS):
            try:
                return cls(home, release, reader)
            except EngineError:  # missing, or only half of its files left
                newer = newest_release(home)
                if number is not None or newer is None or newer.release == release.release:
                    raise
                release = newer
        return cls(home, release, reader)

    def prepare(self) -> None:
        """Bring into memory what searches keep there, unless what others keep would have to go for it."""
        pool = dataset_cache.POOL
        if 2 * pool.stats().column_bytes > pool.config.column_bytes:
            return
        for _ in range(2):  # they keep it from the second time on
            self.nearest(np.ones(VECTOR_SIZE, np.float32), 1, {})
            self.chunks([])

    def sees(self, source: str) -> bool:
        """Whether the reader may see a source of this release."""
        return self._visible is None or source in self._visible

    def counts(self) -> dict[str, int]:
        """Rows of each table that the reader may see."""
        if self._visible is None:
            return self.release.counts
        where = is_in("source", self._visible)
        return {name: self._table(name).count(where, self._version(name)) for name in self.release.counts}

    def words(
        self, query: str, k: int, where: Mapping[str, str], *, keys: Sequence[str] | None = None
    ) -> list[tuple[str, float]]:
        """Ids of the best `k` chunks by their words, with BM25 scores; see `KeywordIndex.search`."""
        among = None if self._visible is None else {"source": self._visible}
        chosen = None if keys is None else list(keys)
        return self.keyword.search(query, k, where, keys=chosen, among=among)

    def chunks(self, ids: Sequence[str], columns: Sequence[str] | None = None) -> dict[str, dict[str, Any]]:
        """Chunk rows by id; ids that are not there are left out."""
        chosen = ["chunk_id", "source", *(columns if columns is not None else CHUNKS.schema.names)]
        names, version = list(dict.fromkeys(chosen)), self._version(CHUNKS.name)
        rows = fetch_rows(self._table(CHUNKS.name), CHUNKS.key, ids, names, version, _HELD, ("text",))
        return {row["chunk_id"]: row for row in rows if self.sees(row["source"])}

    def chunks_of(self, document: str) -> list[dict[str, Any]]:
        """The chunks of a document, in order."""
        rows = self._read(CHUNKS.name, None, equals("doc_id", document)).to_pylist()
        return sorted(rows, key=lambda row: row["ordinal"])

    def all_chunks(self, columns: Sequence[str]) -> list[dict[str, Any]]:
        """These columns of every chunk."""
        rows: list[dict[str, Any]] = self._read(CHUNKS.name, columns, None).to_pylist()
        return rows

    def document(self, document: str) -> dict[str, Any] | None:
        """A document's row."""
        rows = self._read(DOCUMENTS.name, None, equals("doc_id", document)).to_pylist()
        return rows[0] if rows else None

    def document_names(self) -> list[dict[str, Any]]:
        """doc_id, uri, source and path of every document."""
        return self.documents(("doc_id", "uri", "source", "path"))

    def documents(self, columns: Sequence[str], where: str | None = None) -> list[dict[str, Any]]:
        """These columns of every document, or of those that a filter selects."""
        rows: list[dict[str, Any]] = self._read(DOCUMENTS.name, columns, where).to_pylist()
        return rows

    def nearest(self, vector: np.ndarray, k: int, where: Mapping[str, str]) -> list[tuple[str, float]]:
        """Ids of the `k` chunks nearest to `vector` (d,) that match `where`, with cosines, highest first."""
        narrowest = [matches(field, value) for field, value in where.items()]
        if self._visible is not None:
            narrowest.append(is_in("source", self._visible))
        return lance_vectors.nearest(
            self._table(EMBEDDINGS.name),
            vector,
            k,
            key=EMBEDDINGS.key,
            where=" AND ".join(narrowest) or None,
            version=self._version(EMBEDDINGS.name),
        )

    def vectors(self, ids: Sequence[str]) -> np.ndarray:
        """The vectors (n, d), float32, of these chunks, in their order."""
        table, version = self._table(EMBEDDINGS.name), self._version(EMBEDDINGS.name)
        rows = row_index(table, EMBEDDINGS.key, version, lance_vectors.COLUMN, counts=False)
        return rows.vectors(rows.find(ids), lance_vectors.COLUMN)

    def cosines(self, vector: np.ndarray, ids: Sequence[str]) -> dict[str, float]:
        """The cosines of these chunks to `vector` (d,)."""
        return lance_vectors.cosines(
            self._table(EMBEDDINGS.name), vector, ids, key=EMBEDDINGS.key, version=self._version(EMBEDDINGS.name)
        )

    def _check(self, name: str) -> None:
        """A table that was made anew counts its versions from 1 again: the same number is not the same state."""
        pinned = TableVersion.parse(self.release.tables[name])
        if self._table(name).version(pinned.version) != pinned:
            raise TableMissing(
                f"table {name} is not the one that release {self.release.release} was made of",
                cure="run: omni ingest",
            )

    def _table(self, name: str) -> LanceTable:
        return LanceTable(self.home.table(name))

    def _version(self, name: str) -> int:
        return TableVersion.parse(self.release.tables[name]).version

    def _read(self, name: str, columns: Sequence[str] | None, where: str | None) -> pa.Table:
        if self._visible is not None:
            visible = is_in("source", self._visible)
            where = visible if where is None else "(" + where + ") AND " + visible
        return self._table(name).read(columns, where, self._version(name))
