"""The readers of notebooks, CSV, XML, RTF and AsciiDoc."""

from __future__ import annotations

import json

import pytest

from omni_pipelines.refusals import Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.markup import asciidoc, xml
from omni_pipelines.text.readers.records import delimited, notebook
from omni_pipelines.text.readers.rtf import rtf
from omni_pipelines.text.text_tables import text_tables
from tests.samples.text import NOTEBOOK, RTF, XML


def outline(parsed: Parsed) -> list[tuple[str, tuple[str, ...]]]:
    """First line and path of every section."""
    return [(parsed.text[section.start :].split("\n")[0], section.path) for section in parsed.sections]


def test_notebook_is_read_cell_by_cell() -> None:
    parsed = notebook.read(NOTEBOOK, "a.ipynb")
    assert outline(parsed) == [
        ("# River", ("River",)),
        ("import math", ("River", "cell 2")),
        ("## Otters", ("River", "Otters")),
        ("print(7)", ("River", "Otters", "cell 4")),
    ]
    assert "print(7)\n\n7" in parsed.text
    assert "iVBOR" not in parsed.text


@pytest.mark.parametrize("raw", [b"[]", b"{", b'{"worksheets": []}', b'{"cells": 5}'])
def test_file_that_is_no_notebook_is_refused(raw: bytes) -> None:
    with pytest.raises(Unreadable, match="E_PARSE"):
        notebook.read(raw, "a.ipynb")


def test_notebook_with_wrong_types_keeps_its_valid_parts() -> None:
    cells = [{"cell_type": "code", "source": 5}, 7, {"cell_type": "code", "source": ["a", 1, "b"], "outputs": 3}]
    assert notebook.read(json.dumps({"cells": cells}).encode(), "a.ipynb").text == "ab"


def _notebook_text(*outputs: object, **fields: object) -> str:
    cell = {"cell_type": "code", "source": "f()", "outputs": outputs, **fields}
    return notebook.read(json.dumps({"cells": [cell]}).encode(), "a.ipynb").text.removeprefix("f()\n\n")


@pytest.mark.parametrize(
    ("output", "shown"),
    [
        (
            {"output_type": "error", "ename": "KeyError", "evalue": "otter", "traceback": ["\x1b[0;31mat f\x1b[0m"]},
            "KeyError: otter\nat f",
        ),
        ({"output_type": "error", "ename": "E", "evalue": "bad", "traceback": ["at f", "E: bad"]}, "at f\nE: bad"),
        ({"output_type": "stream", "text": ["\x1b[32mgreen\x1b[0m\n", "more"]}, "green\nmore"),
        ({"output_type": "stream", "text": " 10%\r 50%\r100%\nend\r\n"}, "100%\nend"),
        ({"data": {"text/plain": "x", "text/markdown": ["**bold**"]}}, "**bold**"),
        ({"data": {"text/plain": "x", "text/html": "<p>seen</p><script>y</script>"}}, "seen"),
        ({"data": {"text/plain": "x", "text/html": "<script>y</script>"}}, "x"),
        ({"data": {"text/plain": "<Math>", "text/latex": "$x^2$"}}, "$x^2$"),
        ({"output_type": "pyout", "text": ["x"], "html": ["<b>old</b>"]}, "old"),
    ],
)
def test_notebook_output_is_shown_in_its_richest_form(output: object, shown: str) -> None:
    assert _notebook_text(output) == shown


def test_notebook_table_has_its_column_names() -> None:
    rows = "".join(f"<tr><th>{n}</th><td>otter</td><td>{n}.5</td></tr>" for n in range(3))
    table = f"<table><thead><tr><th></th><th>name</th><th>kg</th></tr></thead><tbody>{rows}</tbody></table>"
    text = _notebook_text({"data": {"text/html": table}})
    assert [found.header for found in text_tables(text)] == ["name | kg"]


def test_notebook_output_that_is_too_long_is_cut_and_said() -> None:
    cell = {"cell_type": "code", "source": "f()", "outputs": [{"text": "x" * 9_000}]}
    parsed = notebook.read(json.dumps({"cells": [cell]}).encode(), "a.ipynb")
    assert (parsed.text.count("x"), parsed.partial) == (8_000, "an output of cell 1 is longer than 8,000 characters")


def test_notebook_from_before_format_4_is_read() -> None:
    cells = [
        {"cell_type": "heading", "level": 2, "source": "River"},
        {"cell_type": "code", "input": "f()", "outputs": [{"output_type": "stream", "text": "seen"}]},
    ]
    parsed = notebook.read(json.dumps({"worksheets": [{"cells": cells}]}).encode(), "a.ipynb")
    assert (parsed.text, parsed.sections[0].path) == ("## River\n\nf()\n\nseen", ("River",))


