"""`chunks`: documents cut into passages within a token budget, with exact places."""

import dagster as dg

from assets.catalog import INGEST, OWNERS, Results, blocking, columns, materialized, results
from omni_pipelines.schemas import CHUNKS
from omni_pipelines.steps.checks import check_chunks
from omni_pipelines.steps.chunks import reconcile_chunks
from omni_pipelines.steps.preview import chunks_preview
from resources.engines import TextEngines
from resources.knowledge import KnowledgeHome


@dg.asset(group_name=INGEST, kinds={"lance"}, owners=OWNERS, metadata=columns(CHUNKS), deps=["documents"])
def chunks(
    context: dg.AssetExecutionContext, knowledge: KnowledgeHome, engines: TextEngines
) -> dg.MaterializeResult[None]:
    """Documents cut into passages within a token budget, each with its exact bytes, characters and lines.

    Cuts fall where the text suggests them: at headings, paragraphs, definitions of code. Only documents whose text
    changed are cut again; another budget, mode or tokenizer of a source cuts those of this source again.
    """
    settings = knowledge.settings
    with knowledge.writer_session(context.log) as home:
        report = reconcile_chunks(home, settings, engines.count(settings))
        preview = chunks_preview(home, settings)
    counts = {"documents cut": report.recut, "documents removed": report.removed}
    return materialized(report.version, counts, preview, rows=report.rows, uri=home.table("chunks"))


@dg.multi_asset_check(
    specs=blocking("chunks", "schema", "unique_keys", "no_orphans", "token_budget"), can_subset=True
)
def chunks_checks(context: dg.AssetCheckExecutionContext, knowledge: KnowledgeHome) -> Results:
    """Columns as defined, no chunk twice, none without its document, none over the budget."""
    yield from results(context, "chunks", check_chunks(knowledge.home, knowledge.settings))
