"""`keyword_index`: a generation of the Tantivy index that holds exactly the chunks."""

from collections.abc import Iterator

import dagster as dg

from assets.catalog import INDEX_POOL, OWNERS, blocking, materialized, results
from omni_pipelines.ingest.checks import keyword_coverage
from omni_pipelines.ingest.indexes import build_keyword_index
from resources.knowledge import KnowledgeHome


@dg.asset(group_name="indexes", kinds={"tantivy"}, owners=OWNERS, deps=["chunks"], pool=INDEX_POOL)
def keyword_index(context: dg.AssetExecutionContext, knowledge: KnowledgeHome) -> dg.MaterializeResult[None]:
    """Words to chunks. Built beside the one in use, compared with the table, then named by a release."""
    with knowledge.writing(context.log) as home:
        report = build_keyword_index(home)
    counts: dict[str, int | str] = {
        "written": report.written,
        "removed": report.removed,
        "generation": report.generation,
    }
    return materialized(report.generation, counts, rows=report.entries, uri=str(home.keyword / report.generation))


@dg.multi_asset_check(specs=blocking("keyword_index", "index_coverage"))
def keyword_index_checks(knowledge: KnowledgeHome) -> Iterator[dg.AssetCheckResult]:
    """Every chunk is in the index, and nothing else."""
    yield from results("keyword_index", [keyword_coverage(knowledge.home)])
