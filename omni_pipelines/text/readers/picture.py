"""Pictures of pages (PNG, JPEG, TIFF): their text is recognised, if the settings say so."""

from native.pictures import PictureError, PictureFile
from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.layout.page_headings import font_headings
from omni_pipelines.text.readers.extraction import Extraction
from omni_pipelines.text.readers.paged_text import PageContent, first_heading, write_pages
from omni_pipelines.text.readers.recognition import Recognition, RecognitionLimits, RecognizedPage

_LIMITS = RecognitionLimits()


def read(raw: bytes, name: str) -> Parsed:
    """Refuse a picture.

    Raises:
        Unreadable: E_KIND: without text recognition, a picture is of a kind that no reader reads.
    """
    raise Unreadable(RefusalCode.KIND, "no reader for pictures")


def recognize(raw: bytes, name: str, limits: RecognitionLimits = _LIMITS) -> Parsed:
    """The text of a picture; of a file with several ones, each is a page.

    Raises:
        Unreadable: E_PARSE for a damaged file; E_KIND for a picture that shows no text, as most do.
    """
    try:
        file = PictureFile(raw)
    except PictureError as error:
        raise Unreadable(RefusalCode.PARSE, f"damaged: {error}") from error
    recognition, extraction = Recognition(limits), Extraction()
    pages: list[PageContent] = []
    for index in range(file.count):
        if recognition.is_over:
            extraction.cut(f"its first {index:,} of {file.count:,} pages were read; the others would take too long")
            break
        try:
            found = recognition.page(file.picture(index))
        except PictureError as error:
            extraction.cut(f"page {index + 1} is damaged: {error}", RefusalCode.PARSE)
            found = RecognizedPage()
        if found.is_late:
            extraction.cut(f"to recognise page {index + 1} would take too long", RefusalCode.CPU)
        pages.append(PageContent(found.parts, confidence=found.confidence))
    headings = write_pages(extraction, pages, font_headings)
    if not extraction.length and not extraction.is_cut:
        raise Unreadable(RefusalCode.KIND, "a picture that shows no text")
    return extraction.parsed(name, first_heading(pages, headings))
