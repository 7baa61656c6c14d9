"""`release`: what searches see. One record pins the versions of tables and indexes together."""

from datetime import timedelta

import dagster as dg

from assets.catalog import INDEX_POOL, OWNERS, RELEASE, Results, materialized, results, warning
from omni_pipelines.steps.step_cost import measured
from omni_pipelines.steps.step_table import STEPS
from resources.knowledge import KnowledgeHome
from resources.run_history import RELEASE_TAG


@dg.asset(
    group_name=RELEASE,
    kinds={"json"},
    owners=OWNERS,
    deps=[*STEPS.ends, "retrieval_quality"],
    pool=INDEX_POOL,
    freshness_policy=dg.FreshnessPolicy.time_window(
        fail_window=timedelta(hours=50),
        warn_window=timedelta(hours=26),  # the nightly run makes it in any case
    ),
)
def release(context: dg.AssetExecutionContext, knowledge: KnowledgeHome) -> dg.MaterializeResult[None]:
    """What searches see: one record that names exact versions of all tables and indexes.

    Nothing of a run is visible before the record is written; then everything becomes visible at once. If nothing
    changed, no release is published.
    """
    from omni_pipelines.publishing.publish import publish
    from omni_pipelines.steps.preview import release_preview

    with knowledge.writer_session(context.log) as home, measured() as cost:
        report = publish(knowledge.run(context.run.run_id))
        preview = release_preview(home)
    if report.new:
        context.instance.add_run_tags(context.run.run_id, {RELEASE_TAG: str(report.release.release)})
    return materialized(report, cost, preview, uri=home.releases / f"{report.release.release:012d}.json")


@dg.multi_asset_check(specs=warning("release", "freshness"), can_subset=True)
def release_checks(context: dg.AssetCheckExecutionContext, knowledge: KnowledgeHome) -> Results:
    """Every source was listed within the last `max_age_hours`."""
    from omni_pipelines.operations.content_checks import freshness

    yield from results(context, knowledge, "release", [freshness(knowledge.home, knowledge.settings)])
