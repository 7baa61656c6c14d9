"""`chunks`: documents split into chunks within a token budget, with exact positions."""

import dagster as dg

from assets.catalog import OWNERS, Results, after, blocking, columns, materialized, results, warning
from omni_pipelines.schemas import CHUNKS
from omni_pipelines.steps.step import StepGroup
from omni_pipelines.steps.step_cost import measured
from omni_pipelines.steps.step_table import STEPS
from resources.knowledge import KnowledgeHome


@dg.asset(
    group_name=StepGroup.INGEST.value,
    kinds={"lance"},
    owners=OWNERS,
    metadata=columns(CHUNKS),
    deps=after("chunks"),
    code_version=STEPS["chunks"].code_version,
)
def chunks(context: dg.AssetExecutionContext, knowledge: KnowledgeHome) -> dg.MaterializeResult[None]:
    """Documents split into chunks within a token budget, each with its exact bytes, characters and lines.

    Chunks end at headings, paragraphs and definitions of code, if they fit. Only documents whose text changed are
    split again; after a change of budget, mode or tokenizer, all documents of the source are.
    """
    from omni_pipelines.steps.chunks import reconcile_chunks
    from omni_pipelines.steps.preview import chunks_preview

    with knowledge.writer_session(context.log) as home, measured() as cost:
        report = reconcile_chunks(knowledge.run())
        preview = chunks_preview(home, knowledge.settings)
    return materialized(report, cost, preview, uri=home.table("chunks"), table=CHUNKS)


@dg.multi_asset_check(
    specs=blocking("chunks", "schema", "unique_keys", "no_orphans", "token_budget"), can_subset=True
)
def chunks_checks(context: dg.AssetCheckExecutionContext, knowledge: KnowledgeHome) -> Results:
    """Columns are as defined, keys are unique, every chunk has its document, none exceeds the token budget."""
    from omni_pipelines.steps.checks import check_chunks

    yield from results(context, knowledge, "chunks", check_chunks(knowledge.home, knowledge.settings))


@dg.multi_asset_check(specs=warning("chunks", "duplicate_share"), can_subset=True)
def chunks_content_checks(context: dg.AssetCheckExecutionContext, knowledge: KnowledgeHome) -> Results:
    """Few chunks repeat another one. This reads every text, so only `quality_job` does it."""
    from omni_pipelines.operations.content_checks import duplicate_share

    yield from results(context, knowledge, "chunks", [duplicate_share(knowledge.home, knowledge.settings)])
