"""`retrieval_quality`: asks the candidate the golden questions, and compares it with the serving release."""

import dagster as dg

from assets.catalog import INDEX_POOL, OWNERS, RELEASE, Results, blocking, materialized, results, warning
from omni_pipelines.publishing.gate_checks import GATE_CHECKS
from omni_pipelines.steps.step_cost import measured
from omni_pipelines.steps.step_table import STEPS
from resources.knowledge import KnowledgeHome


@dg.asset(
    group_name=RELEASE,
    kinds={"tantivy", "lance"},
    owners=OWNERS,
    deps=list(STEPS.ends),
    pool=INDEX_POOL,
)
def retrieval_quality(context: dg.AssetExecutionContext, knowledge: KnowledgeHome) -> dg.MaterializeResult[None]:
    """The quality gate: nDCG and recall of the candidate on the golden questions, against the serving release.

    The candidate is opened as a search would open it. If a check fails, nothing is published, and searches keep the
    serving release. Without golden questions, only completeness is checked.
    """
    from omni_pipelines.publishing.quality_gate import GateStepReport, run_gate
    from omni_pipelines.steps.preview import gate_preview

    with knowledge.writer_session(context.log) as home, measured() as cost:
        gate = run_gate(knowledge.run(context.run.run_id))
    return materialized(GateStepReport(gate), cost, gate_preview(gate), uri=home.golden)


@dg.multi_asset_check(
    specs=[*blocking("retrieval_quality", *GATE_CHECKS), *warning("retrieval_quality", "golden_questions")],
    can_subset=True,
)
def retrieval_quality_checks(context: dg.AssetCheckExecutionContext, knowledge: KnowledgeHome) -> Results:
    """What the gate measured last. If it never measured the serving release, as after an erasure, it does so now."""
    from omni_pipelines.publishing.quality_gate import gate_verdicts, golden_verdict, serving_gate

    gate = serving_gate(knowledge.run(context.run.run_id))
    verdicts = [*gate_verdicts(gate), golden_verdict(knowledge.home)]
    yield from results(context, knowledge, "retrieval_quality", verdicts)
