"""`vector_index`: the IVF index of the embeddings, a version of their table."""

import dagster as dg

from assets.catalog import INDEX, INDEX_POOL, OWNERS, Results, blocking, materialized, results
from omni_pipelines.operations.index_jobs import tend_vector_index
from omni_pipelines.schemas import EMBEDDINGS
from omni_pipelines.steps.checks import vector_coverage
from omni_pipelines.steps.preview import vector_index_preview
from omni_pipelines.tables import open_table
from resources.knowledge import KnowledgeHome


@dg.asset(group_name=INDEX, kinds={"lance", "lancedb"}, owners=OWNERS, deps=["embeddings"], pool=INDEX_POOL)
def vector_index(context: dg.AssetExecutionContext, knowledge: KnowledgeHome) -> dg.MaterializeResult[None]:
    """Vectors to chunks: the IVF index of the embeddings, a version of their table.

    New vectors are added to it; when they have become too many it is trained again. Below 5,000 rows there is none,
    for comparing every vector is as fast, and exact. A build is a process of its own, which ends when this run is
    terminated; the release that serves goes on serving.
    """
    with knowledge.telling(context.log) as home:
        coverage = tend_vector_index(home, context.run.run_id)
        version = str(open_table(home, EMBEDDINGS).head())
    counts = {"indexed": coverage.indexed, "parts": coverage.deltas}
    preview = vector_index_preview(coverage)
    return materialized(version, counts, preview, rows=coverage.rows, uri=home.table("embeddings"))


@dg.multi_asset_check(specs=blocking("vector_index", "index_coverage"), can_subset=True)
def vector_index_checks(context: dg.AssetCheckExecutionContext, knowledge: KnowledgeHome) -> Results:
    """Every vector is in the index, or the table is small enough to be scanned."""
    yield from results(context, "vector_index", [vector_coverage(knowledge.home)])
