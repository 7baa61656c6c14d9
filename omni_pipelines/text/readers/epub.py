"""EPUB: the chapters in reading order, each read by the HTML reader; their headings give the sections."""

import posixpath
from urllib.parse import unquote

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.decoding import DecodedText
from omni_pipelines.text.document import Parsed, Section
from omni_pipelines.text.readers import html
from omni_pipelines.text.readers.extraction import MAX_CHARACTERS
from omni_pipelines.text.readers.office import document_properties
from omni_pipelines.text.readers.xml_stream import elements
from omni_pipelines.text.readers.zip_archive import ZipArchive

_CHAPTER_TYPES = ("application/xhtml+xml", "text/html")
_FONT_METHODS = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
"""Encryption methods for fonts only; the text stays readable."""


def read(raw: bytes, name: str) -> Parsed:
    """Read a book: all chapters, one after the other."""
    archive = ZipArchive(raw)
    _refuse_protected(archive)
    container = archive.read("META-INF/container.xml")
    packages = [attributes.get("full-path", "") for _, attributes in elements(container, "rootfile")]
    package_name = next(filter(None, packages), "")
    package = archive.read(package_name)
    chapters = _chapters(package, posixpath.dirname(package_name))
    title, language = document_properties(package)
    text, sections = _joined_chapters(archive, chapters)
    return Parsed(DecodedText("", "utf-8", 0), title or name, sections, extracted=text, language=language)


def _joined_chapters(archive: ZipArchive, parts: list[str]) -> tuple[str, tuple[Section, ...]]:
    texts: list[str] = []
    sections: list[Section] = []
    length = 0
    for part in parts:
        chapter = html.read_visible(archive.read(part), posixpath.basename(part))
        if chapter is None:  # a cover, for example
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


def _refuse_protected(archive: ZipArchive) -> None:
    methods = list(elements(archive.optional("META-INF/encryption.xml"), "EncryptionMethod"))
    if any(method.get("Algorithm", _FONT_METHODS[0]) not in _FONT_METHODS for _, method in methods):
        raise Unreadable(RefusalCode.ENCRYPTED, "the book is copy-protected")


def _chapters(package: bytes, folder: str) -> list[str]:
    """The names of the chapters, in reading order and without repetitions."""
    files: dict[str, tuple[str, str]] = {}
    order: dict[str, None] = {}
    for element, attributes in elements(package, "item", "itemref"):
        if element == "item":
            files[attributes.get("id", "")] = (attributes.get("href", ""), attributes.get("media-type", ""))
        else:
            order[attributes.get("idref", "")] = None
    listed = [files[part_id] for part_id in order if part_id in files]
    return [
        posixpath.normpath(posixpath.join(folder, unquote(href))) for href, kind in listed if kind in _CHAPTER_TYPES
    ]
