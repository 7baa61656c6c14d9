"""What Word, PowerPoint and Excel files have in common: relations between parts, and their title and language."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from omni_pipelines.text.readers.archive import Archive
from omni_pipelines.text.readers.xml_stream import Attributes, XmlHandler, parse_xml


class _Relations(XmlHandler):
    def __init__(self, folder: str) -> None:
        self.targets: dict[str, tuple[str, str]] = {}
        self._folder = folder

    def start(self, name: str, attributes: Attributes) -> None:
        if (
            name == "Relationship" and attributes.get("TargetMode") != "External"
        ):  # what is elsewhere is never fetched
            target = posixpath.normpath(posixpath.join("/", self._folder, attributes.get("Target", "")))
            kind = attributes.get("Type", "").rpartition("/")[2]
            self.targets[attributes.get("Id", "")] = (kind, target.lstrip("/"))


def relations(archive: Archive, part: str) -> dict[str, tuple[str, str]]:
    """Id to (kind, name of the part) of everything a part refers to inside the file."""
    folder, name = posixpath.split(part)
    found = _Relations(folder)
    raw = archive.optional(f"{folder}/_rels/{name}.rels")
    if raw is not None:
        parse_xml(raw, found)
    return found.targets


class Texts(XmlHandler):
    """The text of every element with one of these names, in order."""

    def __init__(self, *names: str) -> None:
        self.found: list[str] = []
        self._names, self._inside = names, 0

    def start(self, name: str, attributes: Attributes) -> None:
        """Begin a text at one of the names."""
        if name in self._names:
            self.found.append("")
            self._inside += 1

    def end(self, name: str) -> None:
        """Leave it."""
        self._inside -= name in self._names

    def text(self, data: str) -> None:
        """Keep what stands inside."""
        if self._inside:
            self.found[-1] += data


@dataclass(frozen=True)
class Declared:
    """What the file says of itself; "" where it says nothing."""

    title: str
    language: str


def declared(archive: Archive, part: str = "docProps/core.xml") -> Declared:
    """Title and language, from the part that describes the document."""
    raw = archive.optional(part)
    titles, languages = Texts("title"), Texts("language")
    if raw is not None:
        parse_xml(raw, titles)
        parse_xml(raw, languages)
    return Declared(*("".join(texts.found[:1]).strip() for texts in (titles, languages)))
