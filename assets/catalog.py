"""How the assets look in Dagster's catalog: owners, columns, row counts, previews, verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import dagster as dg

from omni_pipelines.ingest.checks import Verdict
from omni_pipelines.schemas import Table

OWNERS = ["team:knowledge"]
INDEX_POOL = "index_build"
"""Index builds and releases run one at a time."""


def columns(table: Table) -> dict[str, Any]:
    """The definition metadata of an asset that is a table."""
    described = [
        dg.TableColumn(
            column.name,
            str(column.type),
            constraints=dg.TableColumnConstraints(nullable=column.nullable, unique=column.name == table.key),
        )
        for column in table.schema
    ]
    return {"dagster/column_schema": dg.TableSchema(described), "dagster/table_name": table.name}


def materialized(version: str, counts: Mapping[str, int | str], *, rows: int, uri: str) -> dg.MaterializeResult[None]:
    """A materialization: its data version, its counts, and a table of them for people."""
    preview = "| | |\n|---|---|\n" + "\n".join(f"| {name} | {_readable(value)} |" for name, value in counts.items())
    return dg.MaterializeResult(
        data_version=dg.DataVersion(version),
        metadata={
            "dagster/row_count": rows,
            "dagster/uri": uri,
            "preview": dg.MetadataValue.md(preview),
            **counts,
        },
    )


def _readable(value: int | str) -> str:
    return f"{value:,}" if isinstance(value, int) else value


def blocking(asset: str, *names: str) -> list[dg.AssetCheckSpec]:
    """Specs of checks that stop everything downstream when they fail."""
    return [dg.AssetCheckSpec(name, asset=asset, blocking=True) for name in names]


def results(asset: str, verdicts: Iterable[Verdict]) -> Iterator[dg.AssetCheckResult]:
    """Verdicts as Dagster's check results."""
    for verdict in verdicts:
        yield dg.AssetCheckResult(
            passed=verdict.passed,
            asset_key=asset,
            check_name=verdict.name,
            description=verdict.detail,
            metadata=dict(verdict.numbers),
        )
