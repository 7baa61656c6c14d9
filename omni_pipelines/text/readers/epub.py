"""EPUB: the chapters in reading order, each read as the web page it is."""

from __future__ import annotations

import posixpath
from urllib.parse import unquote

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.decoding import Decoded
from omni_pipelines.text.document import Parsed, Section
from omni_pipelines.text.readers import html
from omni_pipelines.text.readers.archive import Archive
from omni_pipelines.text.readers.extraction import MAX_CHARACTERS
from omni_pipelines.text.readers.office import Texts
from omni_pipelines.text.readers.xml_stream import Attributes, XmlHandler, parse_xml

_PAGES = ("application/xhtml+xml", "text/html")
_FONTS = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
"""Ways to scramble fonts, which leave the text readable."""


def read(raw: bytes, name: str) -> Parsed:
    """All chapters, one below the other.

    Raises:
        Unreadable: as `Archive`, `parse_xml` and the HTML reader say; E_ENCRYPTED for a book with copy protection.
    """
    archive = Archive(raw)
    _refuse_protected(archive)
    container = _Container()
    parse_xml(archive.read("META-INF/container.xml"), container)
    package = _Package()
    titles, languages = Texts("title"), Texts("language")
    book = archive.read(container.package)
    parse_xml(book, package)
    parse_xml(book, titles)
    parse_xml(book, languages)
    texts: list[str] = []
    sections: list[Section] = []
    length = 0
    for part in package.chapters(posixpath.dirname(container.package)):
        chapter = _chapter(archive, part)
        if chapter is None:
            continue
        start = length + (2 if texts else 0)
        sections.append(Section(start, () if chapter.sections else (chapter.title,)))
        sections += [Section(start + section.start, section.path) for section in chapter.sections]
        texts.append(chapter.text)
        length = start + len(chapter.text)
        if length > MAX_CHARACTERS:
            raise Unreadable(RefusalCode.OUTPUT_LIMIT, f"more than {MAX_CHARACTERS:,} characters of text")
    if not texts:
        raise Unreadable(RefusalCode.NO_TEXT, "no chapter with text")
    title = titles.found[0].strip() if titles.found else ""
    text, language = "\n\n".join(texts), languages.found[0] if languages.found else ""
    return Parsed(Decoded("", "utf-8", 0), title or name, tuple(sections), extracted=text, language=language)


def _chapter(archive: Archive, part: str) -> Parsed | None:
    """A chapter; None for one without text, such as a cover."""
    try:
        return html.read(archive.read(part), posixpath.basename(part))
    except Unreadable as error:
        if error.code == RefusalCode.NO_TEXT:
            return None
        raise


def _refuse_protected(archive: Archive) -> None:
    listed = archive.optional("META-INF/encryption.xml")
    if listed is not None:
        methods = _Methods()
        parse_xml(listed, methods)
        if any(method not in _FONTS for method in methods.found):
            raise Unreadable(RefusalCode.ENCRYPTED, "it is copy-protected")


class _Methods(XmlHandler):
    """Ways in which parts of the book are encrypted."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "EncryptionMethod" and "Algorithm" in attributes:
            self.found.append(attributes["Algorithm"])


class _Container(XmlHandler):
    def __init__(self) -> None:
        self.package = ""

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "rootfile" and not self.package:
            self.package = attributes.get("full-path", "")


class _Package(XmlHandler):
    def __init__(self) -> None:
        self._files: dict[str, tuple[str, str]] = {}
        self._order: list[str] = []

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "item":
            self._files[attributes.get("id", "")] = (attributes.get("href", ""), attributes.get("media-type", ""))
        elif name == "itemref":
            self._order.append(attributes.get("idref", ""))

    def chapters(self, folder: str) -> list[str]:
        """Names of the parts to read, in order, each once."""
        files = [self._files[each] for each in dict.fromkeys(self._order) if each in self._files]
        return [posixpath.normpath(posixpath.join(folder, unquote(href))) for href, kind in files if kind in _PAGES]