@pytest.mark.parametrize(
    ("text", "header", "first_row"),
    [
        ("name,kg\notter,7\n", "name | kg", "otter"),
        ("name;kg\r\notter;7", "name | kg", "otter"),
        ('"a, b"\tc\n1\t2\n', "a, b | c", "1\t2"),
        ("name|kg|born\notter|7|2020\nheron|2|2021\n", "name | kg | born", "otter"),
        ("sep=;\nname;kg\notter;1,5\nheron;2,5\n", "name | kg", "otter"),
        (
            "Report of the zoo\ncreated 2026-01-01\n\nname,kg,born\notter,7,1\nheron,2,2\n",
            "name | kg | born",
            "otter",
        ),
        (",2023,2024\notter,7,8\nheron,2,3\n", "2023 | 2024", "otter"),
        ("animal,2023,2024\notter,7,8\nheron,2,3\n", "animal | 2023 | 2024", "otter"),
        ("a,a\n1,2\n", "a | a", "1,2"),
        ("a,,b\n1,2,3\n", "a | b", "1,2,3"),
        ("# made by hand\n# name,kg\notter,7\nheron,2\n", "name | kg", "otter"),
        ("# made by hand\nname,kg\notter,7\n# end\n", "name | kg", "otter"),
        ("#,name\n1,otter\n2,heron\n", "# | name", "1,otter"),
        ("1,2\n3,4\n", None, ""),
        ("otter,7\nheron,2\n", None, ""),
        ("name,kg\n", None, ""),
        ("words\nmore\n", None, ""),
    ],
)
def test_csv_rows_below_the_header_carry_the_column_names(text: str, header: str | None, first_row: str) -> None:
    parsed = delimited.read(text.encode(), "a.csv")
    assert parsed.text == text
    assert [table.header for table in parsed.tables] == ([header] if header else [])
    assert all(text[table.start :].startswith(first_row) and table.end == len(text) for table in parsed.tables)


@pytest.mark.parametrize(
    ("text", "tables"),
    [
        ("Part;Price\nV;1\nW;2\n\nCity;People\nUlm;7\nBonn;8\n", {"Part | Price": "V;1", "City | People": "Ulm;7"}),
        ("Part;Price\nV;1\n;;\nCity;People\nUlm;7\n", {"Part | Price": "V;1", "City | People": "Ulm;7"}),
        ("Part;Price\nV;1\n\nW;2\nX;3\n", {"Part | Price": "V;1"}),
        ("Part;Price\nV;1\nW;2\nX;3\n\nNotes\nall prices net\n", {"Part | Price": "V;1"}),
    ],
    ids=["two tables", "a row without values between them", "a blank line", "a note below"],
)
def test_csv_table_below_a_blank_line_has_its_own_names(text: str, tables: dict[str, str]) -> None:
    found = {table.header: text[table.start : table.end] for table in delimited.read(text.encode(), "a.csv").tables}
    assert found.keys() == tables.keys()
    assert all(found[names].startswith(row) for names, row in tables.items())
    assert "".join(found.values()).count("Ulm;7") == text.count("Ulm;7")


def test_xml_records_have_blank_lines_between_them() -> None:
    record = "<part><name>Valve {0}</name><price><net>{0}</net></price></part>"
    records = "".join(map(record.format, range(3)))
    source = f"<parts>{records}<row id='1'/><row id='2'/></parts>"
    blocks = [f"name: Valve {number}\nnet: {number}" for number in range(3)]
    assert xml.read(source.encode(), "a.xml").text == "\n\n".join(blocks) + "\nrow id=1\nrow id=2"


def test_xml_keeps_names_values_titles_and_lines() -> None:
    parsed = xml.read(XML, "a.xml")
    assert parsed.text == "River\npara: Herons wait & fish.\nanimal kg=7: otter\nlink href=http://x/"
    assert outline(parsed) == [("River", ("River",))]
    assert [parsed.line(parsed.text.index(word)) for word in ("River", "Herons", "otter", "link")] == [3, 4, 6, 7]


def test_xml_document_type_is_not_fetched() -> None:
    assert xml.read(b'<!DOCTYPE r SYSTEM "http://127.0.0.1:9/x.dtd"><r>text</r>', "a").text == "r: text"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_xml_entities_of_the_file_are_text(encoding: str) -> None:
    raw = '<!DOCTYPE r [<!ENTITY co "Pump works"><!ENTITY who "&co; Ltd">]><r>&who;</r>'.encode(encoding)
    assert xml.read(raw, "a").text == "r: Pump works Ltd"


def test_xml_entities_of_html_are_characters_although_their_definition_is_not_read() -> None:
    raw = b'<!DOCTYPE r SYSTEM "x.dtd"><r a="b">caf&eacute;&nbsp;&euro;5</r>'
    assert " ".join(xml.read(raw, "a").text.split()) == "r a=b: café €5"


