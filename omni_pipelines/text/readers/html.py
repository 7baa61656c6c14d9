"""HTML: the visible text, block by block, with its lines in the file; headings give the sections."""

import re

import lxml.etree
import lxml.html

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.decoding import decode
from omni_pipelines.text.document import Parsed, nest
from omni_pipelines.text.readers.extraction import CELL_SEPARATOR

_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([-\w.:]+)""", re.IGNORECASE)
_MAX_CHARSET_BYTES = 4096
_SILENT = {"script", "style", "template", "noscript", "svg", "title", "iframe", "object", "select"}
"""Without `head`: if a page has no `body` tag, the parser puts the content of the page there."""
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
"""A longer tag loses its attributes: the parser compares each attribute with all others."""
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_MAX_PARSER_LINE = 65535
"""The parser counts lines up to this one; the lines after it are counted here."""
_NO_TEXT = "no text on the page is visible"


def read(raw: bytes, name: str) -> Parsed:
    """Read a page: one block per line, with a blank line between paragraphs."""
    charset = _CHARSET.search(raw[:_MAX_CHARSET_BYTES])
    decoded = decode(raw, charset[1].decode("ascii") if charset else None)
    if not decoded.text.strip():
        raise Unreadable(RefusalCode.NO_TEXT, _NO_TEXT)
    page = _VisibleText()
    root = _parse(decoded.text)
    page.walk(root)
    text = "".join(page.parts)
    if not text.strip():
        raise Unreadable(RefusalCode.NO_TEXT, _NO_TEXT)
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


def read_visible(raw: bytes, name: str) -> Parsed | None:
    """Read a page that is a part of a document; None if no text on it is visible."""
    try:
        return read(raw, name)
    except Unreadable as error:
        if error.code is RefusalCode.NO_TEXT:
            return None
        raise


def _parse(text: str) -> lxml.html.HtmlElement:
    # the parser replaces \r too, but does not count it as a line end
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    parser = lxml.html.HTMLParser(encoding="utf-8", no_network=True, huge_tree=True)
    try:
        root = lxml.html.document_fromstring(_TAG.sub(_shortened, text).encode("utf-8"), parser=parser)
    except lxml.etree.ParserError as error:
        raise Unreadable(RefusalCode.NO_TEXT, _NO_TEXT) from error
    except lxml.etree.LxmlError as error:
        raise Unreadable(RefusalCode.PARSE, str(error)) from error
    for entry in parser.error_log:
        if entry.type_name == "ERR_RESOURCE_LIMIT":  # otherwise the rest of the page would be missing
            raise Unreadable(RefusalCode.PARSE, "more than 2048 levels of nested elements")
    return root


def _shortened(tag: re.Match[str]) -> str:
    if tag.end() - tag.start() <= _MAX_TAG_LENGTH:
        return tag[0]
    name = re.split(r"[\s/>]", tag[0], maxsplit=1)[0][:32]
    return name + "\n" * tag[0].count("\n") + ">"


def _is_silent(element: lxml.html.HtmlElement) -> bool:
    return element.tag in _SILENT or "hidden" in element.attrib


def _is_cell(element: lxml.html.HtmlElement) -> bool:
    """Whether an element is a cell in a row. A cell outside a row is a block like any other."""
    row = element.getparent()
    return element.tag in _CELLS and row is not None and row.tag == "tr"


class _VisibleText:
    """Collects text on an iterative walk through the tree, because pages may be nested very deeply."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.length = 0
        self.marks: list[tuple[int, int]] = []
        self.headings: list[tuple[int, int, str]] = []
        self._silent = 0
        self._preformatted = 0
        self._break = 0
        """Line ends to write before the next text."""
        self._separators = 0
        """Cell separators to write before the next text, because a row is one line."""
        self._row = 0
        """Where the text of the current row starts."""
        self._line = 1
        """The current line of the file."""
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

    def _enter(self, element: lxml.html.HtmlElement) -> None:
        tag = element.tag
        self._silent += _is_silent(element)
        self._preformatted += tag == "pre"
        if _is_cell(element):
            self._enter_cell(element)
        elif tag not in _INLINE:
            self._break_line(tag)
        if tag == "tr":
            self._row = self.length
        if tag in _HEADINGS:
            self._open_heading = (_HEADINGS[tag], len(self.parts), self.length)
        if element.sourceline and element.sourceline < _MAX_PARSER_LINE:
            self._line = element.sourceline
        self._add(element.text)

    def _leave(self, element: lxml.html.HtmlElement) -> None:
        tag = element.tag
        self._silent -= _is_silent(element)
        self._preformatted -= tag == "pre"
        if tag in _HEADINGS and self._open_heading is not None:
            self._close_heading(self._open_heading)
        if tag not in _INLINE and not _is_cell(element):
            self._break_line(tag)
        self._add(element.tail)

    def _enter_cell(self, cell: lxml.html.HtmlElement) -> None:
        if cell.getprevious() is not None:
            self._separators += 1
        if self.length > self._row:
            self._break = 0

    def _break_line(self, tag: str) -> None:
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
        """The line ends or cell separators between the text so far and the next text."""
        is_in_row = self._separators > 0 and self.length > self._row
        line_ends = 0 if is_in_row or not self.parts else self._break
        separators = CELL_SEPARATOR * self._separators
        return "\n" * line_ends + (separators[1:] if is_in_row and self.parts[-1].endswith(" ") else separators)

    def _put(self, text: str) -> None:
        if not self._preformatted:
            text = _SPACE.sub(" ", text)
            if self._break or self._separators or not self.parts or self.parts[-1].endswith((" ", "\n")):
                text = text.lstrip()
        if not text:
            return
        between = self._between()
        self._break = self._separators = 0
        if not self.marks or self.marks[-1][1] != self._line:
            line_ends = len(between) - len(between.lstrip("\n"))  # they belong to the line before
            self.marks.append((self.length + line_ends, self._line))
        text = between + text
        self.parts.append(text)
        self.length += len(text)
