"""EPUB: the chapters in reading order, each read by the HTML reader; their headings give the sections.

A chapter that is missing or damaged is left out, and the book is read without it.
"""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.extraction import Extraction, one_line
from omni_pipelines.text.readers.markup import html
from omni_pipelines.text.readers.markup.xml_stream import Attributes, XmlHandler, elements, parse_xml
from omni_pipelines.text.readers.office.package_parts import document_properties
from omni_pipelines.text.readers.office.zip_archive import ZipArchive

_CONTAINER = "META-INF/container.xml"
_NO_PAGES = ("image/", "audio/", "video/", "font/", "text/css", "text/javascript", "application/javascript")
"""How media types start that hold no text. The others are read, because books call their chapters many things."""
_PAGES = (".xhtml", ".html", ".htm")
_CONTENTS_TYPE = "application/x-dtbncx+xml"
_FONT_METHODS = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
"""Encryption methods for fonts only; the text stays readable."""


@dataclass
class _Book:
    chapters: list[str]
    """The names of the parts in reading order, without repetitions."""
    title: str = ""
    language: str = ""
    titles: dict[str, str] = field(default_factory=dict)
    """Part to title, from the table of contents."""


def read(raw: bytes, name: str) -> Parsed:
    """Read a book: all chapters, one after the other."""
    archive = ZipArchive(raw)
    protected = _protected(archive)
    extraction = Extraction()
    book = _book(archive, extraction)
    for part in book.chapters:
        if archive.find(part) in protected:
            extraction.cut(f"the chapter {part} is copy-protected")
        else:
            _read_chapter(archive, part, book.titles.get(part, ""), extraction)
    if not extraction.length and protected:
        raise Unreadable(RefusalCode.ENCRYPTED, "the book is copy-protected")
    return extraction.parsed(name, book.title or name, book.language, no_text="no chapter contains text")


def _book(archive: ZipArchive, extraction: Extraction) -> _Book:
    """What the package file says; if it is damaged, all pages by their names."""
    packages = [
        attributes.get("full-path", "") for _, attributes in elements(archive.optional(_CONTAINER), "rootfile")
    ]
    packages += [part for part in archive.names if part.lower().endswith(".opf")]
    package = next(filter(archive.find, packages), "")
    if not package:
        raise Unreadable(RefusalCode.PARSE, f"{packages[0] if packages else 'its package file'} is missing")
    raw = archive.read(package)
    try:
        book = _listed(archive, raw, posixpath.dirname(package))
        book.title, book.language = document_properties(raw)
    except Unreadable as error:
        if error.code is not RefusalCode.PARSE:
            raise
        extraction.cut(f"{package} is damaged, so the order of the chapters is unknown: {error.detail}")
        return _Book(sorted(part for part in archive.names if part.lower().endswith(_PAGES)))
    return book


def _listed(archive: ZipArchive, package: bytes, folder: str) -> _Book:
    """The chapters in reading order; every page in the list of files if the book states no order."""
    files: dict[str, tuple[str, str]] = {}
    order: dict[str, None] = {}
    contents = ""
    for element, attributes in elements(package, "item", "itemref"):
        if element == "itemref":
            order[attributes.get("idref", "")] = None
            continue
        href = attributes.get("href", "").partition("#")[0]
        part = posixpath.normpath(posixpath.join(folder, unquote(href))).lstrip("/")
        media_type = attributes.get("media-type", "").strip().lower()
        files[attributes.get("id", "")] = (part, media_type)
        if media_type == _CONTENTS_TYPE or "nav" in attributes.get("properties", "").split():
            contents = part
    listed = [files[part_id] for part_id in order if part_id in files]
    listed = listed or [entry for entry in files.values() if entry[0].lower().endswith(_PAGES)]
    chapters = dict.fromkeys(part for part, media_type in listed if not media_type.startswith(_NO_PAGES))
    return _Book(list(chapters), titles=_titles(archive, contents))


def _titles(archive: ZipArchive, contents: str) -> dict[str, str]:
    """Part to title, from the table of contents; none if it is damaged."""
    raw = archive.optional(contents) if contents else None
    titles = _Titles(posixpath.dirname(contents))
    if raw is not None:
        try:
            parse_xml(raw, titles)
        except Unreadable:
            return {}
    return titles.titles


class _Titles(XmlHandler):
    """The entries of a table of contents: `navPoint` of older books, links of newer ones."""

    def __init__(self, folder: str) -> None:
        self.titles: dict[str, str] = {}
        self._folder = folder
        self._text = self._target = ""

    def start(self, name: str, attributes: Attributes) -> None:
        if name in ("navLabel", "a"):
            self._text = ""
        target = attributes.get("src" if name == "content" else "href", "") if name in ("content", "a") else ""
        if target:
            part = unquote(target.partition("#")[0])
            self._target = posixpath.normpath(posixpath.join(self._folder, part))
            if name == "content":
                self._note()

    def end(self, name: str) -> None:
        if name == "a" and self._target:
            self._note()

    def text(self, data: str) -> None:
        self._text += data

    def _note(self) -> None:
        self.titles.setdefault(self._target, one_line(self._text))
        self._target = ""


def _read_chapter(archive: ZipArchive, part: str, title: str, extraction: Extraction) -> None:
    try:
        chapter = html.read_visible(archive.read(part), posixpath.basename(part))
    except Unreadable as error:
        if error.code is RefusalCode.ZIP_BOMB:
            raise
        extraction.cut(f"the chapter {part} was not read: {error.detail}", error.code)
        return
    if chapter is None:  # a cover, for example
        return
    if chapter.sections:
        extraction.end_sections()
    else:
        extraction.mark(1, title or chapter.title)
    extraction.include(chapter)


def _protected(archive: ZipArchive) -> set[str | None]:
    """The parts that are encrypted, without fonts.

    Raises:
        Unreadable: E_ENCRYPTED if it is not said which parts are encrypted.
    """
    parts: set[str | None] = set()
    for method, names in _encrypted(archive):
        if method not in _FONT_METHODS:
            if not names:
                raise Unreadable(RefusalCode.ENCRYPTED, "the book is copy-protected")
            parts.update(map(archive.find, names))
    return parts


def _encrypted(archive: ZipArchive) -> Iterator[tuple[str, list[str]]]:
    """(method, names of parts) of each entry of the list of encrypted parts."""
    method, names = "", list[str]()
    listed = elements(
        archive.optional("META-INF/encryption.xml"), "EncryptedData", "EncryptionMethod", "CipherReference"
    )
    for element, attributes in listed:
        if element == "EncryptedData":
            if method:
                yield method, names
            method, names = "", []
        elif element == "EncryptionMethod":
            method = method or attributes.get("Algorithm", "")  # a key inside the entry has a method of its own
        else:
            names.append(unquote(attributes.get("URI", "")))
    if method:
        yield method, names
