"""Text that is collected block by block keeps what fits, and says what is missing."""

from omni_pipelines.text.readers.extraction import Extraction


def test_text_up_to_the_limit_is_kept_and_the_document_says_that_it_is_partial() -> None:
    extraction = Extraction(max_characters=30)
    extraction.block("Otters swim in rivers.")
    extraction.heading(1, "A heading that is too long")
    extraction.block("no")
    parsed = extraction.parsed("a.docx")
    assert parsed.text == "Otters swim in rivers."
    assert parsed.sections == ()
    assert parsed.partial == "its text is longer than 30 characters; the rest was not read"


def test_three_reasons_are_kept_each_once() -> None:
    extraction = Extraction()
    extraction.block("Otters.")
    for number in (2, 2, 3, 4, 5):
        extraction.cut(f"chapter {number} is damaged")
    said = extraction.parsed("a.epub").partial
    assert said == "chapter 2 is damaged; chapter 3 is damaged; chapter 4 is damaged"


def test_section_that_begins_where_others_end_is_not_ended_with_them() -> None:
    extraction = Extraction()
    extraction.heading(1, "Ports")
    extraction.mark(3, "moor")
    extraction.block("Moors.")
    extraction.end(3)
    extraction.mark(3, "sail")
    extraction.block("Sails.")
    assert [section.path for section in extraction.parsed("a").sections] == [
        ("Ports",),
        ("Ports", "moor"),
        ("Ports", "sail"),
    ]
