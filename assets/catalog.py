"""How the assets appear in Dagster's catalog: owners, groups, columns, row counts, previews, check results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets.lineage import column_lineage
from omni_pipelines.schemas import Table, description
from omni_pipelines.steps.step import StepReport, Steps
from omni_pipelines.steps.step_cost import StepCost
from omni_pipelines.steps.step_table import STEPS
from resources.knowledge import KnowledgeHome

if TYPE_CHECKING:
    from omni_pipelines.publishing.quality_gate import GateStepReport
    from omni_pipelines.steps.checks import Verdict
    from omni_pipelines.steps.preview import Rows, Sections

OWNERS = ["team:knowledge"]
RELEASE = "release"
"""The group of the gate and the release; steps have the group of `steps.step.Group`."""
INDEX_POOL = "index_build"
"""Index builds and releases run one at a time, in this concurrency pool."""
CHECKS = {
    "sources_present": "Every source can be listed. A source that cannot be listed keeps its documents.",
    "schema": "Columns, types and value ranges are as defined.",
    "unique_keys": "Every key occurs once.",
    "no_orphans": "Every row belongs to a row of the upstream table, and each row there has a row here.",
    "token_budget": "No chunk is longer than its token budget.",
    "quarantine_share": "Most files could be read.",
    "duplicate_share": "Few chunks repeat another one.",
    "readability": "The embedder can read most of the text.",
    "freshness": "Every source was listed within the last `max_age_hours`.",
    "golden_questions": "There are golden questions, so the gate measures the quality of the search.",
    "coverage": "The indexes of the candidate contain every row.",
    "orphans": "Every chunk of the candidate has its document and its vector, and the reverse.",
    "ndcg_10": "The golden questions rank the right passages as high as in the serving release.",
    "recall_10": "The golden questions find as many right passages as in the serving release.",
    "cpu_ms": "A golden question takes at most `gate_cpu_ms` of CPU time in the median.",
    "citations": "Every citation in the answers to golden questions matches its source byte for byte.",
    "index_coverage": "The index contains every row, and nothing else.",
}
ONLY_IN_QUALITY_JOB = (("chunks", "duplicate_share"), ("embeddings", "readability"))
"""Asset and name of the checks that read every text or load a model, which costs too much in every run."""
Results = Iterator[dg.AssetCheckResult]


def columns(table: Table) -> dict[str, Any]:
    """The definition metadata of an asset that is a table."""
    described = [
        dg.TableColumn(
            column.name,
            str(column.type),
            description(column),
            dg.TableColumnConstraints(nullable=column.nullable, unique=column.name == table.key),
        )
        for column in table.schema
    ]
    return {"dagster/column_schema": dg.TableSchema(described), "dagster/table_name": table.name}


def after(step: str, steps: Steps = STEPS) -> list[str]:
    """The assets that the asset of a step depends on, from the table of steps."""
    return list(steps[step].after)


def materialized(
    report: StepReport | GateStepReport,
    cost: StepCost,
    preview: Sections,
    *,
    uri: object,
    counts: Mapping[str, Any] | None = None,
    table: Table | None = None,
) -> dg.MaterializeResult[None]:
    """A materialization: the data version, counts and cost of a step, its columns, and a preview for people."""
    return dg.MaterializeResult(
        data_version=dg.DataVersion(report.version),
        metadata={
            **({"dagster/row_count": report.rows} if report.rows is not None else {}),
            "dagster/uri": str(uri),
            **{title: _table(rows) for title, rows in preview.items() if rows},
            **(column_lineage(table) if table is not None else {}),
            **report.counts,
            **cost.as_dict(),
            **(counts or {}),
        },
    )


def _table(rows: Rows) -> dg.TableMetadataValue:
    """Rows as a table of Dagster's catalog, which shows text as it is and renders nothing in it."""
    columns = [dg.TableColumn(name, _column_type(rows, name)) for name in rows[0]]
    records = [dg.TableRecord({name: _cell(value) for name, value in row.items()}) for row in rows]
    return dg.MetadataValue.table(records, dg.TableSchema(columns))


def _column_type(rows: Rows, name: str) -> str:
    return "int" if all(isinstance(row[name], int) for row in rows) else "string"


def _cell(value: object) -> str | int | float | bool:
    return value if isinstance(value, int | float | bool) else " ".join(str(value).split())


def blocking(asset: str, *names: str) -> list[dg.AssetCheckSpec]:
    """Specs of checks that stop everything downstream if they fail."""
    return [dg.AssetCheckSpec(name, asset=asset, description=CHECKS[name], blocking=True) for name in names]


def warning(asset: str, *names: str) -> list[dg.AssetCheckSpec]:
    """Specs of checks that stop nothing if they fail."""
    return [dg.AssetCheckSpec(name, asset=asset, description=CHECKS[name]) for name in names]


def results(
    context: dg.AssetCheckExecutionContext, knowledge: KnowledgeHome, asset: str, verdicts: Iterable[Verdict]
) -> Results:
    """Verdicts as Dagster's check results: only the selected checks, because the Dagster UI can run one alone.

    No other process writes meanwhile: half of its work would look like a fault.
    """
    wanted = {key.name for key in context.selected_asset_check_keys}
    with knowledge.without_writers(context.log):
        verdicts = [verdict for verdict in verdicts if verdict.name in wanted]
    for verdict in verdicts:
        yield dg.AssetCheckResult(
            passed=verdict.passed,
            asset_key=asset,
            check_name=verdict.name,
            description=verdict.detail,
            metadata=dict(verdict.numbers),
            severity=dg.AssetCheckSeverity.ERROR if verdict.is_error else dg.AssetCheckSeverity.WARN,
        )
