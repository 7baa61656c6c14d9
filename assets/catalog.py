"""How the assets look in Dagster's catalog: owners, groups, columns, row counts, previews, verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import dagster as dg

from omni_pipelines.schemas import Table, description
from omni_pipelines.steps.checks import Verdict
from omni_pipelines.steps.preview import Rows, Sections

OWNERS = ["team:knowledge"]
INGEST, INDEX, RELEASE = "ingest", "index", "release"
"""Groups: what a job makes is one box in the graph."""
INDEX_POOL = "index_build"
"""Index builds and releases run one at a time."""
CHECKS = {
    "schema": "Columns, types and value ranges are as defined.",
    "unique_keys": "No key stands twice.",
    "no_orphans": "Every row belongs to a row of the table before it, and every row of that one has its own here.",
    "token_budget": "No chunk is longer than the budget it was cut to.",
    "gate": "Nothing is missing, the search did not become worse, and citations stand where they say.",
    "index_coverage": "Everything is in the index, and nothing else.",
}
Results = Iterator[dg.AssetCheckResult]
_MARKUP = str.maketrans({character: f"\\{character}" for character in "\\|`*_<>[]~#$&"})


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


def materialized(
    version: str, counts: Mapping[str, Any], preview: Sections, *, rows: int, uri: object
) -> dg.MaterializeResult[None]:
    """A materialization: its data version, its counts, and a preview for people."""
    return dg.MaterializeResult(
        data_version=dg.DataVersion(version),
        metadata={
            "dagster/row_count": rows,
            "dagster/uri": str(uri),
            "preview": dg.MetadataValue.md(markdown(preview)),
            **counts,
        },
    )


def markdown(sections: Sections) -> str:
    """Sections as Markdown tables under headings. What comes from documents is shown as it is, never rendered."""
    shown = [f"#### {title}\n\n{_table(rows)}" for title, rows in sections.items() if rows]
    return "\n\n".join(shown) or "Nothing yet."


def _table(rows: Rows) -> str:
    names = list(rows[0])
    numbers = [all(isinstance(row[name], int | float) for row in rows) for name in names]
    rule = ["---:" if number else "---" for number in numbers]
    lines = [names, rule, *([_cell(row[name]) for name in names] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: object) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return " ".join(str(value).split()).translate(_MARKUP)


def blocking(asset: str, *names: str) -> list[dg.AssetCheckSpec]:
    """Specs of checks that stop everything downstream when they fail."""
    return [dg.AssetCheckSpec(name, asset=asset, description=CHECKS[name], blocking=True) for name in names]


def results(context: dg.AssetCheckExecutionContext, asset: str, verdicts: Iterable[Verdict]) -> Results:
    """Verdicts as Dagster's check results: those a person asked for, who may run one check from the page."""
    wanted = {key.name for key in context.selected_asset_check_keys}
    for verdict in verdicts:
        if verdict.name not in wanted:
            continue
        yield dg.AssetCheckResult(
            passed=verdict.passed,
            asset_key=asset,
            check_name=verdict.name,
            description=verdict.detail,
            metadata=dict(verdict.numbers),
        )
