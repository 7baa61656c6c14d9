"""The reader of Word files."""

from __future__ import annotations

import pytest

from omni_pipelines.refusals import Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.office import docx
from tests.samples.office import HEADER, archive, word_notes
from tests.samples.office import docx as make
from tests.samples.office import word_paragraph as p
from tests.samples.office import word_table as table

BODY = (
    p("River", level=1)
    + p("Herons fish & wait.")
    + p("Otters", level=2)
    + p("small", item=True)
    + p("quick", item=True)
    + p("They weigh:")
    + table([["animal", "kg"], ["otter", "7"]])
    + p("The end.")
)
NOTES = {"word/footnotes.xml": word_notes("See the annual report.")}
TEXT = """River

Herons fish & wait.

Otters

- small
- quick

They weigh:

animal | kg
otter | 7

The end.

Footnote: See the annual report."""


def read(body: str) -> Parsed:
    return docx.read(make(body), "a.docx")


def test_docx_paragraphs_lists_tables_and_notes_are_read_in_order() -> None:
    parsed = docx.read(make(BODY, title="Animals", parts=NOTES), "a.docx")
    assert (parsed.text, parsed.title) == (TEXT, "Animals")


def test_docx_heading_styles_give_the_sections() -> None:
    sections = read(BODY).sections
    assert [(TEXT[section.start :].split("\n")[0], section.path) for section in sections] == [
        ("River", ("River",)),
        ("Otters", ("River", "Otters")),
    ]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("<w:p><w:r><w:t>kept</w:t></w:r><w:del><w:r><w:delText>gone</w:delText></w:r></w:del></w:p>", "kept"),
        ("<w:p><w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t></w:r></w:p>", "a\tb\nc"),
        ("<w:p><w:r><w:instrText>PAGE</w:instrText><w:t>7</w:t></w:r></w:p>", "7"),
        (p("a") + "<w:p/>" * 50 + p("b"), "a\n\nb"),
        (table([["a", table([["x", "y"]])]]).replace("&lt;", "<").replace("&gt;", ">"), "a | x | y"),
        ("<w:p><w:pPr><w:outlineLvl w:val='0'/></w:pPr><w:r><w:t>Top</w:t></w:r></w:p>", "Top"),
    ],
)
def test_docx_special_elements_are_read_as_shown(body: str, text: str) -> None:
    assert read(body).text == text


def test_docx_encrypted_or_old_is_refused_as_encrypted() -> None:
    with pytest.raises(Unreadable, match="E_ENCRYPTED"):
        docx.read(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "a.docx")


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (archive({"a.xml": "<a/>"}), "E_PARSE"),
        (make(BODY)[:300], "E_PARSE"),
        (make(p("")), "E_NO_TEXT"),
        (make(p("a"), parts={"../x": "y"}), "E_PATH"),
        (
            make(p("a"), parts={"word/document.xml": f"{HEADER}<!DOCTYPE r [<!ENTITY x 'y'>]><r>&x;</r>"}),
            "E_XML_ENTITY",
        ),
        (make("<w:tbl><w:tr><w:tc>" * 200 + p("a")), "E_DEPTH"),
    ],
    ids=["no body", "cut", "empty", "path", "entity", "deep"],
)
def test_docx_that_cannot_be_read_is_refused_with_its_code(raw: bytes, code: str) -> None:
    with pytest.raises(Unreadable) as refused:
        docx.read(raw, "a.docx")
    assert refused.value.code == code
