"""Blocks of source code: comments, docstrings, signatures and constants, wherever the passage starts and ends."""

from __future__ import annotations

import pytest
from hypothesis import given

from omni_pipelines.text.blocks import BlockKind
from omni_pipelines.text.code_blocks import code_blocks, plain_lines, plain_quote
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


@pytest.mark.parametrize(
    "signs", [("/*", "*/"), ("{-", "-}"), ("<#", "#>"), ("--[[", "]]"), ("=begin", "=end"), ("<!--", "-->")]
)
def test_lines_between_the_signs_of_a_comment_are_prose(signs: tuple[str, str]) -> None:
    text = f"{signs[0]}\nHerons wait;\nthey fish(at, noon);\n{signs[1]}\nwait();\n"
    assert found(text, BlockKind.PARAGRAPH) == ["Herons wait;\nthey fish(at, noon);"]
    assert found(text, BlockKind.CODE) == ["wait();"]


def test_text_that_begins_inside_a_comment_is_prose_up_to_its_end() -> None:
    assert found("they fish(at, noon);\n*/\nwait();\n", BlockKind.PARAGRAPH) == ["they fish(at, noon);"]


def test_pattern_of_file_names_closes_no_comment() -> None:
    text = 'wait("src/*.c")\nfiles = [\n    "**/*.py",\n    "*/",\n]\n'
    assert found(text, BlockKind.PARAGRAPH) == []


@pytest.mark.parametrize(
    ("code", "signature"),
    [
        ("int wait(struct heron *heron, int seconds);\n", "int wait(struct heron *heron, int seconds);"),
        ("static int wait(int seconds)\n{\n\treturn 1;\n}\n", "static int wait(int seconds)"),
        ("int wait(int seconds,\n         int minutes)\n{\n", "int wait(int seconds,\n         int minutes)"),
    ],
)
def test_function_of_c_is_a_signature_also_without_a_body_on_its_line(code: str, signature: str) -> None:
    assert found(code, BlockKind.SIGNATURE) == [signature]


@pytest.mark.parametrize(
    "line",
    [
        "return wait(1);",
        "delete heron(1);",
        "insert into herons (id) values (1);",
        "else wait(1);",
        "if (wait(1))\n{",
    ],
)
def test_statement_with_a_call_is_no_signature(line: str) -> None:
    assert found(f"{line}\n", BlockKind.SIGNATURE) == []


@pytest.mark.parametrize(
    ("comment", "shown"),
    [
        ("<p>Herons {@code wait} for {@link Fish#big}.</p>", "Herons wait for Fish#big."),
        ("<summary>Herons <b>never</b> fly.</summary>", "Herons never fly."),
        ('See <see cref="T:Fish"/> for <c>null</c>.', "See Fish for null."),
        ('<param name="hour">When it waits.</param>', "@param hour When it waits."),
        ("\\brief Herons wait.", "Herons wait."),
        ("@param hour When it waits.", "@param hour When it waits."),
        ("Puts the text in a <p> and a `<b>x</b>`.", "Puts the text in a <p> and a `<b>x</b>`."),
        ("A List<String> of herons.", "A List<String> of herons."),
    ],
)
def test_markup_of_comments_is_not_shown(comment: str, shown: str) -> None:
    assert plain_quote(comment) == shown
    assert plain_lines(["Herons.", f" * {comment}"]) == ["Herons.", shown]


def test_line_of_markup_alone_is_not_shown() -> None:
    assert plain_lines(["Herons.", " *", " * <ul>", " * <li>They wait.</li>", " * </ul>"]) == [
        "Herons.",
        "",
        "- They wait.",
    ]
    assert plain_lines(["<p>herons</p>"]) == ["<p>herons</p>"]


def test_value_of_a_constant_is_whole_with_the_comments_in_it() -> None:
    fees = 'FEES = {\n    # for a night\n    "boat": 3,\n\n    "ship": {"large": 9},\n}'
    assert found(f"{fees}\nx = 1\n", BlockKind.SIGNATURE) == [fees]
    options = "const OPTIONS = {\n  fee: 3,\n};"
    assert found(f"{options}\n", BlockKind.SIGNATURE) == [options]


@pytest.mark.parametrize("attribute", ["self.fee = fee", "fee: int", "fee = 3", "fee: str = 'a night'"])
def test_attribute_above_its_docstring_is_a_signature(attribute: str) -> None:
    code = f'def init(fee):\n    boat = fee\n    {attribute}\n    """What a night costs."""\n'
    assert found(code, BlockKind.SIGNATURE) == ["def init(fee):", attribute]
    assert attribute not in found(code.replace('"""', "# "), BlockKind.SIGNATURE) or attribute.startswith("fee: str")


@pytest.mark.parametrize("comment", ["{# Herons wait. #}", "<!-- Herons wait. -->", "{#\nHerons wait.\n#}"])
def test_comment_of_a_template_is_prose(comment: str) -> None:
    assert any("Herons wait." in text for text in found(f"{comment}\nselect 1;\n", BlockKind.PARAGRAPH))


def test_each_option_in_a_comment_is_a_block() -> None:
    options = ["-s SHARE   share of the boats", "-d, --day DATE  the day", "--keep-fees   keep them"]
    comment = "".join(f"#   {option}\n" for option in options)
    assert found(f"# Moors boats.\n{comment}set -eu\n", BlockKind.PARAGRAPH)[1:] == [f"#   {o}" for o in options]
