"""The parts that Word, PowerPoint and Excel files share: relations between parts, and document properties."""

import posixpath

from omni_pipelines.text.readers.xml_stream import Attributes, XmlHandler, elements, parse_xml
from omni_pipelines.text.readers.zip_archive import ZipArchive

CORE_PROPERTIES = "docProps/core.xml"
"""The part with the properties of the document."""


def relations(archive: ZipArchive, part: str) -> dict[str, tuple[str, str]]:
    """Id to (kind, name of the part) of everything inside the file that a part refers to."""
    folder, name = posixpath.split(part)
    targets = {}
    for _, attributes in elements(archive.optional(f"{folder}/_rels/{name}.rels"), "Relationship"):
        if attributes.get("TargetMode") != "External":  # those are never fetched
            target = posixpath.normpath(posixpath.join("/", folder, attributes.get("Target", "")))
            kind = attributes.get("Type", "").rpartition("/")[2]
            targets[attributes.get("Id", "")] = (kind, target.lstrip("/"))
    return targets


def document_properties(raw: bytes | None) -> tuple[str, str]:
    """Title and language that a part declares; "" for what it does not declare, or if there is no such part."""
    if raw is None:
        return "", ""
    titles, languages = _ElementTexts("title"), _ElementTexts("language")
    parse_xml(raw, titles)
    parse_xml(raw, languages)
    return titles.first(), languages.first()


class _ElementTexts(XmlHandler):
    """Collects the text of every element with one name, in order."""

    def __init__(self, name: str) -> None:
        self._texts: list[str] = []
        self._name, self._inside = name, 0

    def first(self) -> str:
        return self._texts[0].strip() if self._texts else ""

    def start(self, name: str, attributes: Attributes) -> None:
        if name == self._name:
            self._texts.append("")
            self._inside += 1

    def end(self, name: str) -> None:
        self._inside -= name == self._name

    def text(self, data: str) -> None:
        if self._inside:
            self._texts[-1] += data
