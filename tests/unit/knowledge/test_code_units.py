"""Units of source code: a declaration is quoted with the comment above it, which describes it."""

from __future__ import annotations

import pytest

from omni_pipelines.knowledge.answers.composing import UnitKind
from omni_pipelines.knowledge.answers.units import answer_units, headings_of
from tests.unit.knowledge.answering import hit

COMMENTED = {
    "Java": "/**\n * Whether to moor.\n *\n * @return true at night\n */\n@Safe\npublic boolean moors(int hour) {\n",
    "TypeScript": "/**\n * Whether to moor.\n * @return true at night\n */\nmoors(hour: number): boolean {\n",
    "Go": "// Whether to moor.\n// @return true at night\nfunc (b *Boat) moors(hour int) bool {\n",
    "Rust": "/// Whether to moor.\n///\n/// @return true at night\n#[inline]\npub fn moors(hour: u8) -> bool {\n",
    "C": "/**\n * Whether to moor.\n * @return true at night\n */\nbool moors(struct boat *boat, int hour);\n",
    "C, brace below": "/*\n * Whether to moor.\n * @return true at night\n */\nbool moors(int hour)\n{\n",
    "lines without signs": "/*\nWhether to moor.\n@return true at night\n*/\nbool moors(int hour)\n{\n",
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


def test_comment_above_one_of_several_declarations_has_its_name_as_label() -> None:
    moors = "// Whether a boat may moor. That is so only at night.\nfunc Moors() bool {\n}\n"
    leave = "// Ends the mooring of a boat.\nfunc Leave() {\n}\n"
    code = f"{moors}\n{leave}"
    sentences = [unit for unit in answer_units(hit(code, kind="code")) if unit.kind is UnitKind.SENTENCE]
    assert [(unit.label, unit.text) for unit in sentences] == [
        ("Moors", "Whether a boat may moor."),
        ("Moors", "Whether a boat may moor. That is so only at night."),
        ("Leave", "Ends the mooring of a boat."),
    ]


HARBOUR = '''class Harbour(Place):
    """A place for boats."""

    def __init__(self, quays):
        """Build it.

        :param quays: how many boats may moor
        """
        self.quays = quays
        """The number of places."""

    @property
    def fee(self):
        """What a night costs."""
        return 3


def leave(boat):
    # at high water only
    boat.go()
'''


def test_parts_of_code_are_labelled_by_the_symbols_around_them() -> None:
    units = {unit.text: unit.label for unit in answer_units(hit(HARBOUR, "harbour.py", kind="code"))}
    assert units["class Harbour(Place):\nA place for boats."] == "harbour.py"
    assert units["def __init__(self, quays):\nBuild it."] == "Harbour"
    assert units[":param quays: how many boats may moor"] == "Harbour > __init__"
    assert units["self.quays = quays\nThe number of places."] == "Harbour > __init__"
    assert units["def fee(self):\nWhat a night costs."] == "Harbour"
    assert units["return 3"] == "Harbour > fee"
    assert units["at high water only"] == "leave"


def test_symbols_in_the_heading_of_a_passage_are_around_those_in_its_text() -> None:
    inner = "    def fee(self):\n        return 3\n"
    for heading, label in (("Harbour", "Harbour > fee"), ("Harbour > fee", "Harbour > fee"), ("", "fee")):
        code = [unit for unit in answer_units(hit(inner, kind="code", heading=heading)) if unit.kind is UnitKind.CODE]
        assert [unit.label for unit in code] == [label]


def test_symbol_in_which_a_passage_begins_ends_at_the_next_declaration() -> None:
    text = (
        '        :param boat: which one\n        """\n        return 1\n\n    def leave(self):\n        self.go()\n'
    )
    units = {
        unit.text: unit.label for unit in answer_units(hit(text, kind="code", heading="Harbour > def moor(self)"))
    }
    assert units["return 1"] == "Harbour > moor"
    assert units["def leave(self):"] == "Harbour"
    assert units["self.go()"] == "Harbour > leave"
    outer = "    return 1\n\ndef leave():\n    boat.go()\n"
    units = {unit.text: unit.label for unit in answer_units(hit(outer, kind="code", heading="def moor(boat)"))}
    assert (units["return 1"], units["boat.go()"]) == ("moor", "leave")


def test_declaration_and_docstring_are_shown_without_the_quotes_of_the_docstring() -> None:
    code = 'def moor(boat):\n    r"""Tie it up.\n\n    Only once a night.\n    """\n    x = """as it is"""\n'
    texts = [unit.text for unit in answer_units(hit(code, kind="code"))]
    assert "def moor(boat):\n    Tie it up.\n\n    Only once a night." in texts
    assert 'x = """as it is"""' in texts


def test_settings_are_labelled_by_the_keys_around_them() -> None:
    text = "server:\n  ports:\n    # The port of the quay.\n    quay: 8090\n"
    [entry] = [unit for unit in answer_units(hit(text, "a.yaml", kind="code")) if unit.kind is UnitKind.SIGNATURE]
    assert (entry.label, entry.text) == ("server > ports", "quay: 8090\nThe port of the quay.")
    inner = hit("quay: 8090\n", "a.yaml", kind="code", heading="server > ports > north")
    assert answer_units(inner)[0].label == "server > ports > north"
    assert headings_of(answer_units(inner)[0]) == "server > ports > north"


def test_item_of_settings_is_quoted_as_its_lines_stand() -> None:
    text = "rules:\n  - alert: BoatsSink\n    expr: boats < 3\n    labels:\n      severity: page\n"
    *others, item = [
        unit for unit in answer_units(hit(text, "a.yml", kind="code")) if unit.kind is UnitKind.SIGNATURE
    ]
    assert [unit.text for unit in others] == ["expr: boats < 3", "severity: page"]
    assert item.text == "- alert: BoatsSink\n  expr: boats < 3\n  labels:\n    severity: page"


def test_rows_of_a_data_file_are_no_settings() -> None:
    table = hit('{"quay": "north", "fee": 30}\n', "a.json", kind="data", heading="quay | fee")
    assert [unit.kind for unit in answer_units(table)] == [UnitKind.ROW]


def test_object_of_json_with_a_list_of_objects_is_settings() -> None:
    text = '{\n  "quays": [\n    {"name": "north", "fee": 30}\n  ],\n  "office": {\n    "opens": 8\n  }\n}\n'
    units = answer_units(hit(text, "harbour.json", kind="code", heading="name | fee"))
    assert ("office", '"opens": 8') in [(unit.label, unit.text) for unit in units]
    assert {unit.label for unit in units} == {"harbour.json", "office"}


def test_long_path_of_settings_is_shortened_in_the_label_and_whole_among_the_headings() -> None:
    path = ["harbours of the north", "quays of the old town", "piers", "places for boats", "fees"]
    unit = answer_units(hit("night: 30\n", "a.yaml", kind="code", heading=" > ".join(path)))[0]
    assert unit.label == "harbours of the north > … > places for boats > fees"
    assert set(path) <= set(headings_of(unit).split(" > "))
