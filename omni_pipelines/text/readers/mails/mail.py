"""E-mail: headers, text, the mails inside it; attachments are documents of their own.

Of several forms of the same text, the richest that is not empty is read. The subject of the thread, without `Re:` and
`Fwd:`, is the heading of all of it.
"""

import base64
import binascii
import email
import email.policy
import email.utils
import re
from collections.abc import Iterator
from email.message import Message

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.mails import tnef
from omni_pipelines.text.readers.mails.mail_headers import (
    MAX_HEADER_LENGTH,
    SHOWN_HEADERS,
    decoded_text,
    decoded_words,
    shown_header,
)
from omni_pipelines.text.readers.mails.mail_text import MailText, enriched_text, page_of, richest

_MAX_PARTS = 10_000
_MAX_DEPTH = 32
_EMLX_LENGTH = re.compile(rb"\s*(\d{1,12})\s*\r?\n")
"""The first line of a mail as Apple Mail stores it: the length of the mail, which a list of properties follows."""
_MAILS = ("message/rfc822", "message/global", "message/news", "message/partial")
_SMIME = ("application/pkcs7-mime", "application/x-pkcs7-mime")
_SIGNATURES = ("application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature")
_ENRICHED = ("text/enriched", "text/richtext")
_NO_BODIES = ("text/calendar", "text/x-amp-html", "text/vcard", "text/x-vcard", "text/csv", "text/directory")
"""Texts that mail programs do not show as the text of a mail."""
_SHOWN = ("text", "multipart")
"""A part of several parts that have no boundary between them is text."""
_REPORTS = ("message/delivery-status", "message/disposition-notification", "message/external-body")


def read(raw: bytes, name: str) -> Parsed:
    """Read a mail."""
    if length := _EMLX_LENGTH.match(raw):
        raw = raw[length.end() : length.end() + int(length[1])]
    message = parse_message(raw)
    headers = shown_headers(message)
    if not headers:
        raise Unreadable(RefusalCode.PARSE, "not an e-mail: it has none of the headers " + ", ".join(SHOWN_HEADERS))
    reading = MailReading()
    reading.add_message(message, 0)
    language = shown_header(message, "Content-Language").partition(",")[0]
    return reading.mail.parsed(name, headers.get("Subject", ""), language)


def parse_message(raw: bytes) -> Message:
    """The parts of a mail.

    Raises:
        Unreadable: E_DEPTH.
    """
    try:
        return email.message_from_bytes(raw, policy=email.policy.compat32)
    except RecursionError as error:
        raise Unreadable(RefusalCode.DEPTH, "its parts are nested too deeply") from error


def shown_headers(message: Message) -> dict[str, str]:
    """The headers that a person reads, in their order."""
    return {name: value for name in SHOWN_HEADERS if (value := shown_header(message, name))}


