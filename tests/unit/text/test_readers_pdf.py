"""The reader of PDF: the text of every page, with its page."""

from __future__ import annotations

import pytest

from omni_pipelines.refusals import Unreadable
from omni_pipelines.text.chunking import Chunker
from omni_pipelines.text.packing import Budget
from omni_pipelines.text.readers import pdf
from tests.samples.pdf import pdf as make
from tests.samples.pdf_encryption import encrypted_pdf

PAGES = [["Herons fish at dawn.", "They stand still."], ["Otters (the small ones) swim."], ["Déjà vu: 12 €."]]
FILE = make(PAGES, title="River animals", outline=[("Herons", 1), ("Otters", 2)])


def test_pdf_lines_are_read_with_their_page() -> None:
    parsed = pdf.read(FILE, "a.pdf")
    for number, lines in enumerate(PAGES, 1):
        for line in lines:
            assert parsed.page(parsed.text.index(line)) == number


def test_pdf_outline_gives_the_headings_and_metadata_the_title() -> None:
    parsed = pdf.read(FILE, "a.pdf")
    assert parsed.title == "River animals"
    assert [(parsed.text[section.start :][:6], section.path) for section in parsed.sections] == [
        ("Herons", ("Herons",)),
        ("Otters", ("Otters",)),
    ]


def test_pdf_title_that_is_a_file_name_is_ignored() -> None:
    assert pdf.read(make([["Text."]], title="thesis_v7.DOCX"), "a.pdf").title == "a.pdf"


def test_pdf_chunks_never_span_two_pages() -> None:
    parsed = pdf.read(FILE, "a.pdf")
    spans = Chunker(Budget(200, 0)).cut(parsed, lambda text: len(text.split()))
    pages = [{parsed.page(position) for position in range(span.start, span.end)} for span in spans]
    assert pages == [{1}, {2}, {3}]


def test_pdf_page_without_text_counts_as_a_page() -> None:
    parsed = pdf.read(make([["One."], [], ["Three."]]), "a.pdf")
    assert parsed.page_marks == ((0, 1), (parsed.text.index("Three"), 3))


@pytest.mark.parametrize("aes", [False, True])
def test_pdf_with_a_password_is_refused_as_encrypted(aes: bool) -> None:
    with pytest.raises(Unreadable, match=r"E_ENCRYPTED.*password"):
        pdf.read(encrypted_pdf(["Otters swim."], password="secret", aes=aes), "a.pdf")


@pytest.mark.parametrize("aes", [False, True])
def test_pdf_encrypted_without_a_password_is_read(aes: bool) -> None:
    assert pdf.read(encrypted_pdf(["Otters swim."], aes=aes), "a.pdf").text == "Otters swim."


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"this is no pdf\n" * 100, "E_PARSE"),
        (FILE[:300], "E_PARSE"),
        (make([[]]), "E_NO_TEXT"),
        (b"%PDF-1.7\n" + bytes(range(256)) * 50, "E_PARSE"),
    ],
    ids=["other", "cut", "scan", "garbage"],
)
def test_pdf_that_cannot_be_read_is_refused_with_its_code(raw: bytes, code: str) -> None:
    with pytest.raises(Unreadable) as refused:
        pdf.read(raw, "a.pdf")
    assert refused.value.code == code
