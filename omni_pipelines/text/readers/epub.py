"""EPUB: the chapters in reading order, each read by the HTML reader; their headings give the sections."""

from __future__ import annotations

import posixpath
from urllib.parse import unquote

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.decoding import DecodedText
from omni_pipelines.text.document import Parsed, Section
from omni_pipelines.text.readers import html
from omni_pipelines.text.readers.extraction import MAX_CHARACTERS
from omni_pipelines.text.readers.office import ElementTexts
from omni_pipelines.text.readers.xml_stream import Attributes, XmlHandler, parse_xml
from omni_pipelines.text.readers.zip_archive import ZipArchive

_CHAPTER_TYPES = ("application/xhtml+xml", "text/html")
_FONT_METHODS = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
"""Encryption methods for fonts only; the text stays readable."""


def read(raw: bytes, name: str) -> Parsed:
    """Read a book: all chapters, one after the other.

    Raises:
        Unreadable: E_ENCRYPTED for a book with copy protection, E_OUTPUT_LIMIT, E_NO_TEXT, or an error of
            `ZipArchive`, `parse_xml` or the HTML reader.
    """
    archive = ZipArchive(raw)
    _refuse_protected(archive)
    container = _Container()
    parse_xml(archive.read("META-INF/container.xml"), container)
    package = _Package()
    titles, languages = ElementTexts("title"), ElementTexts("language")
    package_part = archive.read(container.package)
    for handler in (package, titles, languages):
        parse_xml(package_part, handler)
    text, sections = _joined_chapters(archive, package.chapters(posixpath.dirname(container.package)))
    title = titles.first or name
    return Parsed(DecodedText("", "utf-8", 0), title, sections, extracted=text, language=languages.first)


def _joined_chapters(archive: ZipArchive, parts: list[str]) -> tuple[str, tuple[Section, ...]]:
    texts: list[str] = []
    sections: list[Section] = []
    length = 0
    for part in parts:
        chapter = _chapter(archive, part)
        if chapter is None:
            continue
        start = length + (2 if texts else 0)
        sections.append(Section(start, () if chapter.sections else (chapter.title,)))
        sections += [Section(start + section.start, section.path) for section in chapter.sections]
        texts.append(chapter.text)
        length = start + len(chapter.text)
        if length > MAX_CHARACTERS:
            raise Unreadable(RefusalCode.OUTPUT_LIMIT, f"its text is longer than {MAX_CHARACTERS:,} characters")
    if not texts:
        raise Unreadable(RefusalCode.NO_TEXT, "no chapter contains text")
    return "\n\n".join(texts), tuple(sections)


def _chapter(archive: ZipArchive, part: str) -> Parsed | None:
    """A chapter; None for one without text, such as a cover."""
    try:
        return html.read(archive.read(part), posixpath.basename(part))
    except Unreadable as error:
        if error.code is RefusalCode.NO_TEXT:
            return None
        raise


def _refuse_protected(archive: ZipArchive) -> None:
    encryption = archive.optional("META-INF/encryption.xml")
    if encryption is not None:
        handler = _EncryptionMethods()
        parse_xml(encryption, handler)
        if any(method not in _FONT_METHODS for method in handler.methods):
            raise Unreadable(RefusalCode.ENCRYPTED, "the book is copy-protected")


class _EncryptionMethods(XmlHandler):
    """The methods with which parts of the book are encrypted."""

    def __init__(self) -> None:
        self.methods: list[str] = []

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "EncryptionMethod" and "Algorithm" in attributes:
            self.methods.append(attributes["Algorithm"])


class _Container(XmlHandler):
    """The name of the package part, which lists all other parts."""

    def __init__(self) -> None:
        self.package = ""

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "rootfile" and not self.package:
            self.package = attributes.get("full-path", "")


class _Package(XmlHandler):
    """The parts of the book and their reading order."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[str, str]] = {}
        self._order: list[str] = []

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "item":
            self._files[attributes.get("id", "")] = (attributes.get("href", ""), attributes.get("media-type", ""))
        elif name == "itemref":
            self._order.append(attributes.get("idref", ""))

    def chapters(self, folder: str) -> list[str]:
        """Names of the parts to read, in order and without repetitions."""
        files = [self._files[part_id] for part_id in dict.fromkeys(self._order) if part_id in self._files]
        return [
            posixpath.normpath(posixpath.join(folder, unquote(href)))
            for href, kind in files
            if kind in _CHAPTER_TYPES
        ]
