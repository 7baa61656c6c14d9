"""The text of a printed page: columns, tables, running heads, words cut by a hyphen, headings."""

from __future__ import annotations

import pytest

from omni_pipelines.text.chunking import Chunker
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.packing import Budget
from omni_pipelines.text.readers import pdf
from tests.samples.pdf import drawn, placed
from tests.samples.pdf import pdf as with_outline

LEFT = [(50.0, 700.0 - 12 * n, f"The left column speaks of otters in line {n}") for n in range(8)]
RIGHT = [(320.0, 700.0 - 12 * n, f"The right column speaks of herons in line {n}") for n in range(8)]
ROWS = [[f"Valve {n}", f"Supplier{n:03} GmbH", f"{12 + n % 24}", f"{100 + n}.50"] for n in range(90)]
NAMES = ["Part", "Supplier", "Months", "Price EUR"]


def read(*contents: bytes) -> Parsed:
    return pdf.read(drawn(*contents), "a.pdf")


def in_columns() -> list[str]:
    return [text for _, _, text in (*LEFT, *RIGHT)]


@pytest.mark.parametrize(
    "order",
    [
        [*LEFT, *RIGHT],
        [*RIGHT, *LEFT],
        [each for pair in zip(LEFT, RIGHT, strict=True) for each in pair],
        [*LEFT, *((left, above - 5, text) for left, above, text in RIGHT)],
    ],
    ids=["left first", "right first", "line by line", "lines at other heights"],
)
def test_columns_are_read_one_after_the_other(order: list[tuple[float, float, str]]) -> None:
    assert read(placed(*order)).text.replace("\n\n", "\n").split("\n") == in_columns()


def test_columns_with_a_narrow_gap_are_read_one_after_the_other() -> None:
    right = [(238.0, above, text) for _, above, text in RIGHT]  # 9 points behind the left column
    assert read(placed(*LEFT, *right)).text.replace("\n\n", "\n").split("\n") == in_columns()


def test_words_of_a_line_that_are_drawn_one_by_one_stay_in_it() -> None:
    words = [
        (50.0 + at, above, word) for _, above, _ in LEFT for at, word in ((0, "Herons"), (41, "wait"), (68, "here."))
    ]
    assert read(placed(*words)).text.split("\n") == ["Herons wait here."] * len(LEFT)


def test_title_above_two_columns_comes_first_and_text_below_them_last() -> None:
    title = (60.0, 740.0, "A title that is as wide as both of the columns below it on this page of the report")
    below = (60.0, 580.0, "A note that is as wide as both of the columns above it on this page of the report")
    text = read(placed(below, *RIGHT, title, *LEFT)).text
    assert [line for line in text.split("\n") if line] == [title[2], *in_columns(), below[2]]


def test_three_columns_are_read_from_left_to_right() -> None:
    columns = [
        [(40.0 + 190 * at, 700.0 - 12 * n, f"Column {at} has a line that is {n}") for n in range(6)]
        for at in range(3)
    ]
    across = [column[n] for n in range(6) for column in columns]
    assert read(placed(*across)).text.replace("\n\n", "\n").split("\n") == [
        text for column in columns for _, _, text in column
    ]


def table_page(rows: list[list[str]], *more: tuple[float, float, str]) -> bytes:
    cells = [
        (40.0 + 130 * column, 740.0 - 16 * row, cell)
        for row, cells in enumerate(rows)
        for column, cell in enumerate(cells)
    ]
    return placed(*cells, *more)


def test_rows_of_a_table_are_lines_and_every_chunk_has_the_names_of_its_columns() -> None:
    footer = (200.0, 40.0, "ACME parts list")
    pages = [table_page([NAMES, *ROWS[:30]], footer), *(table_page(ROWS[at : at + 30], footer) for at in (30, 60))]
    parsed = read(*pages)
    assert " | ".join(ROWS[44]) in parsed.text.split("\n")
    spans = Chunker(Budget(60, 0)).cut(parsed, lambda text: len(text.split()))
    assert len(spans) > 8
    assert {span.context for span in spans[2:]} == {" | ".join(NAMES)}


def test_table_with_other_columns_on_the_next_page_is_a_table_of_its_own() -> None:
    others = [[f"Port {n}", f"{n}.20"] for n in range(8)]
    parsed = read(table_page([NAMES, *ROWS[:8]]), table_page(others))
    assert [table.header for table in parsed.tables] == [" | ".join(NAMES)]


def test_cell_of_several_lines_is_one_cell() -> None:
    rows = [["A1", "A long description that", "1.50"], ["", "is wrapped in its cell", ""], ["A2", "Short", "2.50"]]
    lines = read(table_page([["Part", "Description", "Price"], *rows])).text.split("\n")
    assert lines[1:] == ["A1 | A long description that is wrapped in its cell | 1.50", "A2 | Short | 2.50"]


def test_letters_that_stand_apart_are_words() -> None:
    apart = [(72.0 + 14 * at + (20 if at >= 6 else 0), 700.0, letter) for at, letter in enumerate("annualreport")]
    assert read(placed(*apart, (72, 686, "Text."))).text == "annual report\nText."


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"(how) Tj 23.5 0 Td (the harbour) Tj", "how the harbour"),
        (b"[(how)-140(they are)-140(moored)] TJ", "how they are moored"),
        (b"[(W)80(ater)20(ways)] TJ", "Waterways"),
        (b"1.5 Tc (harbours) Tj", "harbours"),
    ],
    ids=["little space", "little space in a row", "kerning", "letters apart"],
)
def test_words_with_little_space_between_them_are_two(content: bytes, text: str) -> None:
    assert read(b"BT /F1 12 Tf 72 700 Td " + content + b" ET").text == text


