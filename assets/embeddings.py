"""`embeddings`: one vector a chunk; equal texts share the work."""

import dagster as dg

from assets.catalog import INGEST, OWNERS, Results, blocking, columns, materialized, results
from omni_pipelines.schemas import EMBEDDINGS
from omni_pipelines.steps.checks import check_embeddings
from omni_pipelines.steps.embeddings import reconcile_embeddings
from omni_pipelines.steps.preview import embeddings_preview
from resources.engines import TextEngines
from resources.knowledge import KnowledgeHome


@dg.asset(group_name=INGEST, kinds={"lance", "onnx"}, owners=OWNERS, metadata=columns(EMBEDDINGS), deps=["chunks"])
def embeddings(
    context: dg.AssetExecutionContext, knowledge: KnowledgeHome, engines: TextEngines
) -> dg.MaterializeResult[None]:
    """One vector a chunk, for search by meaning.

    A text that was embedded once is never embedded again: a renamed file or a new cut reuses the vectors of equal
    texts. Another embedding model embeds everything anew.
    """
    settings = knowledge.settings
    with knowledge.writer_session(context.log) as home:
        report = reconcile_embeddings(home, engines.embedder(settings), engines.fingerprint(settings))
        preview = embeddings_preview(home)
    counts = {"embedded": report.embedded, "reused": report.reused}
    return materialized(report.version, counts, preview, rows=report.rows, uri=home.table("embeddings"))


@dg.multi_asset_check(specs=blocking("embeddings", "schema", "unique_keys", "no_orphans"), can_subset=True)
def embeddings_checks(context: dg.AssetCheckExecutionContext, knowledge: KnowledgeHome) -> Results:
    """Columns as defined, no vector twice, exactly one for every chunk."""
    yield from results(context, "embeddings", check_embeddings(knowledge.home))