class MailReading:
    """Reads the parts of one mail, and of the mails inside it."""

    def __init__(self) -> None:
        self.mail = MailText()
        self._pages: dict[int, Parsed | None] = {}
        self._parts_left = _MAX_PARTS

    def add_message(self, message: Message, depth: int) -> None:
        """Add a mail: its headers, its text, and the names of what is attached to it."""
        self.mail.start(shown_headers(message))
        if any(len(str(value)) > MAX_HEADER_LENGTH for _, value in message.raw_items()):
            self.mail.extraction.cut(f"a header is longer than {MAX_HEADER_LENGTH:,} characters")
        self.add_part(message, depth)
        self.mail.end()

    def add_part(self, part: Message, depth: int) -> None:
        """Add a part as a mail program shows it: text, a mail, or an attachment."""
        self._parts_left -= 1
        if depth > _MAX_DEPTH:
            raise Unreadable(RefusalCode.DEPTH, f"more than {_MAX_DEPTH} levels of nested parts")
        if self._parts_left < 0:
            self.mail.extraction.cut(f"it has more than {_MAX_PARTS:,} parts; the rest was not read")
            return
        kind = part.get_content_type()
        inner = children(part)
        if kind in _MAILS and inner:
            self.add_message(_inner_message(part, inner[0]), depth + 1)
        elif kind == "multipart/alternative" and inner:
            self._add_richest(inner, depth)
        elif kind == "multipart/encrypted":
            self.mail.extraction.cut("its text is encrypted", RefusalCode.ENCRYPTED)
        elif kind in _SMIME:
            form = str(part.get_param("smime-type") or "enveloped-data").lower()
            self.mail.extraction.cut(f"its text is inside S/MIME ({form})", RefusalCode.ENCRYPTED)
        elif inner and kind not in _REPORTS:
            for each in inner:
                self.add_part(each, depth + 1)
        elif kind not in _SIGNATURES:
            self._add_leaf(part)

    def _add_richest(self, forms: list[Message], depth: int) -> None:
        """Add one of several forms of the same text, and what is attached beside the others."""
        chosen = richest([self._words(form, depth) for form in forms])
        for number, form in enumerate(forms):
            if number == chosen:
                self.add_part(form, depth + 1)
            else:
                for leaf in leaves(form, depth):
                    if not _is_body(leaf):
                        self._attach(leaf)

    def _words(self, part: Message, depth: int) -> int:
        """The number of words that a mail program shows of a part."""
        return sum(len(self._shown(leaf).split()) for leaf in leaves(part, depth) if _is_body(leaf))

    def _shown(self, leaf: Message) -> str:
        if leaf.get_content_type() == "text/html":
            page = self._page(leaf)
            return page.text if page is not None else ""
        try:
            return decoded_text(content_of(leaf), label_of(leaf)).text
        except Unreadable:
            return ""

    def _page(self, leaf: Message) -> Parsed | None:
        if id(leaf) not in self._pages:
            self._pages[id(leaf)] = page_of(content_of(leaf), label_of(leaf))
        return self._pages[id(leaf)]

    def _add_leaf(self, leaf: Message) -> None:
        kind = leaf.get_content_type()
        if not _is_body(leaf):
            self._attach(leaf)
        elif kind == "text/html":
            page = self._page(leaf)
            if page is not None:
                self.mail.page(page)
        elif kind in _ENRICHED:
            self.mail.text(enriched_text(self._shown(leaf)).encode("utf-8", "replace"), "utf-8")
        else:
            self.mail.text(content_of(leaf), label_of(leaf))

    def _attach(self, leaf: Message) -> None:
        name, raw = filename_of(leaf), content_of(leaf)
        packed = tnef.attachments(raw) if leaf.get_content_type() in tnef.MEDIA_TYPES else []
        for inner_name, inner in packed:
            self.mail.attach(inner_name, inner, "")
        if packed:
            return
        is_shown_in_text = leaf.get_content_maintype() == "image" and leaf.get_content_disposition() != "attachment"
        if not is_shown_in_text or name:
            self.mail.attach(name, raw, leaf.get_content_type(), label_of(leaf))


def children(part: Message) -> list[Message]:
    """The parts directly inside a part."""
    payload = part.get_payload()
    return [each for each in payload if isinstance(each, Message)] if isinstance(payload, list) else []


def _inner_message(part: Message, inner: Message) -> Message:
    """The mail in a part. Many programs encode it in base64, which is not allowed; `email` does not decode it."""
    encoding = str(part.get("Content-Transfer-Encoding", "")).strip().lower()
    if encoding != "base64" or shown_headers(inner):
        return inner
    try:
        return parse_message(base64.b64decode(str(inner.get_payload()).encode("ascii", "ignore")))
    except binascii.Error:
        return inner


def leaves(part: Message, depth: int) -> Iterator[Message]:
    """The parts inside a part that have no parts themselves."""
    if depth > _MAX_DEPTH:
        raise Unreadable(RefusalCode.DEPTH, f"more than {_MAX_DEPTH} levels of nested parts")
    inner = [] if part.get_content_type() in _REPORTS else children(part)
    if not inner and part.get_content_type() not in _SIGNATURES:
        yield part
    for each in inner[:_MAX_PARTS]:
        yield from leaves(each, depth + 1)


def _is_body(leaf: Message) -> bool:
    """Whether mail programs show a part as text of the mail, and not as an attachment."""
    if leaf.get_content_disposition() == "attachment" or leaf.get_content_type() in _NO_BODIES:
        return False
    is_text = leaf.get_content_maintype() in _SHOWN or leaf.get_content_type() in _REPORTS
    return is_text and not filename_of(leaf)


def content_of(leaf: Message) -> bytes:
    """The bytes of a part, without their transfer encoding; unchanged if that is damaged.

    A report on a delivery consists of blocks of fields.
    """
    if blocks := children(leaf):
        fields = ["\n".join(f"{name}: {value}" for name, value in block.raw_items()) for block in blocks]
        return "\n\n".join(fields).encode("utf-8", "surrogateescape")
    try:
        payload = leaf.get_payload(decode=True)
    except (ValueError, LookupError):
        payload = None
    if isinstance(payload, bytes):
        return payload
    return str(leaf.get_payload()).encode("utf-8", "surrogateescape")


def label_of(leaf: Message) -> str:
    """The charset that a part declares; "" if it declares none."""
    try:
        label = leaf.get_param("charset")
    except (ValueError, LookupError):
        return ""
    return str(label[2] if isinstance(label, tuple) else label or "")


def filename_of(leaf: Message) -> str:
    """The name of an attachment, decoded; "" if it has none."""
    try:
        return decoded_words(leaf.get_filename() or "")
    except (ValueError, LookupError, TypeError):
        return ""
