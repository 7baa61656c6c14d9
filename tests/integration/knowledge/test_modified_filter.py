"""The filter by days of modification: it applies in both indexes, before the best are chosen."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from native.filters import day_range
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import Home
from omni_pipelines.knowledge.search.options import Mode
from tests.integration.line import Line, Original

JANUARY, MARCH, OLD = (
    datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC),
    datetime(2026, 3, 1, tzinfo=UTC),
    datetime(1969, 7, 20, tzinfo=UTC),
)


def fill(line: Line, docs: Path) -> None:
    for name, moment in {"january": JANUARY, "march": MARCH, "old": OLD}.items():
        (docs / f"{name}.md").write_text(f"# Heron\n\nThe heron of {name} stands in cold water.\n")
        os.utime(docs / f"{name}.md", (moment.timestamp(), moment.timestamp()))
    line.add(docs)
    line.run()


@pytest.fixture
def dated(original: Original, home: Home) -> Line:
    return original.copy(home)


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("2026-01-31", {"january"}),
        ("2026-01-01..2026-02-28", {"january"}),
        ("2026-03-01..", {"march"}),
        ("2026-01-31..2026-03-01", {"january", "march"}),
        ("..2026-02-28", {"january", "old"}),
        ("..1969-12-31", {"old"}),
        ("0001-01-01..9999-12-31", {"january", "march", "old"}),
        ("2026-02-01..2026-02-28", set()),
    ],
)
def test_modified_filter_keeps_documents_changed_on_these_days(
    dated: Line, mode: Mode, wanted: str, expected: set[str]
) -> None:
    hits = dated.search("heron cold water", mode, where={"modified": wanted})
    assert {Path(hit.path).stem for hit in hits} == expected


def test_modified_filter_applies_before_the_best_are_chosen(dated: Line, original: Original) -> None:
    docs = original.docs
    for number in range(120):
        (docs / f"new{number}.md").write_text(f"# Heron {number}\n\nHeron heron cold water {number}.\n")
    dated.run()
    for mode in Mode:
        (hit,) = dated.search("heron cold water", mode, k=1, where={"modified": "..2026-01-31", "path": "january.md"})
        assert hit.path == "january.md"


def test_why_not_names_the_day_that_does_not_match(dated: Line) -> None:
    explanation = dated.librarian().why_not("heron", "march.md", where={"modified": "..2026-02-28"})
    assert explanation.lost_at == "filter"
    assert explanation.steps[-1].says == "its modified is '2026-03-01', not '..2026-02-28'"


@pytest.mark.parametrize("wrong", ["yesterday", "..", "2026-13-01", "2026-03-01..2026-01-01", "2026-01-01' OR 1=1"])
def test_modified_filter_with_an_invalid_day_is_refused(dated: Line, wrong: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot filter by the days") as caught:
        dated.search("heron", where={"modified": wrong})
    assert "2026-01-01..2026-03-31" in caught.value.cure


@given(first=st.dates(), last=st.dates())
def test_days_reads_ranges_open_ranges_and_single_days(first: date, last: date) -> None:
    first, last = sorted((first, last))
    assert day_range(f"{first}..{last}") == (first, last)
    assert day_range(f"{first}..") == (first, None)
    assert day_range(f"..{last}") == (None, last)
    assert day_range(str(first)) == (first, first)
