"""Labels of units: the heading, symbol or question that says what a unit is about."""

from __future__ import annotations

import pytest

from omni_pipelines.knowledge.answers.composing import CONTAINERS
from omni_pipelines.knowledge.answers.units import answer_units, headings_of
from tests.unit.knowledge.answering import hit


@pytest.mark.parametrize(
    ("text", "heading", "label"),
    [
        ("## [2.1] - May\n\n### Fixed\n\n- Boats no longer leak.\n", "Changes", "[2.1] - May > Fixed"),
        ("### Fixed\n\n- Boats no longer leak.\n\n## 2.0\n\nMore.\n", "Changes > 2.1; 2.0", "2.1 > Fixed"),
        ("- Boats no longer leak.\n", "Changes > 2.1 > Fixed", "2.1 > Fixed"),
        ("- Boats no longer leak.\n", "Changes > How to mend", "How to mend"),
        ("- Boats no longer leak.\n", "Changes > --mend", "--mend"),
        ("- Boats no longer leak.\n\n# Seals\n\nSeals sleep here.\n", "Mending hulls; Seals", "Mending hulls"),
    ],
)
def test_heading_of_one_word_is_labelled_with_the_one_around_it(text: str, heading: str, label: str) -> None:
    first, *_ = answer_units(hit(text, heading=heading))
    assert first.label == label


@pytest.mark.parametrize("mark", ["Q: {}\nA: ", "**Q: {}**\n\n", "Frage 2: {}\nAntwort: "])
def test_answer_in_a_list_of_questions_has_its_question_as_its_label(mark: str) -> None:
    asked = mark.format("Who moors the boats?")
    text = f"## Is there a quay?\n\nYes, there is one here.\n\n{asked}The keeper of the harbour does.\n"
    found = {unit.text: unit.label for unit in answer_units(hit(text)) if unit.kind not in CONTAINERS}
    [label] = [label for text, label in found.items() if "keeper" in text]
    assert label == "Who moors the boats?"


def test_headings_of_a_unit_name_no_other_section_of_its_passage() -> None:
    text = "## 2.1\n\n### Fixed\n\n- Boats no longer leak.\n\n## 2.0\n\n### Fixed\n\n- Sails no longer tear.\n"
    first, *_, last = [headings_of(unit) for unit in answer_units(hit(text, heading="Changes > 2.1; 2.0"))]
    assert (first, last) == ("Changes > 2.1 > Fixed", "Changes > 2.0 > Fixed")


def test_entry_whose_title_is_no_line_has_no_other_entry_as_its_label() -> None:
    text = (
        "Function: int moor_open (int A)\n  It opens the port.\n\n  The harbour wants a fee before ships may leave.\n"
        "\n"
        "Variable: moor_time\n  The seconds to wait for a lock.\n\n  A longer time than a day means for ever.\n"
    )
    units = answer_units(hit(text, heading="Library > moor_open; moor_time"))
    found = {unit.text: unit.label for unit in units if unit.kind not in CONTAINERS}
    assert found == {
        "Function: int moor_open (int A)\n  It opens the port.": "",
        "The harbour wants a fee before ships may leave.": "moor_open",
        "Variable: moor_time\n  The seconds to wait for a lock.": "",
        "A longer time than a day means for ever.": "moor_time",
    }
