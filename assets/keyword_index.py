"""`keyword_index`: a generation of the Tantivy index that holds exactly the chunks."""

import dagster as dg

from assets.catalog import INDEX_POOL, OWNERS, Results, after, blocking, materialized, results
from omni_pipelines.steps.step import StepGroup
from omni_pipelines.steps.step_cost import measured
from omni_pipelines.steps.step_table import STEPS
from resources.knowledge import KnowledgeHome


@dg.asset(
    group_name=StepGroup.INDEX.value,
    kinds={"tantivy"},
    owners=OWNERS,
    deps=after("keyword_index"),
    code_version=STEPS["keyword_index"].code_version,
    pool=INDEX_POOL,
)
def keyword_index(context: dg.AssetExecutionContext, knowledge: KnowledgeHome) -> dg.MaterializeResult[None]:
    """The Tantivy index for search by words: one generation, which contains exactly the chunks.

    A new generation is built beside the one in use, shares its unchanged files, and is compared with the table key by
    key. Searches use it as soon as a release names it.
    """
    from omni_pipelines.steps.keyword_index import build_keyword_index
    from omni_pipelines.steps.preview import keyword_index_preview

    with knowledge.writer_session(context.log) as home, measured() as cost:
        report = build_keyword_index(knowledge.run())
        preview = keyword_index_preview(home, report.generation)
    return materialized(report, cost, preview, uri=home.keyword / report.generation)


@dg.multi_asset_check(specs=blocking("keyword_index", "index_coverage"), can_subset=True)
def keyword_index_checks(context: dg.AssetCheckExecutionContext, knowledge: KnowledgeHome) -> Results:
    """Every chunk is in the index, and nothing else."""
    from omni_pipelines.steps.checks import keyword_coverage

    yield from results(context, knowledge, "keyword_index", [keyword_coverage(knowledge.home)])
