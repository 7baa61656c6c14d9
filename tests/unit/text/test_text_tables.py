"""Tables that a text shows with its characters, and the column names in each of their chunks."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise

import pytest

from omni_pipelines.text.chunking import Chunker
from omni_pipelines.text.packing import Budget
from omni_pipelines.text.readers import plain
from omni_pipelines.text.readers.extraction import Extraction
from omni_pipelines.text.text_tables import text_tables

ROWS = [("Valve 1", "Ohm Ltd", "13"), ("Valve 2", "Ampere Ltd", "14"), ("Pump", "Volta", "15")]
TABLES = {
    "Markdown": "| Part | Sold by | Months |\n|---|:-:|--:|\n" + "".join(f"| {' | '.join(row)} |\n" for row in ROWS),
    "bare pipes": "Part | Sold by | Months\n" + "".join(f"{' | '.join(row)}\n" for row in ROWS),
    "Org": "|---+---+---|\n| Part | Sold by | Months |\n|---+---+---|\n"
    + "".join(f"| {' | '.join(row)} |\n" for row in ROWS),
    "psql": " Part | Sold by | Months\n------+---------+-------\n" + "".join(f" {' | '.join(row)}\n" for row in ROWS),
    "mysql": "+----+----+----+\n| Part | Sold by | Months |\n+----+----+----+\n"
    + "".join(f"| {' | '.join(row)} |\n" for row in ROWS)
    + "+----+----+----+\n",
    "grid": "+----+----+----+\n| Part | Sold | Months |\n|      | by   |        |\n+====+====+====+\n"
    + "".join(f"| {' | '.join(row)} |\n+----+----+----+\n" for row in ROWS),
    "grid without a rule": "+----+----+----+\n| Part | Sold by | Months |\n+----+----+----+\n"
    + "".join(f"| {' | '.join(row)} |\n+----+----+----+\n" for row in ROWS),
    "simple": "======= ========== ======\nPart    Sold       Months\n        by\n======= ========== ======\n"
    + "".join(f"{a:7} {b:10} {c}\n" for a, b, c in ROWS)
    + "======= ========== ======\n",
    "console": "Part     Sold by    Months\n-------- ---------- ------\n"
    + "".join(f"{a:8} {b:10} {c}\n" for a, b, c in ROWS),
    "list table": ".. list-table:: Parts\n   :header-rows: 1\n\n   * - Part\n     - Sold\n       by\n     - Months\n"
    + "".join(f"   * - {a}\n     - {b}\n     - {c}\n" for a, b, c in ROWS),
    "csv table": '.. csv-table::\n   :header: "Part", "Sold by", Months\n\n'
    + "".join(f'   "{a}", {b}, {c}\n' for a, b, c in ROWS),
    "csv table with a header row": ".. csv-table::\n   :header-rows: 1\n\n   Part,Sold by,Months\n"
    + "".join(f"   {','.join(row)}\n" for row in ROWS),
    "HTML": "<table class='x'>\n<thead>\n<tr>\n"
    "<th>Part</th>\n<th>Sold <b>by</b></th>\n<th>Months</th>\n</tr>\n</thead>\n"
    + "".join(f"<tr>\n<td>{a}</td>\n<td>{b}</td>\n<td>{c}</td>\n</tr>\n" for a, b, c in ROWS)
    + "</table>\n",
    "HTML without end tags and marks": "<TABLE>\n<TR><TD>Part<TD>Sold by<TD>Months\n"
    + "".join(f"<TR><TD>{a}<TD>{b}<TD>{c}\n" for a, b, c in ROWS)
    + "</TABLE>\n",
    "HTML on one line": "<table><tr><th>Part<th>Sold by<th>Months</tr>"
    + "".join(f"<tr><td>{a}<td>{b}<td>{c}</tr>" for a, b, c in ROWS)
    + "</table>\n",
    "fence of CSV": "```csv\nPart,Sold by,Months\n" + "".join(f'"{a}",{b},{c}\n' for a, b, c in ROWS) + "```\n",
    "fence of semicolons": "~~~ csv\nPart;Sold by;Months\n" + "".join(f"{a};{b};{c}\n" for a, b, c in ROWS) + "~~~\n",
    "fence of TSV": "````{.tsv}\nPart\tSold by\tMonths\n"
    + "".join(f"{a}\t{b}\t{c}\n" for a, b, c in ROWS)
    + "````\n",
    "AsciiDoc": "|===\n|Part |Sold by |Months\n\n" + "".join(f"|{' |'.join(row)}\n" for row in ROWS) + "|===\n",
    "AsciiDoc with an attribute": '[%header,cols="2,2,1"]\n|===\n|Part |Sold by |Months\n'
    + "".join(f"|{' |'.join(row)}\n" for row in ROWS)
    + "|===\n",
    "MediaWiki": '{| class="wikitable"\n|-\n! Part !! scope="col" | Sold by !! Months\n'
    + "".join(f"|-\n| {' || '.join(row)}\n" for row in ROWS)
    + "|}\n",
    "columns": "Part     Sold by     Months\n" + "".join(f"{a:8} {b:11} {c}\n" for a, b, c in ROWS),
    "tabs": "Part\tSold by\tMonths\n" + "".join("\t".join(row) + "\n" for row in ROWS),
}


@pytest.mark.parametrize("form", TABLES)
def test_table_of_any_form_has_its_column_names_as_header(form: str) -> None:
    text = f"Some words about it.\n\n{TABLES[form]}\nMore words.\n"
    (table,) = text_tables(text)
    assert table.header == "Part | Sold by | Months"
    assert table.start <= text.index("Valve 1") < text.index("Pump") < table.end <= text.index("More words")


@pytest.mark.parametrize(
    "text",
    [
        "Some words.\nMore words.\n",
        "one | two",
        "1 | 2\n3 | 4\n5 | 6\n",
        "  a  b\n  c  d\n  e  f\n",
        "=====\nTitle\n=====\n\ntext\n",
        "+ added\n+ more\n",
        "|===\n|a\n",
        "In 2023 there were 5 7\nIn 2024 there were 6 8\n",
        "127.0.0.1 GET 200 15\n127.0.0.1 GET 200 16\n127.0.0.1 GET 404 17\n",
    ],
)
def test_text_without_a_header_row_has_no_table(text: str) -> None:
    assert text_tables(text) == []


def test_lines_of_figures_have_the_line_above_as_header_also_after_a_page() -> None:
    rows = [f"Valve {n} Firm{n} Ltd {n} {n}.50" for n in range(10, 30)]
    text = "\n".join(["Part Firm Months Price", *rows[:10]]) + "\n\nPage 2\n\n" + "\n".join(rows[10:])
    tables = text_tables(text)
    assert [table.header for table in tables] == ["Part Firm Months Price"] * 2
    assert text[tables[1].start :].startswith("Valve 20")


@pytest.mark.parametrize("form", TABLES)
def test_every_chunk_of_a_long_table_has_the_column_names(form: str) -> None:
    line = next(line for line in TABLES[form].splitlines(keepends=True) if "Valve 2" in line)
    text = TABLES[form].replace(line, line * 40)
    parsed = plain.read(text.encode(), "a.txt")
    spans = Chunker(Budget(60, 8)).cut(parsed, lambda part: len(part.split()))
    assert len(spans) > 1
    assert {span.context for span in spans[1:]} == {"Part | Sold by | Months"}
    assert not any(first.end > second.start for first, second in pairwise(spans))


# --- rows that a reader adds


def test_rows_with_titles_above_and_two_header_rows_have_all_names() -> None:
    extraction = Extraction()
    rows = [
        ["Sales of the year"],
        ["", "North", "North", "South", ""],
        ["Product", "2023", "2024", "2023", "2024"],
        *([f"item {n}", str(n), str(n + 1), str(n + 2), str(n + 3)] for n in range(5)),
    ]
    for row in rows:
        extraction.row(row)
    (table,) = extraction.parsed("a").tables
    assert table.header == "Product | North 2023 | North 2024 | South 2023 | South 2024"


def test_row_that_the_file_marks_is_the_header_whatever_it_contains() -> None:
    extraction = Extraction()
    extraction.row(["1", "2"], first=True, header=True)
    extraction.row(["3", "4"])
    parsed = extraction.parsed("a")
    assert [(table.header, parsed.text[table.start : table.end].strip()) for table in parsed.tables] == [
        ("1 | 2", "3 | 4")
    ]


def test_rows_after_a_gap_keep_the_header_unless_they_have_their_own() -> None:
    extraction = Extraction()
    parts = [[["name", "kg"], ["otter", "7"]], [["heron", "2"], ["crane", "4"]], [["place", "km"], ["Ulm", "9"]]]
    for part in parts:
        for number, row in enumerate(part):
            extraction.row(row, first=not number, continues=not number)
    assert [table.header for table in extraction.parsed("a").tables] == ["name | kg", "name | kg", "place | km"]


def test_tables_apart_do_not_share_a_header() -> None:
    extraction = Extraction()
    for row in (["name", "kg"], ["otter", "7"]):
        extraction.row(row)
    extraction.block("Other words.")
    for row in (["heron", "2"], ["crane", "4"]):
        extraction.row(row)
    assert [table.header for table in extraction.parsed("a").tables] == ["name | kg"]


@pytest.mark.parametrize("unit", ["\n", "\r\n", " \n", "\t\r"])
def test_millions_of_blank_lines_need_no_memory(unit: str) -> None:
    text = "a  1  2\n" * 3 + unit * (100_000 // len(unit)) + "| a | b |\n|---|---|\n| 1 | 2 |\n"
    tracemalloc.start()
    found = text_tables(text)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100_000
    assert text[found[-1].start : found[-1].end].endswith("| 1 | 2 |\n")


def test_a_table_may_start_below_lines_with_as_many_cells_that_are_no_table() -> None:
    above = "".join(f"see  the note {letter}  and the next\n" for letter in "abcdefghijklmn")
    text = above + TABLES["columns"]
    assert [table.end for table in text_tables(text)] == [len(text)]


@pytest.mark.parametrize("row", ["<tr></tr>", "<tr", "<tr><!-- none -->"])
def test_row_of_html_without_cells_is_no_error(row: str) -> None:
    (table,) = text_tables(f"<table>\n<tr><th>Part<th>Months</tr>\n<tr><td>Pump<td>15</tr>\n{row}\n</table>\n")
    assert table.header == "Part | Months"
