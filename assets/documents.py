"""`documents`: every file of every source as text, with its identity and its place."""

import dagster as dg
from pydantic import Field

from assets.catalog import INGEST, OWNERS, Results, blocking, columns, materialized, results
from omni_pipelines.knowledge.entries import entry_fields
from omni_pipelines.schemas import DOCUMENTS
from omni_pipelines.sources.membership import read_membership
from omni_pipelines.steps.checks import check_documents
from omni_pipelines.steps.documents import reconcile_documents
from omni_pipelines.steps.preview import documents_preview
from omni_pipelines.tables import open_table
from resources.knowledge import KnowledgeHome


class DocumentsConfig(dg.Config):
    """What a run may be told."""

    sources: list[str] = Field(default_factory=list)
    """Names of the sources to look at; empty for all."""
    allow_delete: bool = False
    """Delete documents even where the guard would stop."""


@dg.asset(group_name=INGEST, kinds={"lance"}, owners=OWNERS, metadata=columns(DOCUMENTS))
def documents(
    context: dg.AssetExecutionContext, config: DocumentsConfig, knowledge: KnowledgeHome
) -> dg.MaterializeResult[None]:
    """Every file of every source as text, one row a file, with its identity and its place.

    Only files that changed since the last run are read. A document is deleted only after a complete listing of its
    source without it; a listing that would delete suspiciously much stops the run, unless `allow_delete` is set.
    Files that cannot be read are named in the preview, and never stop a run.
    """
    with knowledge.writer_session(context.log, sync=True) as home:
        report = reconcile_documents(home, knowledge.settings, config.sources, allow_delete=config.allow_delete)
        rows, preview = open_table(home, DOCUMENTS).count(), documents_preview(home)
        membership = read_membership(home)
        began = {"store_release": membership.release} if membership is not None else {}
    for warning in report.warnings:
        context.log.warning(warning)
    counts = {**report.counts, **entry_fields(home), "warnings": list(report.warnings), **began}
    return materialized(report.version, counts, preview, rows=rows, uri=home.table("documents"))


@dg.multi_asset_check(specs=blocking("documents", "schema", "unique_keys"), can_subset=True)
def documents_checks(context: dg.AssetCheckExecutionContext, knowledge: KnowledgeHome) -> Results:
    """Columns as defined, and no document twice."""
    yield from results(context, "documents", check_documents(knowledge.home))
