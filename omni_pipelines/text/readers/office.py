"""The parts that Word, PowerPoint and Excel files share: relations between parts, and document properties."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from omni_pipelines.text.readers.xml_stream import Attributes, XmlHandler, parse_xml
from omni_pipelines.text.readers.zip_archive import ZipArchive


class _Relations(XmlHandler):
    def __init__(self, folder: str) -> None:
        self.targets: dict[str, tuple[str, str]] = {}
        self._folder = folder

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "Relationship" and attributes.get("TargetMode") != "External":  # those are never fetched
            target = posixpath.normpath(posixpath.join("/", self._folder, attributes.get("Target", "")))
            kind = attributes.get("Type", "").rpartition("/")[2]
            self.targets[attributes.get("Id", "")] = (kind, target.lstrip("/"))


def relations(archive: ZipArchive, part: str) -> dict[str, tuple[str, str]]:
    """Id to (kind, name of the part) of everything inside the file that a part refers to."""
    folder, name = posixpath.split(part)
    handler = _Relations(folder)
    raw = archive.optional(f"{folder}/_rels/{name}.rels")
    if raw is not None:
        parse_xml(raw, handler)
    return handler.targets


class ElementTexts(XmlHandler):
    """Collects the text of every element with one of these names, in order."""

    def __init__(self, *names: str) -> None:
        self.texts: list[str] = []
        self._names, self._inside = names, 0

    @property
    def first(self) -> str:
        """The text of the first element; "" if there is none."""
        return self.texts[0].strip() if self.texts else ""

    def start(self, name: str, attributes: Attributes) -> None:
        """Start a text at an element with one of the names."""
        if name in self._names:
            self.texts.append("")
            self._inside += 1

    def end(self, name: str) -> None:
        """End it."""
        self._inside -= name in self._names

    def text(self, data: str) -> None:
        """Add to the text inside such an element."""
        if self._inside:
            self.texts[-1] += data


@dataclass(frozen=True)
class DocumentProperties:
    """What a file declares about itself; "" where it declares nothing."""

    title: str
    language: str


def document_properties(archive: ZipArchive, part: str = "docProps/core.xml") -> DocumentProperties:
    """Title and language, from the part that describes the document."""
    raw = archive.optional(part)
    titles, languages = ElementTexts("title"), ElementTexts("language")
    if raw is not None:
        parse_xml(raw, titles)
        parse_xml(raw, languages)
    return DocumentProperties(titles.first, languages.first)