def test_xml_entities_without_a_definition_are_left_out_and_said() -> None:
    parsed = xml.read(b'<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/passwd">]><r>a &e; &chapter; b</r>', "a")
    assert " ".join(parsed.text.split()) == "r: a b"
    assert "e, chapter" in parsed.partial


def test_xml_entities_that_grow_without_limit_are_refused() -> None:
    steps = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 9))
    with pytest.raises(Unreadable, match="E_XML_ENTITY"):
        xml.read(f'<!DOCTYPE r [<!ENTITY e0 "{"x" * 20}">{steps}]><r>&e8;</r>'.encode(), "a")


def test_xml_that_declares_a_wrong_encoding_is_read_in_the_one_of_its_bytes() -> None:
    raw = '<?xml version="1.0" encoding="utf-8"?><r>Die Größe für Müller, Öl und Fässer</r>'.encode("cp1252")
    assert xml.read(raw, "a").text == "r: Die Größe für Müller, Öl und Fässer"


def test_xml_with_a_broken_place_is_read_and_partial() -> None:
    parsed = xml.read(f"<r>{'größer als Öl ' * 9}".encode() + b"\xff</r>", "a")
    assert "U+FFFD" in parsed.partial
    assert parsed.text.count("größer") == 9


def test_xml_byte_order_mark_decides_against_the_declaration() -> None:
    raw = '<?xml version="1.0" encoding="utf-8"?><r>größer</r>'.encode("utf-16")
    assert xml.read(raw, "a").text == "r: größer"


def test_rtf_keeps_headings_tables_and_characters() -> None:
    parsed = rtf.read(RTF, "a.rtf")
    assert parsed.text == "River\n\nDéjà vu — “Ünïcode” 😀 stays.\n\notter | 7\n\nThe end."
    assert (parsed.title, outline(parsed)) == ("Animals", [("River", ("River",))])


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (rb"{\rtf1 caf\u233?!}", "café!"),
        (rb"{\rtf1\uc1 caf\u233?!}", "café!"),
        (rb"{\rtf1\uc2 caf\u233e'!}", "café!"),
        (rb"{\rtf1\uc0 caf\u233!}", "café!"),
        (rb"{\rtf1\uc0{\uc3 caf\u233xyz!} caf\u233!}", "café! café!"),
        (rb"{\rtf1\uc0 {caf\u233!}}", "café!"),
        (rb"{\rtf1\uc2 caf\u233\'65\'27!}", "café!"),
    ],
    ids=["default", "one", "two", "none", "restored after a group", "inherited by a group", "as bytes"],
)
def test_rtf_skips_as_many_fallback_characters_as_uc_says(raw: bytes, text: str) -> None:
    assert rtf.read(raw, "a.rtf").text == text


def test_asciidoc_titles_outside_blocks_are_headings() -> None:
    text = "= River\n\n----\n== no title\n----\n\n== Otters [[o]]\ntext\n\n====\n=== no\n====\n\n=== `Deep` ===\n"
    parsed = asciidoc.read(text.encode(), "a.adoc")
    assert outline(parsed) == [
        ("= River", ("River",)),
        ("== Otters [[o]]", ("River", "Otters")),
        ("=== `Deep` ===", ("River", "Otters", "Deep")),
    ]


def test_asciidoc_term_on_a_line_of_its_own_is_a_heading_of_its_description() -> None:
    text = (
        "== Options\n\n`-j` <n>::\n--jobs=<n>::\n\tBoats.\n+\nMore of it.\n\n  And more.\n\nquay:::\nA quay.\n\n"
        "----\nno term::\n----\n\nThe end.\n\nfee;;\n3\n"
    )
    assert outline(asciidoc.read(text.encode(), "a.adoc")) == [
        ("== Options", ("Options",)),
        ("`-j` <n>::", ("Options", "-j <n>, --jobs=<n>")),
        ("quay:::", ("Options", "-j <n>, --jobs=<n>", "quay")),
        ("The end.", ("Options",)),
        ("fee;;", ("Options", "fee")),
    ]


def test_asciidoc_underlined_titles_are_headings() -> None:
    text = (
        "boats(1)\n========\n\nNAME\n----\nboats\n\n----\nNo\n--\n----\n\nFees\n~~~~~\ntext\n\n"
        "Too long a title\n---\n"
    )
    parsed = asciidoc.read(text.encode(), "a.adoc")
    assert parsed.title == "boats(1)"
    assert outline(parsed) == [
        ("boats(1)", ("boats(1)",)),
        ("NAME", ("boats(1)", "NAME")),
        ("Fees", ("boats(1)", "NAME", "Fees")),
    ]
