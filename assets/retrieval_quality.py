"""`retrieval_quality`: what would be published is asked the golden set, and compared with what serves."""

import dagster as dg

from assets.catalog import INDEX_POOL, OWNERS, RELEASE, Results, blocking, materialized, results
from omni_pipelines.publishing.quality_gate import gate_verdict, run_gate
from omni_pipelines.steps.preview import gate_preview
from resources.engines import TextEngines
from resources.knowledge import KnowledgeHome


@dg.asset(
    group_name=RELEASE,
    kinds={"tantivy", "lance"},
    owners=OWNERS,
    deps=["keyword_index", "vector_index"],
    pool=INDEX_POOL,
)
def retrieval_quality(
    context: dg.AssetExecutionContext, knowledge: KnowledgeHome, engines: TextEngines
) -> dg.MaterializeResult[None]:
    """How good the search of the candidate is: nDCG and recall on the golden set, beside the serving release.

    The candidate is opened as readers would open it. Where its check fails, nothing is published, and the release
    that serves goes on serving. Without a golden set only what every candidate must have is looked at.
    """
    settings = knowledge.settings
    with knowledge.writer_session(context.log) as home:
        gate = run_gate(home, settings, lambda: engines.embedder(settings), context.run.run_id)
    values = {each.measure: each.value for each in gate.measures if each.value is not None}
    return materialized(gate.candidate, values, gate_preview(gate), rows=len(gate.measures), uri=home.golden)


@dg.multi_asset_check(specs=blocking("retrieval_quality", "gate"), can_subset=True)
def retrieval_quality_checks(context: dg.AssetCheckExecutionContext, knowledge: KnowledgeHome) -> Results:
    """Nothing is missing, the search did not become worse, and citations stand where they say."""
    yield from results(context, "retrieval_quality", [gate_verdict(knowledge.home)])
