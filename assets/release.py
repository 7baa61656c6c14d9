"""`release`: what readers see. One record pins tables, indexes and counts together."""

import dagster as dg

from assets.catalog import INDEX_POOL, OWNERS, materialized
from omni_pipelines.ingest.publish import publish
from resources.knowledge import KnowledgeHome


@dg.asset(group_name="release", owners=OWNERS, deps=["keyword_index", "vector_index"], pool=INDEX_POOL)
def release(context: dg.AssetExecutionContext, knowledge: KnowledgeHome) -> dg.MaterializeResult[None]:
    """The knowledge state in use. Nothing is visible before it; after it, everything is."""
    with knowledge.writing(context.log) as home:
        report = publish(home, knowledge.settings, context.run_id)
    shown = report.release
    counts = {"release": shown.release, "new": "yes" if report.new else "no", **shown.counts}
    return materialized(str(shown.release), counts, rows=shown.counts["chunks"], uri=str(home.releases))
