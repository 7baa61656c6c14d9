"""HTML: the visible text, block by block; headings give the structure. Citations give the file's lines."""

from __future__ import annotations

import re

import lxml.etree
import lxml.html

from omni_pipelines.text.decoding import Decoded, Unreadable, decode
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.headings import nest

_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([-\w.:]+)""", re.IGNORECASE)
_SILENT = {"script", "style", "template", "noscript", "svg", "head", "iframe", "object", "select"}
_INLINE = {
    "a", "abbr", "b", "bdi", "bdo", "cite", "code", "data", "del", "dfn", "em", "font", "i", "ins", "kbd", "label",
    "mark", "q", "rp", "rt", "ruby", "s", "samp", "small", "span", "strong", "sub", "sup", "time", "tt", "u", "var",
    "wbr",
}  # fmt: skip
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_PARAGRAPHS = {"p", "pre", "blockquote", "table", "ul", "ol", "dl", "section", "article", "figure", *_HEADINGS}
_SPACE = re.compile(r"\s+")


def read(raw: bytes, name: str) -> Parsed:
    """The text a person sees, one block a line, a blank line between paragraphs.

    Raises:
        Unreadable: E_NO_TEXT where nothing visible is left, E_PARSE where the parser gives up.
    """
    charset = _CHARSET.search(raw[:4096])
    decoded = decode(raw, charset[1].decode("ascii") if charset else None)
    page = _Page()
    root = _parse(decoded)
    page.walk(root)
    text = page.finish()
    if not text.strip():
        raise Unreadable("E_NO_TEXT", "no visible text")
    title = _SPACE.sub(" ", root.findtext(".//title") or "").strip()
    heading = page.headings[0][2] if page.headings else name
    return Parsed(decoded, title or heading, nest(page.headings), extracted=text, line_marks=tuple(page.marks))


def _parse(decoded: Decoded) -> lxml.html.HtmlElement:
    parser = lxml.html.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)
    try:
        return lxml.html.document_fromstring(decoded.text.encode("utf-8"), parser=parser)
    except lxml.etree.LxmlError as error:
        raise Unreadable("E_PARSE", str(error)) from error


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
        self._open_heading: tuple[int, int, int] | None = None

    def walk(self, root: lxml.html.HtmlElement) -> None:
        for event, element in lxml.etree.iterwalk(root, events=("start", "end")):
            tag = element.tag if isinstance(element.tag, str) else ""
            if event == "start":
                self._enter(tag, element)
            else:
                self._leave(tag, element)

    def finish(self) -> str:
        return "".join(self.parts)

    def _enter(self, tag: str, element: lxml.html.HtmlElement) -> None:
        self._silent += tag in _SILENT
        self._raw += tag == "pre"
        if tag not in _INLINE:
            self._owe(tag)
        if tag in _HEADINGS:
            self._open_heading = (_HEADINGS[tag], len(self.parts), self.length)
        self._add(element.text, element.sourceline)

    def _leave(self, tag: str, element: lxml.html.HtmlElement) -> None:
        self._silent -= tag in _SILENT
        self._raw -= tag == "pre"
        if tag in _HEADINGS and self._open_heading is not None:
            self._close_heading(self._open_heading)
        if tag not in _INLINE:
            self._owe(tag)
        self._add(element.tail, None)

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

    def _add(self, text: str | None, line: int | None) -> None:
        if not text or self._silent:
            return
        if not self._raw:
            text = _SPACE.sub(" ", text)
            if self._break or not self.parts or self.parts[-1].endswith((" ", "\n")):
                text = text.lstrip()
        if not text:
            return
        if self._break and self.parts:
            text = "\n" * self._break + text
        self._break = 0
        if line is not None:
            self.marks.append((self.length, line))
        self.parts.append(text)
        self.length += len(text)
