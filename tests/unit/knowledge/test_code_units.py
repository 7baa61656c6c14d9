"""Units of source code: a declaration is quoted with the comment above it, which describes it."""

from __future__ import annotations

import pytest

from omni_pipelines.knowledge.answers.composing import UnitKind
from omni_pipelines.knowledge.answers.units import answer_units
from tests.unit.knowledge.answering import hit

COMMENTED = {
    "Java": "/**\n * Whether to moor.\n *\n * @return true at night\n */\n@Safe\npublic boolean moors(int hour) {\n",
    "TypeScript": "/**\n * Whether to moor.\n * @return true at night\n */\nmoors(hour: number): boolean {\n",
    "Go": "// Whether to moor.\n// @return true at night\nfunc (b *Boat) moors(hour int) bool {\n",
    "Rust": "/// Whether to moor.\n///\n/// @return true at night\n#[inline]\npub fn moors(hour: u8) -> bool {\n",
    "constant": "/** Whether to moor, @return true at night */\npublic static final int MOORS = 3;\n",
}


@pytest.mark.parametrize("code", COMMENTED.values(), ids=COMMENTED)
def test_comment_above_a_declaration_describes_it_without_its_signs(code: str) -> None:
    before = "int x = 1;\n\n/* About another thing. */\n\n"
    [unit] = [unit for unit in answer_units(hit(before + code, kind="code")) if unit.kind is UnitKind.SIGNATURE]
    declaration, *described = unit.text.splitlines()
    assert "moors" in declaration.casefold()
    assert "Whether to moor" in described[0]
    assert "@return true at night" in described[-1]
    assert not {"*", "/"} & set("".join(described))


def test_comment_below_a_declaration_is_about_what_follows_it() -> None:
    code = "public class Boat {\n    /** The longest boat of all. */\n    static final int MAX_LENGTH = 3;\n"
    texts = [unit.text for unit in answer_units(hit(code, kind="code")) if unit.kind is UnitKind.SIGNATURE]
    assert not [unit for unit in answer_units(hit(code, kind="code")) if unit.kind is UnitKind.SECTION]
    assert texts[0] == "public class Boat {"
    assert texts[1].endswith("The longest boat of all.")
