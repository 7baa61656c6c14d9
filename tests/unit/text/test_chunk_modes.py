"""The chunk modes: AUTO cuts by the kind of document, TEXT as plain text, AST by symbols."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni_pipelines.settings import ChunkMode
from omni_pipelines.text.chunk_context import EnclosingSections
from omni_pipelines.text.chunking import Chunker
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.packing import Budget, Span
from omni_pipelines.text.readers import plain
from omni_pipelines.text.readers.markup import markdown
from omni_pipelines.text.readers.records import delimited
from omni_pipelines.text.readers.source_code import code, python
from omni_pipelines.text.token_counting import CountTokens
from tests.unit.text.test_chunking import BUDGETS, DOCUMENTS, byte_count, check_spans, word_count

SOURCE = b'''"""Shapes."""

import math


class Circle:
    """Round."""

    def area(self) -> float:
        return math.pi


@decorated
def long_one(first: int,
             second: str = "x") -> str:
    """Says much."""
''' + b"".join(b"    step_%d = first + %d\n" % (number, number) for number in range(30))

GO = b"""package main

// Adds.
func Add(a int, b int) int {
\treturn a + b
}

type Box struct {
\tside int
}
"""
TABLE = "# Prices\n\nIn euros.\n\n| fruit | price |\n|---|---|\n" + "".join(
    f"| fruit {n} | {n} |\n" for n in range(12)
)


def _cut(parsed: Parsed, mode: ChunkMode, kind: str, tokens: int = 24, overlap: int = 4) -> list[Span]:
    return Chunker(Budget(tokens, overlap), mode).cut(parsed, word_count, kind)


def _texts(parsed: Parsed, spans: list[Span]) -> list[str]:
    return [parsed.text[span.start : span.end] for span in spans]


# --- code


def test_auto_joins_small_symbols_and_ast_gives_each_a_chunk() -> None:
    parsed = python.read(SOURCE, "shapes.py")
    auto, ast = (_cut(parsed, mode, "code", 200) for mode in (ChunkMode.AUTO, ChunkMode.AST))
    assert [span.heading for span in ast] == [(), ("Circle",), ("Circle", "area"), ("long_one",)]
    assert len(auto) < len(ast)


def test_chunk_that_begins_inside_a_class_ends_with_it() -> None:
    methods = "".join(f"    def quay_{n}(self):\n        return {n}\n\n" for n in range(4))
    parsed = python.read(f"class Harbour:\n{methods}class Boat:\n{methods}X = 1\n".encode(), "harbour.py")
    chunks = _texts(parsed, _cut(parsed, ChunkMode.AUTO, "code", 24))
    assert [chunk for chunk in chunks if "class Boat" in chunk] == [
        chunk for chunk in chunks if chunk[:5] == "class"
    ][1:]
    assert chunks[-1].strip() == "X = 1"


def test_chunk_below_a_signature_has_it_as_context() -> None:
    parsed = python.read(SOURCE, "shapes.py")
    first, *rest = [span for span in _cut(parsed, ChunkMode.AUTO, "code") if span.heading == ("long_one",)]
    assert first.context == ""
    assert {span.context for span in rest} == {'def long_one(first: int, second: str = "x") -> str'}


def test_chunk_at_the_start_of_its_symbol_has_no_context() -> None:
    parsed = python.read(SOURCE, "shapes.py")
    spans = _cut(parsed, ChunkMode.AST, "code")
    contexts = {text.split()[0]: span.context for span, text in zip(spans, _texts(parsed, spans), strict=True)}
    assert (contexts["class"], contexts["@decorated"]) == ("", "")


def test_ast_joins_a_closing_bracket_with_the_symbol_before_it() -> None:
    parsed = code.read(GO, "main.go")
    chunks = _texts(parsed, _cut(parsed, ChunkMode.AST, "code"))
    assert [text.split("\n")[0] for text in chunks] == ["package main", "// Adds.", "type Box struct {"]
    assert all(text.endswith("}") for text in chunks[1:])


def test_text_mode_ignores_sections() -> None:
    for parsed, kind in ((python.read(SOURCE, "a.py"), "code"), (markdown.read(TABLE.encode(), "a.md"), "prose")):
        spans = _cut(parsed, ChunkMode.TEXT, kind)
        as_plain = plain.read(parsed.text.encode(), "a.txt")
        assert [(span.start, span.end) for span in spans] == [
            (span.start, span.end) for span in _cut(as_plain, ChunkMode.AUTO, "prose")
        ]
        assert {span.heading for span in spans} == {()}


@pytest.mark.parametrize(
    ("parsed", "kind"),
    [
        (markdown.read(TABLE.encode(), "a.md"), "prose"),
        (python.read(b"def broken(:\n    pass\n" * 20, "a.py"), "code"),
        (plain.read(b"Some words. " * 50, "a.txt"), "prose"),
    ],
)
def test_ast_without_symbols_cuts_as_auto(parsed: Parsed, kind: str) -> None:
    assert _cut(parsed, ChunkMode.AST, kind) == _cut(parsed, ChunkMode.AUTO, kind)


# --- tables


def test_table_rows_below_the_header_have_it_as_context_and_stay_whole() -> None:
    parsed = markdown.read(TABLE.encode(), "a.md")
    spans = _cut(parsed, ChunkMode.AUTO, "prose")
    assert len(spans) > 2
    assert {span.context for span in spans if "fruit | price" not in _texts(parsed, [span])[0]} == {"fruit | price"}
    rows = [line for text in _texts(parsed, spans) for line in text.splitlines() if line.startswith("| fruit ")]
    assert rows == [line for line in TABLE.splitlines() if line.startswith("| fruit ")]


def test_table_from_a_sheet_gives_its_header_as_context() -> None:
    sheet = plain.read(("name | born\n" + "".join(f"Ada {n} | 18{n}\n" for n in range(10, 40))).encode(), "x")
    first, *rest = _cut(sheet, ChunkMode.AUTO, "data")
    assert first.context == ""
    assert {span.context for span in rest} == {"name | born"}


def test_csv_row_with_line_ends_in_a_quoted_cell_stays_whole() -> None:
    row = '{n},"one\n\ntwo ""three""\nfour"\n'
    raw = "id,says\n" + "".join(row.format(n=n) for n in range(30))
    parsed = delimited.read(raw.encode(), "a.csv")
    chunks = _texts(parsed, _cut(parsed, ChunkMode.AUTO, "data", 20))
    assert all(text.count('"') % 2 == 0 for text in chunks)
    assert "\n".join(chunks) + "\n" == raw


def test_csv_with_unclosed_quotes_loses_no_character() -> None:
    parsed = delimited.read(b'a,b\n"open,1\n' + b"x,2\n" * 90, "a.csv")
    check_spans(parsed, Budget(16, 0), word_count, ChunkMode.AUTO, "data")


# --- all modes


@given(
    text=DOCUMENTS,
    budget=BUDGETS,
    mode=st.sampled_from(ChunkMode),
    kind=st.sampled_from(["prose", "markup", "data", "code"]),
    count=st.sampled_from([word_count, byte_count]),
)
def test_every_mode_keeps_every_character(
    text: str, budget: Budget, mode: ChunkMode, kind: str, count: CountTokens
) -> None:
    check_spans(markdown.read(text.encode(), "page.md"), budget, count, mode, kind)


@given(blocks=st.permutations([SOURCE.decode(), GO.decode(), TABLE, "plain words. " * 30]), budget=BUDGETS)
def test_ast_keeps_every_character_of_any_code(blocks: list[str], budget: Budget) -> None:
    raw = "\n".join(blocks).encode()
    for parsed in (python.read(raw, "a.py"), code.read(raw, "a.go")):
        check_spans(parsed, budget, word_count, ChunkMode.AST, "code")


@given(text=DOCUMENTS, budget=BUDGETS)
def test_chunk_stays_within_its_section(text: str, budget: Budget) -> None:
    parsed = markdown.read(text.encode(), "page.md")
    around = EnclosingSections(parsed)
    for span in Chunker(budget).cut(parsed, word_count):
        start, end = around.range(span.start, span.heading)
        assert start <= span.start < span.end <= end
        inside = [section for section in parsed.sections if start <= section.start < end]
        assert all(section.path[: len(span.heading)] == span.heading for section in inside)


def test_enclosing_sections_give_the_same_in_any_order_of_questions() -> None:
    parsed = markdown.read(b"# A\n\na\n\n## B\n\nb\n\n## C\n\nc\n\n# D\n\nd\n", "x.md")
    paths: list[tuple[str, ...]] = [(), ("A",), ("D",)]
    questions = list(itertools.product(range(0, len(parsed.text), 3), paths))
    reused = EnclosingSections(parsed)
    assert [reused.range(*question) for question in questions] == [
        EnclosingSections(parsed).range(*question) for question in questions
    ]
