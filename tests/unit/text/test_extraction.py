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


def test_only_the_first_reason_is_kept() -> None:
    extraction = Extraction()
    extraction.block("Otters.")
    extraction.cut("chapter 2 is damaged")
    extraction.cut("chapter 3 is damaged")
    assert extraction.parsed("a.epub").partial == "chapter 2 is damaged"
