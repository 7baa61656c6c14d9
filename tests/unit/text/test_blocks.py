"""Blocks: prose, lists, code, tables and headings are told apart, wherever the text starts and ends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni_pipelines.text.blocks import Block, BlockKind, blocks

PROSE = "The heron waits."
CODE = "The code waits."
DOCUMENT_PIECES = (
    "The heron waits.",
    "Use these:",
    "- an item",
    "1. a step",
    "(a) a letter",
    "```",
    "```python",
    "~~~",
    "    indented = 1",
    "\tafter a tab",
    "# Heading",
    "Title",
    "=====",
    "---",
    "| a | b |",
    "|---|---|",
    "1 | 2",
    ":param name: it",
    "name (int): it",
    ">>> call()",
    "$ omni run",
    ".. note:: be careful",
    ".. image:: x.png",
    ".. option:: -j",
    ".. code-block:: sh",
    ".. a comment",
    "term::",
    "; term : it",
    "<!-- a comment",
    "-->",
    "[name]: https://x.example",
    "+",
    "call(a, b) -> int",
    "東大寺。",
    "\u3000全角",
    "\x0c",
    "\x85",
    "",
    " ",
    '"""',
    "# a comment",
    "def call(",
    "):",
    "NAME = 1",
    "/* c */",
    "//",
)
"""Lines that mean something to a rule, alone or next to another."""
any_document = st.one_of(
    st.text(),
    st.builds(
        lambda pieces, end: end.join(pieces),
        st.lists(st.sampled_from(DOCUMENT_PIECES)),
        st.sampled_from(("\n", "\r\n", "\r", "\n\n", "\n  ")),
    ),
)


def found(text: str) -> list[tuple[BlockKind, str]]:
    """The kind and the text of each block."""
    return [(block.kind, text[block.start : block.end]) for block in blocks(text)]


def check_ranges(text: str, parts: list[Block]) -> None:
    """Blocks lie in the text, in order, apart from each other, from a character that is not blank to another."""
    previous = 0
    for part in parts:
        assert previous <= part.start < part.end <= len(text)
        assert not text[part.start].isspace()
        assert not text[part.end - 1].isspace()
        previous = part.end


@given(any_document)
def test_blocks_of_any_text_are_ordered_ranges_of_it(text: str) -> None:
    check_ranges(text, blocks(text))


