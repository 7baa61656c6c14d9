"""Embeddings to a vector index: a version of their table that covers every row."""

from dataclasses import dataclass
from functools import partial

from native import lance_files, lance_vectors
from native.lance_segments import Segments
from omni_pipelines import progress
from omni_pipelines.schemas import EMBEDDINGS
from omni_pipelines.steps.step import RunContext
from omni_pipelines.steps.step_records import read_step_record, write_step_record
from omni_pipelines.tables import open_table


@dataclass(frozen=True)
class VectorsReport:
    """What the index covers after one build."""

    coverage: lance_vectors.IndexCoverage
    version: str
    """The head of the embeddings table."""

    @property
    def rows(self) -> int:
        """Embeddings in the table."""
        return self.coverage.rows

    @property
    def counts(self) -> dict[str, int]:
        """Vectors in the index, and the parts it consists of."""
        return {"indexed": self.coverage.indexed, "parts": self.coverage.deltas}


def build_vector_index(run: RunContext, kind: str = "") -> VectorsReport:
    """Build or extend the index until it covers every embedding.

    Below 5,000 rows there is no index: a scan is as fast, and exact. With `kind`, a key of
    `lance_vectors.CANDIDATES_PER_ROW`, there is an index of that kind at any size, and later builds extend it.
    """
    embeddings = open_table(run.home, EMBEDDINGS)
    pinned = embeddings.head()
    progress.report("indexing vectors", 0, 0, "vectors")
    if any(name.startswith("_indices/") for name in lance_files.broken_files(embeddings)):
        kind = kind or lance_vectors.coverage(embeddings).kind
        lance_vectors.drop(embeddings)  # derived data: built again from the rows
    segments = Segments(partial(run.workers.map, least_items=2)) if run.workers.on_cluster else None
    coverage = lance_vectors.build(embeddings, kind, segments)
    progress.report("indexing vectors", coverage.rows, coverage.rows, "vectors")
    before, head = read_step_record(run.home, "vector_index"), str(embeddings.head())
    if before is None or before.output != head:  # otherwise the record keeps naming the rows the index was built from
        write_step_record(run.home, "vector_index", head, {"embeddings": str(pinned)}, lance_vectors.INDEX)
    return VectorsReport(coverage, head)
