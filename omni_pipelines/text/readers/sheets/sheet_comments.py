"""The comments on the cells of an Excel sheet: notes, and threads of comments with their replies."""

from collections.abc import Iterable

from omni_pipelines.text.readers.extraction import one_line
from omni_pipelines.text.readers.markup.xml_stream import Attributes, XmlHandler, parse_xml
from omni_pipelines.text.readers.office.zip_archive import ZipArchive
from omni_pipelines.text.readers.sheets.sheet_rows import cell_place, comment, unescaped

Comments = dict[tuple[int, int], str]
"""Row and column, from 1, to the comments there, each as "Comment by NAME: TEXT"."""


def comments_of(archive: ZipArchive, targets: Iterable[tuple[str, str]], people: dict[str, str]) -> Comments:
    """The comments of a sheet with relations to these (kind, part). `people` has the names of authors by their id.

    A thread also has a note for old programs, which is left out.
    """
    found: Comments = {}
    by_kind = sorted(targets, key=lambda target: target[0] != "threadedComment")
    threads = set[tuple[int, int]]()
    for kind, part in by_kind:
        raw = archive.optional(part) if kind in ("comments", "threadedComment") else None
        if raw is None:
            continue
        handler = _CommentHandler(people)
        parse_xml(raw, handler)
        for place, author, text in handler.found:
            if not text or not all(place) or (kind == "comments" and place in threads):
                continue
            if kind == "threadedComment":
                threads.add(place)
            shown = comment(author, text)
            found[place] = f"{found[place]}; {shown}" if place in found else shown
    return found


class _CommentHandler(XmlHandler):
    def __init__(self, people: dict[str, str]) -> None:
        self.found: list[tuple[tuple[int, int], str, str]] = []
        self._people = people
        self._authors: list[str] = []
        self._place, self._author = (0, 0), ""
        self._texts: list[str] = []
        self._inside = ""

    def start(self, name: str, attributes: Attributes) -> None:
        self._inside = name if name in ("author", "t", "text") else ""
        if name == "author":
            self._texts = []
        elif name in ("comment", "threadedComment"):
            number = attributes.get("authorId", "")
            named = self._authors[int(number)] if number.isdecimal() and int(number) < len(self._authors) else ""
            self._author = self._people.get(attributes.get("personId", ""), named)
            self._place, self._texts = cell_place(attributes.get("ref", "")), []

    def end(self, name: str) -> None:
        if name == "author":
            self._authors.append(one_line("".join(self._texts)))
        elif name in ("comment", "threadedComment"):
            self.found.append((self._place, self._author, one_line(unescaped("".join(self._texts)))))
        self._inside = ""

    def text(self, data: str) -> None:
        if self._inside:
            self._texts.append(data)
