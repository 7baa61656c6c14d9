"""Pages that a browser saved with their pictures as one file (MHTML): a mail whose text is the page."""

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.extraction import Extraction
from omni_pipelines.text.readers.mails.mail import content_of, label_of, leaves, parse_message
from omni_pipelines.text.readers.mails.mail_headers import shown_header
from omni_pipelines.text.readers.mails.mail_text import page_of


def read(raw: bytes, name: str) -> Parsed:
    """Read a saved page, and the pages in its frames."""
    message = parse_message(raw)
    if not message.keys():
        raise Unreadable(RefusalCode.PARSE, "not a saved page: it has no headers")
    parts = (part for part in leaves(message, 0) if part.get_content_type() in ("text/html", "application/xhtml+xml"))
    pages = [page for part in parts if (page := page_of(content_of(part), label_of(part))) is not None]
    extraction = Extraction()
    for page in pages:
        extraction.include(page)
    title = shown_header(message, "Subject") or next((page.title for page in pages if page.title), "")
    return extraction.parsed(name, title, pages[0].language if pages else "")
