"""Ranges of a text as a person writes them: each form means exactly the characters it was made of."""

from __future__ import annotations

from typing import SupportsIndex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni_pipelines.knowledge.search.citation_names import CitedPart, readings
from omni_pipelines.knowledge.search.citations import range_of
from omni_pipelines.text.decoding import DecodedText
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.lines import Lines, Place

TEXT = "one two\n  three\r\n\nfour five \nsix"


@pytest.mark.parametrize(
    ("quote", "cited"),
    [
        ("one two", "1"),
        ("one", "1:1-3"),
        ("two", "1:5-7"),
        ("  three", "2"),
        ("three", "2:3-7"),
        ("three\r\n\nfour", "2:3-4:4"),
        ("  three\r\n\nfour five", "2-4"),
        ("four five ", "4:1-10"),
        ("six", "5"),
    ],
)
def test_range_is_cited_by_lines_and_by_columns_only_where_it_is_part_of_a_line(quote: str, cited: str) -> None:
    start = TEXT.index(quote)
    assert Lines.of(TEXT).cite(start, start + len(quote)) == cited


def test_lines_of_a_page_come_from_its_marks_and_a_line_can_have_several_of_its_text() -> None:
    lines = Lines.of("Title\n\nOne and \ntwo.", ((0, 3), (7, 5), (15, 4)))
    assert [lines.place(position).line for position in (0, 6, 7, 15, 16)] == [3, 3, 5, 5, 5]
    assert lines.shown(0, 20) == [(3, "Title"), (3, ""), (5, "One and "), (5, "two.")]


def test_text_of_a_chunk_has_the_places_that_it_has_in_its_document() -> None:
    whole, start, end = Lines.of(TEXT), 4, 14
    part = Lines.of(TEXT[start:end], (), whole.place(start), is_closed=whole.ends_line(end))
    assert [part.place(at - start) for at in range(start, end)] == [whole.place(at) for at in range(start, end)]
    assert part.cite(0, end - start) == whole.cite(start, end) == "1:5-2:6"


class _Watched(str):
    """A text that counts the characters that are copied out of it."""

    copied = 0

    def __getitem__(self, part: SupportsIndex | slice) -> str:
        found = super().__getitem__(part)
        self.copied += len(found)
        return found


def test_end_of_a_line_is_found_without_copying_the_text_before_it() -> None:
    text = _Watched("a line of a log\n" * 1_000)
    lines = Lines.of(text)
    assert [lines.ends_line(end) for end in (0, 7_994, 7_999, 8_000)] == [False, False, True, False]
    assert text.copied < 100


@st.composite
def documents(draw: st.DrawFn) -> Parsed:
    text = draw(st.text(st.sampled_from("ab 😀\n\r\t"), min_size=1, max_size=40).filter(str.strip))
    kind = draw(st.sampled_from(["file", "page of the web", "pages"]))
    if kind == "file":
        return Parsed(DecodedText(text, "utf-8", 0), "t")
    starts = sorted(draw(st.sets(st.integers(1, len(text) - 1), max_size=5))) if len(text) > 1 else []
    numbers = [draw(st.integers(1, 9)) for _ in range(len(starts) + 1)]
    marks = tuple(zip([0, *starts], numbers if kind != "pages" else range(1, len(numbers) + 1), strict=True))
    lines, pages = (marks, ()) if kind != "pages" else ((), marks)
    return Parsed(DecodedText("", "utf-8", 0), "t", extracted=text, line_marks=lines, page_marks=pages)


@given(documents(), st.data())
def test_every_range_within_a_page_opens_as_it_is_cited(parsed: Parsed, data: st.DataObject) -> None:
    part = data.draw(st.sampled_from([each for each in parsed.parts if each.text]))
    start = data.draw(st.integers(0, len(part.text) - 1))
    end = data.draw(st.integers(start + 1, len(part.text)))
    cited = f"n:p{part.page}:" if part.page is not None else "n:"
    (_, wanted), *_ = readings(cited + part.lines.cite(start, end))
    assert range_of(parsed, wanted, "n") == (part.start + start, part.start + end)


def test_place_that_is_not_there_has_no_position() -> None:
    assert Lines.of("ab\nc").position(Place(1, 9)) is None
    assert Lines.of("ab\nc").position(Place(3, 1)) is None


@pytest.mark.parametrize(
    ("written", "part"),
    [
        ("a:3", CitedPart(line=3, last_line=3)),
        ("a:3-5", CitedPart(line=3, last_line=5)),
        ("a:3:2-9", CitedPart(line=3, column=2, last_line=3, last_column=9)),
        ("a:3:2-5:9", CitedPart(line=3, column=2, last_line=5, last_column=9)),
        ("a:3:2", CitedPart(line=3, column=2, last_line=3)),
        ("a:p4", CitedPart(page=4)),
        ("a:p4-5", CitedPart(page=4, last_page=5)),
        ("a:p4:3-5", CitedPart(page=4, line=3, last_line=5)),
        ("a#L3-L5", CitedPart(line=3, last_line=5)),
        ("a", CitedPart()),
        ("a:0", CitedPart()),
        ("a:99999999999", CitedPart()),
    ],
)
def test_citation_is_read_as_a_name_and_a_part(written: str, part: CitedPart) -> None:
    name, read = next(readings(written))
    assert (name, read) == ("a" if part != CitedPart() else written, part)
