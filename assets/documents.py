"""`documents`: every file of every source as text, with its identity and its location."""

from dataclasses import asdict
from itertools import chain
from typing import Any

import dagster as dg
from pydantic import Field

from assets.catalog import OWNERS, Results, after, blocking, columns, materialized, results, warning
from omni_pipelines.schemas import DOCUMENTS
from omni_pipelines.steps.step import StepGroup
from omni_pipelines.steps.step_cost import measured
from omni_pipelines.steps.step_table import STEPS
from resources.knowledge import KnowledgeHome


class DocumentsConfig(dg.Config):
    """Options of a run."""

    sources: list[str] = Field([], description="Names of the sources to read; empty for all.")
    allow_delete: bool = Field(
        False, description="Delete documents even where the deletion guard would stop the run."
    )


@dg.asset(
    group_name=StepGroup.INGEST.value,
    kinds={"lance"},
    owners=OWNERS,
    metadata=columns(DOCUMENTS),
    deps=after("documents"),
    code_version=STEPS["documents"].code_version,
)
def documents(
    context: dg.AssetExecutionContext,
    config: DocumentsConfig,
    knowledge: KnowledgeHome,
    session: dg.ResourceParam[Any],  # a SourceSession, which takes long to import
) -> dg.MaterializeResult[None]:
    """Every file of every source as text, one row per file, with its identity and its location.

    Only files that changed since the last run are read. A document is deleted only if a complete listing of its
    source lacks it; if that would delete too large a share of a source, the run stops, unless `allow_delete` is set.
    The metadata names files that cannot be read, and sources that cannot be listed; they never stop a run.
    """
    from omni_pipelines.knowledge.entries import entry_fields
    from omni_pipelines.sources.store_membership import read_membership
    from omni_pipelines.steps.documents import reconcile_documents
    from omni_pipelines.steps.preview import documents_preview

    run = knowledge.run(sources=config.sources, allow_delete=config.allow_delete, session=session)
    with knowledge.writer_session(context.log, sync=True) as home, measured() as cost:
        report = reconcile_documents(run)
        preview, membership = documents_preview(home), read_membership(home)
    for text in report.warnings:
        context.log.warning(text)
    base = {"store_release": membership.release} if membership is not None else {}
    reading = [asdict(each) for each in report.reading]
    counts = {**entry_fields(home), "warnings": list(report.warnings), "reading": reading, **base}
    return materialized(report, cost, preview, uri=home.table("documents"), counts=counts)


@dg.multi_asset_check(
    specs=[
        *blocking("documents", "schema", "unique_keys"),
        *warning("documents", "sources_present", "quarantine_share"),
    ],
    can_subset=True,
)
def documents_checks(context: dg.AssetCheckExecutionContext, knowledge: KnowledgeHome) -> Results:
    """Columns are as defined, keys are unique, every source could be listed, and most files could be read."""
    from omni_pipelines.operations.content_checks import quarantine_share
    from omni_pipelines.steps.checks import check_documents

    verdicts = chain(check_documents(knowledge.home), [quarantine_share(knowledge.home, knowledge.settings)])
    yield from results(context, knowledge, "documents", verdicts)
