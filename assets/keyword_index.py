"""`keyword_index`: a generation of the Tantivy index that holds exactly the chunks."""

import dagster as dg

from assets.catalog import INDEX, INDEX_POOL, OWNERS, Results, blocking, materialized, results
from omni_pipelines.steps.checks import keyword_coverage
from omni_pipelines.steps.indexes import build_keyword_index
from omni_pipelines.steps.preview import keyword_index_preview
from resources.knowledge import KnowledgeHome


@dg.asset(group_name=INDEX, kinds={"tantivy"}, owners=OWNERS, deps=["chunks"], pool=INDEX_POOL)
def keyword_index(context: dg.AssetExecutionContext, knowledge: KnowledgeHome) -> dg.MaterializeResult[None]:
    """Words to chunks: a generation of the Tantivy index that holds exactly the chunks.

    It grows beside the one in use, which it shares unchanged files with, and is compared with the table key by key.
    Readers see it once a release names it.
    """
    with knowledge.writer_session(context.log) as home:
        report = build_keyword_index(home)
        preview = keyword_index_preview(home, report.generation)
    counts = {"written": report.written, "removed": report.removed}
    folder = home.keyword / report.generation
    return materialized(report.version, counts, preview, rows=report.entries, uri=folder)


@dg.multi_asset_check(specs=blocking("keyword_index", "index_coverage"), can_subset=True)
def keyword_index_checks(context: dg.AssetCheckExecutionContext, knowledge: KnowledgeHome) -> Results:
    """Every chunk is in the index, and nothing else."""
    yield from results(context, "keyword_index", [keyword_coverage(knowledge.home)])