def test_numbered_list_is_text_and_no_table() -> None:
    items = [(60.0, 700.0 - 14 * n, f"{n + 1}.") for n in range(5)] + [
        (85.0, 700.0 - 14 * n, f"Step {'one two three four five'.split()[n]} of the work") for n in range(5)
    ]
    parsed = read(placed(*items))
    assert parsed.text.split("\n")[0] == "1. Step one of the work"
    assert parsed.tables == ()


def with_margins(number: int, head: str, lines: list[str]) -> bytes:
    body = [(60.0, 680.0 - 14 * at, line) for at, line in enumerate(lines)]
    return placed((60.0, 750.0, head), *body, (300.0, 30.0, f"{number}"))


TEXTS = [
    [f"The {animal} is described on line {line}." for line in range(6)] for animal in ("otter", "heron", "owl", "bat")
]


def test_running_heads_and_page_numbers_are_left_out() -> None:
    parsed = read(*(with_margins(7 + at, "The otter and the owl", lines) for at, lines in enumerate(TEXTS)))
    assert parsed.text.split("\n\n") == ["\n".join(lines) for lines in TEXTS]
    assert [parsed.page(parsed.text.index(lines[0])) for lines in TEXTS] == [1, 2, 3, 4]


def test_running_head_with_a_word_that_is_nowhere_else_is_kept_once() -> None:
    parsed = read(
        *(with_margins(1 + at, f"Contract 4711 page {at + 1} of 4", lines) for at, lines in enumerate(TEXTS))
    )
    assert parsed.text.count("Contract 4711") == 1
    assert parsed.text.startswith("Header: Contract 4711 page 1 of 4\n\n")


def test_first_rows_of_tables_that_differ_in_a_number_are_no_running_heads() -> None:
    parsed = read(
        *(with_margins(1 + at, f"Valve {40 * at} costs {40 * at}.50", lines) for at, lines in enumerate(TEXTS))
    )
    assert [f"Valve {40 * at} costs {40 * at}.50" in parsed.text for at in range(4)] == [True] * 4


def lines_of(*lines: str, above: float = 700.0) -> bytes:
    return placed(*((72.0, above - 13 * at, line) for at, line in enumerate(lines)))


def test_word_cut_by_a_hyphen_is_joined_on_its_first_line() -> None:
    parsed = read(lines_of("The regis-", "tration of every vessel and the main-", "tenance of moor-", "ings."))
    assert parsed.text == "The registration\nof every vessel and the maintenance\nof moorings."


def test_word_that_is_written_with_a_hyphen_keeps_it() -> None:
    parsed = read(
        lines_of("A state-of-the-", "art rule is well-", "known. An email-", "client and an e-mail. No email-client.")
    )
    assert parsed.text.split("\n")[:3] == ["A state-of-the-art", "rule is well-known.", "An email-client"]


def test_word_cut_at_the_end_of_a_page_or_column_is_joined_there() -> None:
    pages = read(lines_of("It speaks of an appli-"), lines_of("cation to be made."))
    assert pages.text == "It speaks of an application\n\nto be made."
    left = [
        (left, above, text if at < 7 else "The left column ends with infor-")
        for at, (left, above, text) in enumerate(LEFT)
    ]
    right = [
        (left, above, text if at else "mation that goes on in the right column")
        for at, (left, above, text) in enumerate(RIGHT)
    ]
    assert "ends with information\nthat goes on" in read(placed(*left, *right)).text


def test_hyphen_before_a_capital_or_a_number_stays() -> None:
    assert (
        read(lines_of("The Jean-", "Paul of page 12-", "13 and so on.")).text
        == "The Jean-\nPaul of page 12-\n13 and so on."
    )


def test_outline_heading_starts_at_the_line_with_its_title() -> None:
    parsed = pdf.read(
        with_outline([["An introduction.", "2 Herons", "They fish."]], outline=[("Herons", 1)]), "a.pdf"
    )
    assert [(parsed.text[section.start :][:8], section.path) for section in parsed.sections] == [
        ("2 Herons", ("Herons",))
    ]


def test_larger_and_bold_lines_are_headings_where_there_is_no_outline() -> None:
    body = [(72.0, 660.0 - 13 * at, f"A sentence about rivers that is number {at}.") for at in range(8)]
    more = [(72.0, 500.0 - 13 * at, f"A sentence about lakes that is number {at}.") for at in range(8)]
    content = placed((72, 720, "Report on water"), size=20) + placed((72, 690, "Rivers"), size=14) + placed(*body)
    content += placed((72, 530, "Lakes"), font="F2") + placed(*more)
    parsed = read(content)
    assert [section.path for section in parsed.sections] == [
        ("Report on water",), ("Report on water", "Rivers"), ("Report on water", "Rivers", "Lakes"),
    ]  # fmt: skip
    assert parsed.title == "Report on water"


def test_turned_page_is_read_like_another() -> None:
    upright = b"BT /F1 12 Tf 0 1 -1 0 100 100 Tm (Otters swim) Tj 0 -14 Td (in rivers.) Tj ET"
    parsed = pdf.read(drawn(upright, page=b"/Rotate 90"), "a.pdf")
    assert parsed.text == "Otters swim\nin rivers."


def test_turned_text_at_the_edge_is_kept_apart() -> None:
    stamp = b"BT /F1 12 Tf 0 1 -1 0 30 300 Tm (Received in May) Tj ET"
    parsed = read(lines_of("Otters swim", "in rivers.") + stamp)
    assert parsed.text == "Otters swim\nin rivers.\n\nReceived in May"
