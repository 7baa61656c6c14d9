"""One release, opened: every table at the version the release names, and its generation of the keyword index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

import numpy as np
import pyarrow as pa

from native import dataset_cache, lance_vectors, row_cache
from native.errors import EngineError, TableMissing
from native.filters import equals, is_in, matches
from native.lance_tables import LanceTable, TableVersion
from native.tantivy_index import KeywordIndex
from omni_pipelines.errors import TableBroken
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.access import Viewer, VisibleSources
from omni_pipelines.knowledge.state.releases import newest_release, require_release
from omni_pipelines.knowledge.state.seen_sources import SeenStamp, seen_stamp, sources_seen
from omni_pipelines.knowledge.state.table_files import require_readable
from omni_pipelines.records import Release
from omni_pipelines.rows import ChunkRow, DocumentRow, rows_of
from omni_pipelines.schemas import CHUNKS, DOCUMENTS, EMBEDDINGS, FILTERS
from omni_pipelines.tables import known_table

_OPEN_ATTEMPTS = 5
"""A release can be collected after its record was read and before its files are open; then there is a newer one."""

_CACHED_COLUMNS = tuple(
    column.name for column in CHUNKS.schema if column.name not in ("text", "text_hash", "revision", "chunker")
)
"""Columns of the chunks that stay in memory, about 150 bytes per chunk: all that a hit shows but its text."""


class Snapshot:
    """The read access to one release, as far as a viewer may see it. It never reads the head of a table."""

    def __init__(self, home: Home, release: Release, viewer: Viewer | None = None) -> None:
        self.home, self.release, self.viewer = home, release, viewer
        self._tables: dict[str, tuple[LanceTable, int]] = {}
        require_readable(home, release)
        self.keyword = KeywordIndex.open(home.keyword / release.keyword.generation, FILTERS)
        for name in (DOCUMENTS.name, CHUNKS.name, EMBEDDINGS.name):
            table, version = self._pinned(name)
            if str(table.version(version)) != release.tables[name]:  # not the same UUID: it was created again
                problem = f"table {name} is not the one that release {release.release} was made of"
                raise TableMissing(problem, cure="run: omni ingest")
        self._seen: tuple[SeenStamp, dict[str, datetime]] | None = None
        self._visible_sources = VisibleSources(home, release, viewer) if viewer is not None else None
        self._visible()  # so that a registry that cannot be read is noticed now

    @classmethod
    def open(cls, home: Home, number: int | None = None, viewer: Viewer | None = None) -> Snapshot:
        """Open the newest release, or the one with a number; without a viewer, all of it is visible.

        Raises:
            ConfigurationError: there is no such release.
            EngineError, TableBroken: its files are missing or damaged.
        """
        release = require_release(home, number)
        for _ in range(_OPEN_ATTEMPTS):
            try:
                return cls(home, release, viewer)
            except (EngineError, TableBroken):
                newer = newest_release(home)
                if number is not None or newer is None or newer.release == release.release:
                    raise
                release = newer
        return cls(home, release, viewer)

    def prepare(self) -> None:
        """Load into memory what searches cache there, unless other cached data would have to be dropped for it."""
        pool = dataset_cache.POOL
        if 2 * pool.stats().column_bytes > pool.config.column_bytes:
            return
        table, version = self._pinned(EMBEDDINGS.name)
        row_cache.row_index(table, EMBEDDINGS.key, version, lance_vectors.COLUMN, uses=row_cache.ALWAYS)
        self._fetch((), CHUNKS.schema.names, uses=row_cache.ALWAYS)

    def sees(self, source: str) -> bool:
        """Whether the viewer may see a source of this release."""
        visible = self._visible()
        return visible is None or source in visible

    def _visible(self) -> list[str] | None:
        """The sources that the viewer may see now, sorted; None for the owner, who sees all."""
        return sorted(self._visible_sources()) if self._visible_sources is not None else None

    def sources_seen(self) -> dict[str, datetime]:
        """The time of the last listing of each source, read again after a run."""
        stamp = seen_stamp(self.home)
        if self._seen is None or self._seen[0] != stamp:
            self._seen = stamp, sources_seen(self.home, self.release)
        return self._seen[1]

    def counts(self) -> dict[str, int]:
        """The number of rows of each table that the viewer may see."""
        visible = self._visible()
        if visible is None:
            return self.release.counts
        where = is_in("source", visible)
        pinned = {name: self._pinned(name) for name in self.release.counts}
        return {name: table.count(where, version) for name, (table, version) in pinned.items()}

    def words(
        self, query: str, k: int, where: Mapping[str, str], *, keys: Sequence[str] | None = None
    ) -> list[tuple[str, float]]:
        """Ids and BM25 scores of the best `k` chunks by their words; see `KeywordIndex.search`."""
        visible = self._visible()
        among = None if visible is None else {"source": visible}
        return self.keyword.search(query, k, where, keys=None if keys is None else list(keys), among=among)

    def chunks(self, ids: Sequence[str], columns: Sequence[str] | None = None) -> dict[str, ChunkRow]:
        """These columns of the chunks with these ids, by id; unknown ids are left out."""
        chosen = ["chunk_id", "source", *(columns if columns is not None else CHUNKS.schema.names)]
        rows = self._fetch(ids, list(dict.fromkeys(chosen)))
        visible = self._visible()
        seen = (row for row in cast("list[ChunkRow]", rows) if visible is None or row["source"] in visible)
        return {row["chunk_id"]: row for row in seen}

    def _fetch(self, ids: Sequence[str], names: Sequence[str], *, uses: int = 1) -> list[dict[str, Any]]:
        table, version = self._pinned(CHUNKS.name)
        return row_cache.fetch_rows(table, CHUNKS.key, ids, names, version, _CACHED_COLUMNS, ("text",), uses=uses)

    def chunks_of(self, document: str) -> list[ChunkRow]:
        """The chunks of the document with this id, in its order."""
        rows = rows_of(self._read(CHUNKS.name, None, equals("doc_id", document)), ChunkRow)
        return sorted(rows, key=lambda row: row["ordinal"])

    def all_chunks(self, columns: Sequence[str]) -> list[ChunkRow]:
        """These columns of every chunk."""
        return rows_of(self._read(CHUNKS.name, columns, None), ChunkRow)

    def document(self, document: str) -> DocumentRow | None:
        """The row of the document with this id."""
        rows = rows_of(self._read(DOCUMENTS.name, None, equals("doc_id", document)), DocumentRow)
        return rows[0] if rows else None

    def document_names(self) -> list[DocumentRow]:
        """The columns doc_id, uri, source and path of every document."""
        return self.documents(("doc_id", "uri", "source", "path"))

    def documents(self, columns: Sequence[str], where: str | None = None) -> list[DocumentRow]:
        """These columns of every document, or of those that match a filter."""
        return rows_of(self._read(DOCUMENTS.name, columns, where), DocumentRow)

    def nearest(self, vector: np.ndarray, k: int, where: Mapping[str, str]) -> list[tuple[str, float]]:
        """Ids and cosines of the `k` chunks nearest to `vector` (d,) that match `where`, highest cosine first."""
        filters = [matches(field, value) for field, value in where.items()]
        visible = self._visible()
        if visible is not None:
            filters.append(is_in("source", visible))
        table, version = self._pinned(EMBEDDINGS.name)
        chosen = " AND ".join(filters) or None
        return lance_vectors.nearest(table, vector, k, key=EMBEDDINGS.key, where=chosen, version=version)

    def vectors(self, ids: Sequence[str]) -> dict[str, np.ndarray]:
        """The vectors (d,), float32, of these chunks, by id; a chunk of an early release may have none."""
        table, version = self._pinned(EMBEDDINGS.name)
        rows = row_cache.row_index(table, EMBEDDINGS.key, version, lance_vectors.COLUMN, uses=0)
        positions = rows.find(ids)
        known = [key for key, position in zip(ids, positions.tolist(), strict=True) if position >= 0]
        return dict(zip(known, rows.vectors(positions[positions >= 0], lance_vectors.COLUMN), strict=True))

    def cosines(self, vector: np.ndarray, ids: Sequence[str]) -> dict[str, float]:
        """The cosines of these chunks with `vector` (d,)."""
        table, version = self._pinned(EMBEDDINGS.name)
        return lance_vectors.cosines(table, vector, ids, key=EMBEDDINGS.key, version=version)

    def _pinned(self, name: str) -> tuple[LanceTable, int]:
        """A table, and the version of it that the release names."""
        if name not in self._tables:
            self._tables[name] = known_table(self.home, name), TableVersion.parse(self.release.tables[name]).version
        return self._tables[name]

    def _read(self, name: str, columns: Sequence[str] | None, where: str | None) -> pa.Table:
        visible = self._visible()
        if visible is not None:
            condition = is_in("source", visible)
            where = condition if where is None else "(" + where + ") AND " + condition
        table, version = self._pinned(name)
        return table.read(columns, where, version)
