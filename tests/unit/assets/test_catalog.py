"""Previews in the catalog: tables that show what documents say, as text."""

from __future__ import annotations

from dataclasses import dataclass, field

import dagster as dg

from assets.catalog import materialized
from omni_pipelines.steps.preview import Sections
from omni_pipelines.steps.step_cost import StepCost

COST = StepCost(seconds=1.5, cpu_seconds=0.25, peak_megabytes=300)


@dataclass(frozen=True)
class Report:
    rows: int = 2
    version: str = "u:1"
    counts: dict[str, int] = field(default_factory=lambda: {"added": 2})


def metadata(preview: Sections) -> dict[str, object]:
    return dict(materialized(Report(), COST, preview, uri="/home/tables").metadata or {})


def test_a_materialization_has_the_version_rows_counts_and_cost_of_its_step() -> None:
    result = materialized(Report(), COST, {}, uri="/home/tables", counts={"warnings": []})
    assert result.data_version == dg.DataVersion("u:1")
    assert result.metadata == {
        "dagster/row_count": 2,
        "dagster/uri": "/home/tables",
        "added": 2,
        "seconds": 1.5,
        "cpu_seconds": 0.25,
        "peak_megabytes": 300,
        "warnings": [],
    }


def test_a_section_becomes_a_table_with_its_title_as_the_key() -> None:
    shown = metadata({"Sizes": [{"name": "a", "rows": 1200}, {"name": "b", "rows": 3}]})["Sizes"]
    assert isinstance(shown, dg.TableMetadataValue)
    assert [record.data for record in shown.records] == [{"name": "a", "rows": 1200}, {"name": "b", "rows": 3}]
    assert [(column.name, column.type) for column in shown.schema.columns] == [("name", "string"), ("rows", "int")]


def test_a_section_without_rows_is_left_out() -> None:
    assert "Sizes" not in metadata({"Sizes": []})


def test_line_breaks_in_a_document_become_spaces_and_its_markup_stays_text() -> None:
    shown = metadata({"Some": [{"text": "two\nlines of <img src=x> and `code`"}]})["Some"]
    assert isinstance(shown, dg.TableMetadataValue)
    assert shown.records[0].data == {"text": "two lines of <img src=x> and `code`"}
