"""E-mail: the main headers, then the text. Attachments are named, not read."""

import email
import email.errors
import email.header
import email.policy
from collections.abc import Iterator
from email.message import EmailMessage

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers import html
from omni_pipelines.text.readers.extraction import Extraction, one_line

_HEADERS = ("From", "To", "Cc", "Date", "Subject")
_MAX_PARTS = 1_000
_MAX_DEPTH = 32
_MAX_HEADER_LENGTH = 1_000


def read(raw: bytes, name: str) -> Parsed:
    """Read a message: its plain text, or the text of its HTML if there is no plain text."""
    try:
        message = email.message_from_bytes(raw, policy=email.policy.default)
    except RecursionError as error:
        raise Unreadable(RefusalCode.DEPTH, "its parts are nested too deeply") from error
    assert isinstance(message, EmailMessage)
    headers = {key: value for key in _HEADERS if (value := _header(message, key))}
    if not headers:
        raise Unreadable(RefusalCode.PARSE, "not an e-mail: it has none of the headers " + ", ".join(_HEADERS))
    extraction = Extraction()
    for key, value in headers.items():
        extraction.block(f"{key}: {value}", apart=False)
    attached = []
    has_plain_text = False
    for part in _leaves(message, 0):
        if part.is_attachment() or part.get_content_maintype() != "text":
            attached.append(_filename(part))
        elif part.get_content_subtype() != "html":
            extraction.block(_content(part))
            has_plain_text = True
    if not has_plain_text:
        _add_html(extraction, message)
    if any(attached):
        extraction.block("Attachments: " + ", ".join(filter(None, attached)))
    language = _header(message, "Content-Language").partition(",")[0]
    return extraction.parsed(name, headers.get("Subject", ""), language)


def _add_html(extraction: Extraction, message: EmailMessage) -> None:
    for part in _leaves(message, 0):
        if part.get_content_type() == "text/html" and not part.is_attachment():
            page = html.read_visible(_content(part).encode("utf-8", "replace"), "")
            extraction.block(page.text if page is not None else "")


def _leaves(part: EmailMessage, depth: int) -> Iterator[EmailMessage]:
    if depth > _MAX_DEPTH:
        raise Unreadable(RefusalCode.DEPTH, f"more than {_MAX_DEPTH} levels of nested parts")
    if not part.is_multipart():
        yield part
        return
    for inner in list(part.iter_parts())[:_MAX_PARTS]:
        if isinstance(inner, EmailMessage):
            yield from _leaves(inner, depth + 1)


def _header(message: EmailMessage, name: str) -> str:
    """A header, decoded. The address parser of `email` is avoided: it takes minutes for a long list of addresses."""
    raw = next((str(value) for key, value in message.raw_items() if key.lower() == name.lower()), "")
    raw = raw[:_MAX_HEADER_LENGTH].encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    try:
        return one_line(str(email.header.make_header(email.header.decode_header(raw))))
    except (ValueError, LookupError, email.errors.MessageError):  # an unknown or wrong encoding
        return one_line(raw)


def _filename(part: EmailMessage) -> str:
    try:
        return one_line(part.get_filename() or "")
    except (ValueError, LookupError, AttributeError, TypeError):
        return ""


def _content(part: EmailMessage) -> str:
    try:
        return str(part.get_content())
    except (ValueError, LookupError):  # an unknown or wrong encoding
        payload = part.get_payload(decode=True)
        return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