@given(any_document, st.data())
def test_blocks_of_a_part_stay_in_that_part(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    parts = blocks(text, start, end)
    check_ranges(text, parts)
    assert all(start <= part.start and part.end <= end for part in parts)


@given(st.lists(st.from_regex(r"[A-Z][a-z]{1,9}( [a-z]{1,9}){0,8}\.", fullmatch=True), max_size=8))
def test_paragraphs_lose_no_word(paragraphs: list[str]) -> None:
    assert found("\n\n".join(paragraphs)) == [(BlockKind.PARAGRAPH, paragraph) for paragraph in paragraphs]


@pytest.mark.parametrize(
    "text",
    [
        "P\n\n```\nC\n```\n\nP",
        "P\n\n```python\nC\n```\n\nP",
        "P\n\n```python\nC\n\nC\n```\nP\n~~~\nC\n~~~\n",
        "P\r\n```python\r\nC\r\n```\r\nP",
        "P\n- P\n\n  ```{code} python\n  C\n  ```\nP",
        "P\n```python\nC",
        "C\n```\nP",
        "C\n```\nP\n```python\nC\n```\nP",
        "C\n```\nP\n```python\nC",
        "P ```inline``` it.\n\nP",
        "P\n````\n```\nC\n```\nC\n````\nP",
        "P\n~~~\n```\nC\n~~~\nP",
        "C\n\nC\n~~~~\nP",
        "P\n\n~~~~\nC\n~~~~\nP",
    ],
)
def test_text_between_fences_is_code_and_the_text_around_it_is_not(text: str) -> None:
    blocks_found = found(text.replace("P", PROSE).replace("C", CODE))
    code = "\n".join(part for kind, part in blocks_found if kind is BlockKind.CODE)
    prose = "\n".join(part for kind, part in blocks_found if kind is not BlockKind.CODE)
    assert (code.count(CODE), code.count(PROSE)) == (text.count("C"), 0)
    assert (prose.count(PROSE), prose.count(CODE)) == (text.count("P"), 0)


def test_text_above_a_heading_underlined_with_tildes_is_no_code() -> None:
    text = f"``page_size``\n~~~~~~~~~~~~~\n\n{PROSE}\n\nLimits\n~~~~~~\n\n{PROSE}\n"
    heading, prose = BlockKind.HEADING, BlockKind.PARAGRAPH
    assert [kind for kind, _ in found(text)] == [heading, prose, heading, prose]
    assert [kind for kind, _ in found(f"{PROSE}\n\nLimits\n~~~~~~\n\n{PROSE}")] == [prose, heading, prose]


def test_items_of_a_list_are_blocks_with_their_further_lines() -> None:
    text = "Steps:\n\n1. Open the lid,\n   slowly.\n2. Pour.\n* Stir.\n"
    assert found(text) == [
        (BlockKind.PARAGRAPH, "Steps:"),
        (BlockKind.ITEM, "1. Open the lid,\n   slowly."),
        (BlockKind.ITEM, "2. Pour."),
        (BlockKind.ITEM, "* Stir."),
    ]


def test_first_row_above_a_rule_is_the_header_of_a_table() -> None:
    text = "Prices:\n\n| Part | Price |\n|---|---|\n| bolt | 3 |\n| nut | 2 |\n\nThe end comes here."
    rows = [block for block in blocks(text) if block.kind is BlockKind.ROW]
    assert [text[row.start : row.end] for row in rows] == ["| Part | Price |", "| bolt | 3 |", "| nut | 2 |"]
    assert [row.is_header for row in rows] == [True, False, False]


def test_rows_without_a_header_are_rows() -> None:
    rows = blocks("bolt | 3\nnut | 2\n")
    assert [(row.kind, row.is_header) for row in rows] == [(BlockKind.ROW, False)] * 2


@pytest.mark.parametrize("text", ["# Otters", "Otters\n======", "Otters\n------"])
def test_heading_is_a_block_without_its_underline(text: str) -> None:
    (heading, paragraph) = found(f"{text}\n\nThey sleep.")
    assert heading == (BlockKind.HEADING, text.partition("\n")[0])
    assert paragraph == (BlockKind.PARAGRAPH, "They sleep.")


def test_fields_of_a_docstring_are_blocks() -> None:
    text = "Embed texts.\n\nArgs:\n    texts (list): What to embed,\n        in order.\n    size: How many.\n"
    assert [part for kind, part in found(text) if kind is BlockKind.FIELD or kind is BlockKind.TERM]
    assert "in order." in dict((part[:5], part) for _, part in found(text))["texts"]


def test_line_with_an_indented_description_is_a_term() -> None:
    assert found("timeout\n    Seconds until it gives up.\n")[0] == (
        BlockKind.TERM,
        "timeout\n    Seconds until it gives up.",
    )


@pytest.mark.parametrize("call", ["embed(texts, size=3) -> array", "file_size ( name text [, fork text ] ) → bigint"])
def test_call_on_a_line_of_its_own_is_a_signature(call: str) -> None:
    assert found(f"{call}\n\nEmbeds texts.") == [(BlockKind.SIGNATURE, call), (BlockKind.PARAGRAPH, "Embeds texts.")]


def test_words_before_a_bracket_are_no_signature() -> None:
    assert found("Restart (graceful)\n\nEmbeds texts.")[0][0] is BlockKind.PARAGRAPH


@pytest.mark.parametrize("code", [">>> embed(texts)\n[1, 2]", "$ omni run\ndone", "    x = 1\n\n    y = 2"])
def test_sessions_and_indented_lines_after_a_lead_are_code(code: str) -> None:
    assert (BlockKind.CODE, code.strip()) in found(f"Do it like this:\n\n{code}\n\nThat is all.")


def test_admonition_is_text_and_another_directive_is_nothing() -> None:
    text = "It runs.\n\n.. note:: It may stop.\n\n.. image:: heron.png\n\nIt ends."
    assert [part for _, part in found(text)] == ["It runs.", ".. note:: It may stop.", "It ends."]


@pytest.mark.parametrize("text", ["", "\n\n", "---\n***\n", "```\n```\n", "<!-- hidden -->"])
def test_blank_lines_and_rules_are_no_blocks(text: str) -> None:
    assert blocks(text) == []


@pytest.mark.parametrize(
    "time",
    [
        "2024-07-01 06:14:37,123",
        "[2024-07-01T06:14:37Z]",
        "2024-07-01 06:14:37.5 +0200",
        "Jul  1 06:14:37",
        "[06:14]",
    ],
)
def test_line_that_begins_with_a_time_is_an_item_of_its_own(time: str) -> None:
    text = f"{time} heron: waits\n{time} heron: flies\n  from the pond\n"
    assert [text[block.start : block.end] for block in blocks(text) if block.kind is BlockKind.ITEM] == [
        f"{time} heron: waits",
        f"{time} heron: flies\n  from the pond",
    ]
