"""Lines that are headings without a mark, as readers write those of HTML, Word and PDF."""

from __future__ import annotations

import pytest

from omni_pipelines.text.blocks import BlockKind, blocks
from omni_pipelines.text.plain_headings import with_plain_headings


def headings(text: str) -> list[str]:
    found = with_plain_headings(text, blocks(text))
    return [text[block.start : block.end] for block in found if block.kind is BlockKind.HEADING]


def test_a_short_line_above_a_paragraph_a_list_or_a_table_is_a_heading() -> None:
    text = "Leave\n\nYour first day\n\nCome at nine.\n\nWhat to bring\n\n- a passport\n\nPrices\n\na | b\n1 | 2\n"
    assert headings(text) == ["Leave", "Your first day", "What to bring", "Prices"]


@pytest.mark.parametrize(
    "line",
    [
        "Come at nine.",
        "Bring these things:",
        "Is it open?",
        "まず登録してください。",
        "- an item",
        "2026-11-30",
        "Created by Anna Quay, last modified on 3 Sep 2026",
        ".. a comment of reStructuredText",
        "> a quotation",
        "Badges are collected in room 1.12 by everybody who starts on a Monday or later in that week",
        "two lines\nof one paragraph",
    ],
)
def test_a_sentence_an_item_or_a_long_line_is_no_heading(line: str) -> None:
    assert headings(f"{line}\n\nBelow it stands a sentence.\n") == []


def test_the_last_line_of_a_passage_is_no_heading() -> None:
    assert headings("A sentence.\n\nSigned by Anna\n") == []


def test_many_short_lines_in_a_row_are_no_headings() -> None:
    assert headings("Home\n\nNews\n\nTeam\n\nContact\n\nWe are a small team.\n") == []


def test_marked_headings_are_kept() -> None:
    assert headings("## Keys\n\nThey expire.\n\nRotation\n--------\n\nEvery year.\n") == ["## Keys", "Rotation"]


def test_a_line_between_two_headings_is_what_the_first_one_is_about() -> None:
    assert headings("## Quay\n\nWhere boats lie\n\n## Fee\n\nThree per night.\n") == ["## Quay", "## Fee"]
