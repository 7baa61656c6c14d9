"""`release`: what readers see. One record pins tables, indexes and counts together."""

import dagster as dg

from assets.catalog import INDEX_POOL, OWNERS, RELEASE, materialized
from omni_pipelines.publishing.publish import publish
from omni_pipelines.steps.preview import release_preview
from resources.knowledge import KnowledgeHome


@dg.asset(
    group_name=RELEASE,
    kinds={"json"},
    owners=OWNERS,
    deps=["keyword_index", "vector_index", "retrieval_quality"],
    pool=INDEX_POOL,
)
def release(context: dg.AssetExecutionContext, knowledge: KnowledgeHome) -> dg.MaterializeResult[None]:
    """What readers see: one record that pins tables, indexes and counts to exact versions.

    Nothing of a run is visible before it stands; afterwards everything is, at once. Where nothing changed, the
    newest release stays.
    """
    with knowledge.writer_session(context.log) as home:
        report = publish(home, knowledge.settings, context.run.run_id)
        preview = release_preview(home)
    shown = report.release
    counts = {"release": shown.release, "new": report.new, **shown.counts}
    record = home.releases / f"{shown.release:012d}.json"
    return materialized(report.version, counts, preview, rows=shown.counts["chunks"], uri=record)
