"""Word and PowerPoint before 2007, without LibreOffice."""

from __future__ import annotations

import random

import pytest

from omni_pipelines.refusals import Unreadable
from omni_pipelines.text.readers.old_office import old_slides, old_word
from tests.samples import ole

PARAGRAPHS = [
    ("River\r", 1, 0),
    ("Größe – Паром.\x0bNext line.\r", 0, 0),
    ("Upper\r", 2, 0),
    ("See \x13 HYPERLINK \x13 x \x15 \x14the page\x15.\r", 0, 0),
    ("name\x07", 0, 1),
    ("\x07", 0, 1),
    ("kg\x07", 0, 1),
    ("\x07", 0, 2),
    ("otter\x07", 0, 1),
    ("a\r", 0, 1),
    ("b\x07", 0, 1),
    ("7\x07", 0, 1),
    ("\x07", 0, 2),
    ("The end.\r", 0, 0),
]


def test_old_word_file_keeps_headings_table_rows_fields_and_notes() -> None:
    parsed = old_word.read(ole.old_word(PARAGRAPHS, notes="\x02 A note.\r"), "a.doc")
    assert parsed.text.split("\n\n") == [
        "River",
        "Größe – Паром.\nNext line.",
        "Upper",
        "See the page.",
        "name |  | kg\notter | a b | 7",
        "The end.",
        "Footnote: A note.",
    ]
    assert [section.path for section in parsed.sections] == [("River",), ("River", "Upper")]


def test_old_word_file_in_one_byte_for_a_character_is_western() -> None:
    assert old_word.read(ole.old_word([("Größe – “so”\r", 0, 0)], narrow=True), "a.doc").text == "Größe – “so”"


@pytest.mark.parametrize("narrow", [True, False])
def test_old_word_file_without_what_is_hidden_or_deleted(narrow: bool) -> None:
    paragraphs = [("Price 40 or 50.\r", 0, 0), ("Secret.\r", 0, 0), ("Shown.\r", 0, 0)]
    raw = ole.old_word(paragraphs, hidden={" or 50": 0x0800, "Secret.": 0x083C}, narrow=narrow)
    assert old_word.read(raw, "a.doc").text == "Price 40.\n\nShown."


def test_old_word_file_says_which_texts_are_headers_and_which_are_footers() -> None:
    margins = ["", "Contract 17\r", "", "Ohm Ltd\r", "Contract 17\r", "First page\r"]
    parsed = old_word.read(ole.old_word([("Text.\r", 0, 0)], notes="\x02 A note.\r", margins=margins), "a.doc")
    lines = ["Text.", "Footnote: A note.", "Header: Contract 17", "Footer: Ohm Ltd", "Footer: First page"]
    assert parsed.text.split("\n\n") == lines


def test_old_word_file_with_a_password_is_refused() -> None:
    with pytest.raises(Unreadable, match="E_ENCRYPTED"):
        old_word.read(ole.old_word(PARAGRAPHS, flags=0x0100), "a.doc")


SLIDES = [("Otters", "They swim.\rAt night.", "Say it slowly."), ("Größe", "Паром", "")]


def test_old_slides_keep_titles_texts_notes_and_numbers() -> None:
    parsed = old_slides.read(ole.old_slides(SLIDES), "a.ppt")
    assert parsed.text.split("\n\n") == ["Otters", "They swim.\nAt night.", "Note: Say it slowly.", "Größe", "Паром"]
    assert [page for _, page in parsed.page_marks] == [1, 2]
    assert [section.path for section in parsed.sections] == [("Otters",), ("Größe",)]


@pytest.mark.parametrize(
    ("read", "whole"), [(old_word.read, ole.old_word(PARAGRAPHS)), (old_slides.read, ole.old_slides(SLIDES))]
)
def test_damaged_old_file_is_refused_or_read_and_never_fails_otherwise(read: object, whole: bytes) -> None:
    assert callable(read)
    dice = random.Random(3)
    for _ in range(300):
        raw = bytearray(whole)
        for _ in range(dice.randint(1, 20)):
            raw[dice.randrange(512, len(raw))] = dice.randrange(256)
        try:
            read(bytes(raw[: dice.choice((len(raw), 3_000))]), "a")
        except Unreadable:
            continue
