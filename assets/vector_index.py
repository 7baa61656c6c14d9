"""`vector_index`: the IVF index of the embeddings, a version of their table."""

import dagster as dg

from assets.catalog import INDEX_POOL, OWNERS, Results, after, blocking, materialized, results
from omni_pipelines.steps.step import StepGroup
from omni_pipelines.steps.step_cost import measured
from omni_pipelines.steps.step_table import STEPS
from resources.knowledge import KnowledgeHome


@dg.asset(
    group_name=StepGroup.INDEX.value,
    kinds={"lance", "lancedb"},
    owners=OWNERS,
    deps=after("vector_index"),
    code_version=STEPS["vector_index"].code_version,
    pool=INDEX_POOL,
)
def vector_index(context: dg.AssetExecutionContext, knowledge: KnowledgeHome) -> dg.MaterializeResult[None]:
    """The IVF index for search by meaning, a part of the table `embeddings`.

    New vectors are added to it; after too many additions, it is trained again. Below 5,000 rows there is no index,
    because comparing every vector is as fast, and exact. A long build runs in its own process, which ends with this
    run; meanwhile searches use the serving release.
    """
    from omni_pipelines.operations.index_jobs import update_vector_index
    from omni_pipelines.steps.preview import vector_index_preview

    with knowledge.logged(context.log), measured() as cost:
        report = update_vector_index(knowledge.run(context.run.run_id))
    return materialized(report, cost, vector_index_preview(report.coverage), uri=knowledge.home.table("embeddings"))


@dg.multi_asset_check(specs=blocking("vector_index", "index_coverage"), can_subset=True)
def vector_index_checks(context: dg.AssetCheckExecutionContext, knowledge: KnowledgeHome) -> Results:
    """Every vector is in the index, or the table is small enough to be scanned."""
    from omni_pipelines.steps.checks import vector_coverage

    yield from results(context, knowledge, "vector_index", [vector_coverage(knowledge.home)])
