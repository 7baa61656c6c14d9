"""`make measure` counts what its table says."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import code_measures

PRODUCT = {
    "omni_pipelines/__init__.py": '"""The product."""\n',
    "omni_pipelines/rows.py": (
        '"""Rows.\n\nOf tables.\n"""\n\nfrom typing import Any  # noqa\n\n\n'
        'class Row:\n    """A row."""\n\n    cells: Any\n'
    ),
    "omni_pipelines/steps/__init__.py": '"""Steps."""\n',
    "omni_pipelines/steps/chunks.py": (
        '"""Chunks."""\n\nfrom ..rows import Row\nfrom ..sources import files\n\n\ndef cut() -> None:\n'
        "    try:\n        files.read(Row())\n    except (ValueError, Exception):\n        pass\n"
    ),
    "omni_pipelines/sources/__init__.py": '"""Sources."""\n',
    "omni_pipelines/sources/files.py": (
        '"""Files."""\n\n\ndef read(row: object) -> None:\n'
        "    from omni_pipelines.steps.chunks import cut\n\n    cut()\n"
    ),
}


@pytest.fixture
def measures(tmp_path: Path) -> dict[str, code_measures.Measure]:
    for name, text in PRODUCT.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    modules = code_measures.load_modules(tmp_path)
    return {measure.name: measure for measure in code_measures.measure_product(modules)}


@pytest.mark.parametrize(
    ("name", "value", "is_met", "where"),
    [
        ("modules", "6", True, ""),
        ("code lines", "13", True, ""),
        ("lines of the largest module", "12", True, "omni_pipelines.rows"),
        ("functions", "2", True, ""),
        ("lines of the longest function", "5", True, "omni_pipelines.steps.chunks.cut"),
        ("import cycles at import time", "0", True, ""),
        (
            "import cycles, imports inside functions included",
            "1",
            False,
            "omni_pipelines.sources.files, omni_pipelines.steps.chunks",
        ),
        ("groups of folders that import each other", "1", False, "omni_pipelines.sources, omni_pipelines.steps"),
        ("imports inside functions", "1", True, "1 pairs of our own modules"),
        ("share of the largest room in all lines, %", "39.4", False, "omni_pipelines"),
        ("broad excepts per 1,000 code lines", "76.92", False, "1 in all"),
        ("`Any` per 1,000 code lines", "76.9", False, "1 in all"),
        ("`# noqa`", "1", True, ""),
    ],
)
def test_measure_of_a_small_product_is_counted(
    measures: dict[str, code_measures.Measure], name: str, value: str, is_met: bool, where: str
) -> None:
    assert (measures[name].value, measures[name].is_met, measures[name].where) == (value, is_met, where)


def test_complexity_counts_a_function_with_eleven_branches_even_if_silenced(tmp_path: Path) -> None:
    for package in code_measures.PACKAGES:
        (tmp_path / package).mkdir()
    branches = "".join(f"    if value == {number}:\n        return {number}\n" for number in range(11))
    text = f"def choose(value):  # noqa: C901\n{branches}"
    (tmp_path / "native" / "choice.py").write_text(text, "utf-8")
    [measure] = code_measures.measure_complexity(tmp_path)
    assert (measure.value, measure.is_met, measure.where) == ("1", False, "choose")


def test_markdown_marks_a_missed_goal() -> None:
    measure = code_measures.Measure("functions longer than 60 lines", "2", "≤ 0", is_met=False, where="cli.main")
    table = code_measures.markdown_table([measure])
    assert table.splitlines()[-1] == "| functions longer than 60 lines | 2 | ≤ 0 | not met | cli.main |"
