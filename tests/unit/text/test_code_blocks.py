"""Blocks of source code: comments, docstrings, signatures and constants, wherever the passage starts and ends."""

from __future__ import annotations

import pytest
from hypothesis import given

from omni_pipelines.text.blocks import BlockKind
from omni_pipelines.text.code_blocks import code_blocks, plain_quote
from tests.unit.text.test_blocks import any_document, check_ranges


def found(text: str, kind: BlockKind) -> list[str]:
    """The texts of the blocks of one kind."""
    return [text[block.start : block.end] for block in code_blocks(text) if block.kind is kind]


@given(any_document)
def test_code_blocks_of_any_text_are_ordered_ranges_of_it(text: str) -> None:
    check_ranges(text, code_blocks(text))


@pytest.mark.parametrize(
    ("code", "signature"),
    [
        ("def wait(\n    seconds: int = 3,\n) -> None:\n    pass\n", "def wait(\n    seconds: int = 3,\n) -> None:"),
        ("class Heron(Bird):\n    legs = 2\n", "class Heron(Bird):"),
        ("async def wait() -> None:\n    pass\n", "async def wait() -> None:"),
        ("export function wait(seconds) {\n  return 1;\n}\n", "export function wait(seconds) {"),
        ("pub fn wait(seconds: u32) -> u32 {\n    1\n}\n", "pub fn wait(seconds: u32) -> u32 {"),
        ("func (h *Heron) Wait(seconds int) int {\n\treturn 1\n}\n", "func (h *Heron) Wait(seconds int) int {"),
        ("static int wait(int seconds) {\n    return 1;\n}\n", "static int wait(int seconds) {"),
        ("CREATE TABLE herons (\n  id int\n);\n", "CREATE TABLE herons (\n  id int\n);"),
    ],
)
def test_declaration_is_a_signature_up_to_its_last_bracket(code: str, signature: str) -> None:
    assert signature in found(code, BlockKind.SIGNATURE)


@pytest.mark.parametrize("line", ["MAX_HERONS = 3", "HERONS: int = 3", "    timeout: float = 3.0"])
def test_constant_or_field_is_a_signature(line: str) -> None:
    assert found(f"{line}\n", BlockKind.SIGNATURE) == [line.strip()]


@pytest.mark.parametrize(
    "code",
    [
        "# Herons wait for fish.\nwait()\n",
        "// Herons wait for fish.\nwait();\n",
        "-- Herons wait for fish.\nSELECT 1;\n",
        "/* Herons wait for fish. */\nwait();\n",
        'def wait():\n    """Herons wait for fish."""\n    return 1\n',
        'fish.\n"""\n\nimport os\n',
    ],
)
def test_comments_and_docstrings_are_prose(code: str) -> None:
    assert any("fish." in part for part in found(code, BlockKind.PARAGRAPH))


@pytest.mark.parametrize("start", ["def wait():\n    ", ""])
def test_summary_of_a_docstring_on_two_lines_is_one_paragraph(start: str) -> None:
    text = f'{start}"""Herons wait\n    for fish.\n\n    They fly.\n    """\n    return 1\n'
    assert found(text, BlockKind.TERM) == []
    assert found(text, BlockKind.PARAGRAPH)[0] == '"""Herons wait\n    for fish.'


def test_comment_ends_at_an_empty_line_and_at_an_item() -> None:
    text = "# Herons wait\n# for fish.\n#\n# Otters:\n# - sleep\n# - swim\n"
    assert found(text, BlockKind.PARAGRAPH) == [
        "# Herons wait\n# for fish.",
        "# Otters:",
        "# - sleep",
        "# - swim",
    ]


def test_statements_are_code() -> None:
    text = "def wait():\n    wait_for(fish)\n    return 1\n"
    assert found(text, BlockKind.CODE) == ["wait_for(fish)\n    return 1"]


def test_rules_of_comments_are_no_blocks() -> None:
    assert code_blocks("# -----\n#######\n") == []


@pytest.mark.parametrize(
    ("quote", "plain"),
    [
        ("# Herons wait\n    # for fish.", "# Herons wait for fish."),
        ("Herons wait\n * for fish.", "Herons wait for fish."),
        ("Herons wait\n    for fish.", "Herons wait for fish."),
        ("", ""),
    ],
)
def test_plain_quote_is_one_line_without_comment_signs_of_further_lines(quote: str, plain: str) -> None:
    assert plain_quote(quote) == plain
