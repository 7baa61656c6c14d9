"""HTML: the visible text, block by block; headings give the structure. Citations give the file's lines."""

from __future__ import annotations

import re

import lxml.etree
import lxml.html

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.decoding import decode
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.extraction import CELL_SEPARATOR
from omni_pipelines.text.readers.headings import nest

_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([-\w.:]+)""", re.IGNORECASE)
_SILENT = {"script", "style", "template", "noscript", "svg", "title", "iframe", "object", "select"}
"""Not the head: the parser puts there what follows it where a page leaves out the tag of its body."""
_INLINE = {
    "a", "abbr", "b", "bdi", "bdo", "cite", "code", "data", "del", "dfn", "em", "font", "i", "ins", "kbd", "label",
    "mark", "q", "rp", "rt", "ruby", "s", "samp", "small", "span", "strong", "sub", "sup", "time", "tt", "u", "var",
    "wbr",
}  # fmt: skip
_CELLS = {"td", "th"}
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_PARAGRAPHS = {"p", "pre", "blockquote", "table", "ul", "ol", "dl", "section", "article", "figure", *_HEADINGS}
_SPACE = re.compile(r"\s+")
_TAG = re.compile(r"""<[a-zA-Z](?:[^>"']++|"[^"]*+"|'[^']*+')*+>?""")
_MAX_TAG_LENGTH = 1 << 15
"""Characters of a tag above which its attributes are left out: the parser compares each of them with all others."""
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_MAX_LINES = 65535
"""The parser counts no further; from here on we count."""


def read(raw: bytes, name: str) -> Parsed:
    """The text a person sees, one block a line, a blank line between paragraphs.

    Raises:
        Unreadable: E_NO_TEXT where nothing visible is left, E_PARSE where the parser gives up, which it does
            2048 elements deep.
    """
    charset = _CHARSET.search(raw[:4096])
    decoded = decode(raw, charset[1].decode("ascii") if charset else None)
    if not decoded.text.strip():
        raise Unreadable(RefusalCode.NO_TEXT, "no visible text")
    page = _Page()
    root = _parse(decoded.text)
    page.walk(root)
    text = page.finish()
    if not text.strip():
        raise Unreadable(RefusalCode.NO_TEXT, "no visible text")
    title = _SPACE.sub(" ", root.findtext("head/title") or "").strip()
    heading = page.headings[0][2] if page.headings else name
    return Parsed(
        decoded,
        title or heading,
        nest(page.headings),
        extracted=text,
        line_marks=tuple(page.marks),
        language=root.get("lang") or root.get("xml:lang") or "",
    )


def _parse(text: str) -> lxml.html.HtmlElement:
    text = text.replace("\r\n", "\n").replace("\r", "\n")  # the parser does so as well, but counts no lines by them
    parser = lxml.html.HTMLParser(encoding="utf-8", no_network=True, huge_tree=True)
    try:
        root = lxml.html.document_fromstring(_TAG.sub(_bounded, text).encode("utf-8"), parser=parser)
    except lxml.etree.ParserError as error:
        raise Unreadable(RefusalCode.NO_TEXT, "no visible text") from error
    except lxml.etree.LxmlError as error:
        raise Unreadable(RefusalCode.PARSE, str(error)) from error
    for entry in parser.error_log:
        if entry.type_name == "ERR_RESOURCE_LIMIT":  # the rest of the page would be missing
            raise Unreadable(RefusalCode.PARSE, "more than 2048 elements inside one another")
    return root


def _bounded(tag: re.Match[str]) -> str:
    if tag.end() - tag.start() <= _MAX_TAG_LENGTH:
        return tag[0]
    name = re.split(r"[\s/>]", tag[0], maxsplit=1)[0][:32]
    return name + "\n" * tag[0].count("\n") + ">"


def _is_silent(element: lxml.html.HtmlElement) -> bool:
    return element.tag in _SILENT or "hidden" in element.attrib


def _is_cell(element: lxml.html.HtmlElement) -> bool:
    """A cell of a row; one outside of any is a block like others."""
    row = element.getparent()
    return element.tag in _CELLS and row is not None and row.tag == "tr"


class _Page:
    """Collects text while the tree is walked; iterative, for pages nest as deep as they like."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.length = 0
        self.marks: list[tuple[int, int]] = []
        self.headings: list[tuple[int, int, str]] = []
        self._silent = 0
        self._raw = 0
        self._break = 0
        """Line ends owed before the next text."""
        self._bars = 0
        """Cells of a table's row that began since the last text: a row stays on one line."""
        self._row = 0
        """Where the text of the row at hand begins."""
        self._line = 1
        """Of the file."""
        self._open_heading: tuple[int, int, int] | None = None

    def walk(self, root: lxml.html.HtmlElement) -> None:
        for event, element in lxml.etree.iterwalk(root, events=("start", "end", "comment", "pi")):
            if event == "start":
                self._enter(element)
            elif event == "end":
                self._leave(element)
            else:
                self._line += (element.text or "").count("\n")
                self._add(element.tail)

    def finish(self) -> str:
        return "".join(self.parts)

    def _enter(self, element: lxml.html.HtmlElement) -> None:
        tag = element.tag
        self._silent += _is_silent(element)
        self._raw += tag == "pre"
        if _is_cell(element):
            self._enter_cell(element)
        elif tag not in _INLINE:
            self._owe(tag)
        if tag == "tr":
            self._row = self.length
        if tag in _HEADINGS:
            self._open_heading = (_HEADINGS[tag], len(self.parts), self.length)
        if element.sourceline and element.sourceline < _MAX_LINES:
            self._line = element.sourceline
        self._add(element.text)

    def _leave(self, element: lxml.html.HtmlElement) -> None:
        tag = element.tag
        self._silent -= _is_silent(element)
        self._raw -= tag == "pre"
        if tag in _HEADINGS and self._open_heading is not None:
            self._close_heading(self._open_heading)
        if tag not in _INLINE and not _is_cell(element):
            self._owe(tag)
        self._add(element.tail)

    def _enter_cell(self, cell: lxml.html.HtmlElement) -> None:
        if cell.getprevious() is not None:
            self._bars += 1
        if self.length > self._row:
            self._break = 0

    def _owe(self, tag: str) -> None:
        self._break = max(self._break, 2 if tag in _PARAGRAPHS else 1)

    def _close_heading(self, opened: tuple[int, int, int]) -> None:
        level, first, start = opened
        self._open_heading = None
        written = "".join(self.parts[first:])
        title = _SPACE.sub(" ", written).strip()
        if title:
            line_ends_before = len(written) - len(written.lstrip("\n"))
            self.headings.append((start + line_ends_before, level, title))

    def _add(self, text: str | None) -> None:
        for line in _LINE.findall(text or ""):
            if not self._silent:
                self._put(line)
            self._line += line.endswith("\n")

    def _between(self) -> str:
        """What is owed between the text so far and the next: line ends, or the bars between cells."""
        in_row = self._bars > 0 and self.length > self._row
        line_ends = 0 if in_row or not self.parts else self._break
        bars = CELL_SEPARATOR * self._bars
        return "\n" * line_ends + (bars[1:] if in_row and self.parts[-1].endswith(" ") else bars)

    def _put(self, text: str) -> None:
        if not self._raw:
            text = _SPACE.sub(" ", text)
            if self._break or self._bars or not self.parts or self.parts[-1].endswith((" ", "\n")):
                text = text.lstrip()
        if not text:
            return
        text = self._between() + text
        self._break = self._bars = 0
        if not self.marks or self.marks[-1][1] != self._line:
            self.marks.append((self.length, self._line))
        self.parts.append(text)
        self.length += len(text)
