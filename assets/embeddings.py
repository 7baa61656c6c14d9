"""`embeddings`: one vector per chunk; equal texts are embedded once."""

import dagster as dg

from assets.catalog import OWNERS, Results, after, blocking, columns, materialized, results, warning
from omni_pipelines.schemas import EMBEDDINGS
from omni_pipelines.steps.step import StepGroup
from omni_pipelines.steps.step_cost import measured
from omni_pipelines.steps.step_table import STEPS
from resources.knowledge import KnowledgeHome


@dg.asset(
    group_name=StepGroup.INGEST.value,
    kinds={"lance", "onnx"},
    owners=OWNERS,
    metadata=columns(EMBEDDINGS),
    deps=after("embeddings"),
    code_version=STEPS["embeddings"].code_version,
)
def embeddings(context: dg.AssetExecutionContext, knowledge: KnowledgeHome) -> dg.MaterializeResult[None]:
    """One vector per chunk, for search by meaning.

    A text that was embedded once is never embedded again: a renamed file or a new chunk reuses the vectors of equal
    texts. Another embedding model embeds everything again.
    """
    from omni_pipelines.steps.embeddings import reconcile_embeddings
    from omni_pipelines.steps.preview import embeddings_preview

    with knowledge.writer_session(context.log) as home, measured() as cost:
        report = reconcile_embeddings(knowledge.run())
        preview = embeddings_preview(home)
    return materialized(report, cost, preview, uri=home.table("embeddings"), table=EMBEDDINGS)


@dg.multi_asset_check(specs=blocking("embeddings", "schema", "unique_keys", "no_orphans"), can_subset=True)
def embeddings_checks(context: dg.AssetCheckExecutionContext, knowledge: KnowledgeHome) -> Results:
    """Columns are as defined, keys are unique, and every chunk has exactly one vector."""
    from omni_pipelines.steps.checks import check_embeddings

    yield from results(context, knowledge, "embeddings", check_embeddings(knowledge.home))


@dg.multi_asset_check(specs=warning("embeddings", "readability"), can_subset=True)
def embeddings_content_checks(context: dg.AssetCheckExecutionContext, knowledge: KnowledgeHome) -> Results:
    """The embedder can read most of the text. This loads the embedder, so only `quality_job` does it."""
    from omni_pipelines.operations.content_checks import readability

    run = knowledge.run()
    yield from results(context, knowledge, "embeddings", [readability(run.home, run.settings, run.engines.embedder)])
