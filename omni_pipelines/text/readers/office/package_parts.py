"""The parts that Word, PowerPoint and Excel files share: relations between parts, and document properties."""

import posixpath
from urllib.parse import unquote

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.readers.markup.xml_stream import Attributes, XmlHandler, elements, parse_xml
from omni_pipelines.text.readers.office.zip_archive import ZipArchive

CORE_PROPERTIES = "docProps/core.xml"
"""The part with the properties of the document."""


def main_part(archive: ZipArchive, usual: str, type_ends: tuple[str, ...]) -> str:
    """The name of the part that holds the document: by the relations of the file, by its type, or the `usual` one.

    Raises:
        Unreadable: E_PARSE if there is none.
    """
    named = [part for kind, part in relations(archive, "").values() if kind == "officeDocument"]
    types = elements(archive.optional("[Content_Types].xml"), "Override")
    typed = [
        attributes.get("PartName", "").lstrip("/")
        for _, attributes in types
        if attributes.get("ContentType", "").endswith(type_ends)
    ]
    for part in (*named, *typed, usual):
        if archive.find(part):
            return part
    raise Unreadable(RefusalCode.PARSE, f"{usual} is missing")


def relations(archive: ZipArchive, part: str) -> dict[str, tuple[str, str]]:
    """Id to (kind, name of the part) of everything inside the file that a part refers to; "" is the file itself."""
    folder, name = posixpath.split(part)
    targets = {}
    for _, attributes in elements(archive.optional(posixpath.join(folder, "_rels", f"{name}.rels")), "Relationship"):
        if attributes.get("TargetMode") != "External":  # those are never fetched
            target = posixpath.normpath(posixpath.join("/", folder, attributes.get("Target", "")))
            kind = attributes.get("Type", "").rpartition("/")[2]
            part_name = target.lstrip("/")
            targets[attributes.get("Id", "")] = (kind, part_name if archive.find(part_name) else unquote(part_name))
    return targets


def is_on(attributes: Attributes) -> bool:
    """Whether a property that may be switched off is on: without a value it is."""
    return attributes.get("val", "1").lower() not in ("0", "false", "off", "none")


class Alternatives:
    """Decides which one of several renderings of the same content is read: the first that has text.

    Office writes new drawings as `mc:AlternateContent`: choices for new programs, and a fallback for old ones.
    """

    def __init__(self) -> None:
        self._has_text: list[bool] = []
        self._is_skipped: list[bool] = []

    @property
    def is_skipped(self) -> bool:
        """Whether the current place is inside a rendering that is not read."""
        return any(self._is_skipped)

    def start(self, name: str) -> None:
        """Handle the start of an element."""
        if name == "AlternateContent":
            self._has_text.append(False)
        elif name in ("Choice", "Fallback") and self._has_text:
            self._is_skipped.append(self._has_text[-1])

    def end(self, name: str) -> None:
        """Handle the end of an element."""
        if name == "AlternateContent" and self._has_text:
            has_text = self._has_text.pop()
            if self._has_text:
                self._has_text[-1] |= has_text
        elif name in ("Choice", "Fallback") and self._is_skipped:
            self._is_skipped.pop()

    def found(self) -> None:
        """Note that the current rendering has text or refers to a part that has."""
        if self._has_text:
            self._has_text[-1] = True


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
