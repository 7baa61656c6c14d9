"""Collect the text of a mail: its headers, its bodies, the mails inside it, and its attachments."""

import posixpath
import re
from collections.abc import Mapping, Sequence

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.document import EmbeddedFile, Parsed
from omni_pipelines.text.readers.extraction import Extraction, one_line
from omni_pipelines.text.readers.mails.mail_headers import decoded_text, thread_of
from omni_pipelines.text.readers.markup import html

_MAX_NAME_LENGTH = 120
_RICHER_SHARE = 0.5
_SUFFIXES = {
    "application/pdf": ".pdf", "text/html": ".html", "text/plain": ".txt", "text/calendar": ".ics",
    "text/vcard": ".vcf", "text/x-vcard": ".vcf", "text/csv": ".csv", "application/json": ".json",
    "application/rtf": ".rtf", "text/rtf": ".rtf", "application/xml": ".xml", "text/xml": ".xml",
    "application/zip": ".zip", "application/msword": ".doc", "application/vnd.ms-excel": ".xls",
    "application/vnd.ms-powerpoint": ".ppt", "message/rfc822": ".eml",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.oasis.opendocument.text": ".odt", "image/png": ".png", "image/jpeg": ".jpg",
}  # fmt: skip
"""For attachments without a name."""
_TAG = re.compile(r"<(?:<|/?[A-Za-z][-\w]*>)")
_SEPARATORS = re.compile(r"[/\\]")


def richest(words: Sequence[int]) -> int:
    """Which of several forms of a text to read, the richest last, by their numbers of words; -1 if all are empty.

    A richer form with far fewer words than another is only an excerpt, or a request to use a browser.
    """
    enough = max(words, default=0) * _RICHER_SHARE
    return next((number for number in reversed(range(len(words))) if 0 < words[number] >= enough), -1)


class MailText:
    """The text of a mail under the subject of its thread, and the files attached to it."""

    def __init__(self) -> None:
        self.extraction = Extraction()
        self._attached: list[EmbeddedFile] = []
        self._names: set[str] = set()
        self._listed: list[str] = []
        self._threads: list[str] = []
        """Of the mails around what is added now, the outermost first."""

    def start(self, headers: Mapping[str, str]) -> None:
        """Start the mail, or one inside it, with its headers: what follows is under the subject of its thread."""
        self.list_attachments()
        self._threads.append(thread_of(headers.get("Subject", "")))
        self.extraction.mark(len(self._threads), self._threads[-1])
        for number, (name, value) in enumerate(headers.items()):
            self.extraction.block(f"{name}: {value}", apart=number == 0)

    def end(self) -> None:
        """End a mail with the names of its attachments: what follows belongs to the one around it."""
        self.list_attachments()
        self._threads.pop()
        if self._threads:
            self.extraction.mark(len(self._threads), self._threads[-1])

    def text(self, raw: bytes, label: str) -> None:
        """Add a body that is plain text."""
        try:
            decoded = decoded_text(raw, label)
        except Unreadable as error:
            self.extraction.cut(f"a part of the mail is {error.detail}", error.code)
            return
        self.extraction.block(decoded.text)
        if decoded.damage:
            self.extraction.cut(decoded.damage)

    def page(self, page: Parsed) -> None:
        """Add a body that is HTML."""
        self.extraction.include(page, len(self._threads))

    def attach(self, name: str, raw: bytes, media_type: str, label: str = "") -> None:
        """Add an attachment: it is named in the text, and is a document of its own."""
        base = _SEPARATORS.sub("_", one_line(name)).strip(". ")[-_MAX_NAME_LENGTH:]
        self._listed += [base] if base else []
        if not raw:
            return
        stem, suffix = posixpath.splitext(base or f"attachment{_SUFFIXES.get(media_type, '')}")
        unique, number = f"{stem}{suffix}", 1
        while unique.casefold() in self._names:
            number += 1
            unique = f"{stem} ({number}){suffix}"
        self._names.add(unique.casefold())
        self._attached.append(EmbeddedFile(unique, raw, media_type, label))

    def list_attachments(self) -> None:
        """Add the names of the attachments since the last call."""
        if self._listed:
            self.extraction.block("Attachments: " + ", ".join(self._listed))
        self._listed = []

    def parsed(self, name: str, title: str, language: str = "") -> Parsed:
        """The mail as a document, with its attachments.

        Raises:
            Unreadable: E_NO_TEXT, or what the extraction was given.
        """
        return self.extraction.parsed(name, title, language, embedded=tuple(self._attached))


def page_of(raw: bytes, label: str) -> Parsed | None:
    """The visible text of a body that is HTML; None if it has none. Its own declaration counts if it has no label."""
    try:
        source = decoded_text(raw, label).text.encode("utf-8", "replace") if label else raw
        return html.read_visible(source, "")
    except Unreadable as error:
        if label or error.code is not RefusalCode.ENCODING:
            return None
        return page_of(raw, "unknown")


def enriched_text(text: str) -> str:
    """The text of text/enriched (RFC 1896) without its commands."""
    return _TAG.sub(lambda tag: "<" if tag[0] == "<<" else "", text)
