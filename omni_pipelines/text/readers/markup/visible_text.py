"""The visible text of a page, with the marks that Markdown has for items, code and the header of a table."""

import re
from dataclasses import dataclass, field

import lxml.etree
from lxml.html import HtmlElement

from omni_pipelines.text.document import Heading
from omni_pipelines.text.readers.extraction import MAX_CHARACTERS
from omni_pipelines.text.readers.markup.html_elements import (
    HEADINGS,
    INLINE,
    LISTS,
    PARAGRAPHS,
    description,
    fence_of,
    header_cells,
    is_after,
    is_cell,
    is_line_numbers,
    is_named_term,
    is_nested_list,
    is_silent,
    whole_number,
)
from omni_pipelines.text.readers.markup.page_styles import PageStyles
from omni_pipelines.text.table_headers import CELL_SEPARATOR

MAX_TERM_LENGTH = 120
"""Characters of a term in a heading path: the path is repeated with each chunk, and the text has the whole term."""
_SPACE = re.compile(r"\s+")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_MAX_PARSER_LINE = 65535
"""The parser counts lines up to this one; the lines after it are counted here."""
_LEVELS_BETWEEN_HEADINGS = 64
"""Levels for terms in nested lists below one level of headings."""
_MAX_INDENT = 32
_ITEM_INDENT, _DEFINITION_INDENT = 2, 4
_HEADER_RULE = "---"


@dataclass
class _OpenHeading:
    level: int
    start: int | None = None
    """Where its text starts; None before that."""
    first: int = 0
    """The first of its parts."""
    is_alias: bool = False
    """It is a further term with the same description as the last one."""


@dataclass
class _Listing:
    """Preformatted text. Blanks are held back until text follows, so that none are before a fence."""

    fence: str
    language: str
    is_open: bool = False
    held: str = ""


@dataclass
class _Definitions:
    """A list of terms with descriptions."""

    level: int
    has_heading: bool = False
    """The last term is a heading."""
    has_headings: bool = False


@dataclass
class _Row:
    start: int = 0
    has_paragraphs: bool = False
    """A cell contains several paragraphs: the row is more than one line."""


@dataclass
class _Lists:
    """The lists around the current element."""

    counters: list[int | None] = field(default_factory=list)
    """The next number of each list; None for lists without numbers."""
    indents: list[int] = field(default_factory=list)
    written: list[int] = field(default_factory=list)
    """The length of the text where each item started."""
    definitions: list[_Definitions] = field(default_factory=list)

    def indent(self) -> str:
        return " " * min(sum(self.indents[-_MAX_INDENT:]), _MAX_INDENT)

    def mark(self, item: HtmlElement) -> str:
        """The mark of the next item of the innermost list."""
        if not self.counters or self.counters[-1] is None:
            return "- "
        number = whole_number(item.get("value"))
        number = self.counters[-1] if number is None else number
        self.counters[-1] = number + 1
        return f"{number}. "


class VisibleText:
    """Collects text on an iterative walk through the tree, because pages may be nested very deeply."""

    def __init__(self, root: HtmlElement, max_characters: int = MAX_CHARACTERS) -> None:
        self._root, self._max_characters = root, max_characters
        self.is_full = False
        """The text is as long as it may be, and the rest of the page is left out."""
        self._styles = PageStyles(root)
        self.parts: list[str] = []
        self.length = 0
        self.marks: list[tuple[int, int]] = []
        self.headings: list[Heading] = []
        """In order. One without a title ends those before it of its level and below."""
        self._silent: list[HtmlElement] = []
        """The elements around the current one whose contents are no text; only the outermost."""
        self._preformatted = 0
        self._break = 0
        """Line ends to write before the next text."""
        self._is_item_empty = False
        """No text of the current item or cell is written yet: what is inside begins on the line of its mark."""
        self._mark = ""
        self._is_after_fence = False
        self._separators = 0
        """Cell separators to write before the next text, because a row is one line."""
        self._row = _Row()
        self._line = 1
        """The current line of the file."""
        self._lists = _Lists()
        self._listing: _Listing | None = None
        self._heading_level = 0
        self._open_heading: _OpenHeading | None = None
        self._ended_level = 0
        """The level of terms whose list has ended: the next text belongs to what encloses them. 0 for none."""

    def walk(self) -> None:
        """Collect the text of the page."""
        for event, element in lxml.etree.iterwalk(self._root, events=("start", "end", "comment", "pi")):
            if self.is_full:
                return
            if event == "start":
                self._enter(element)
            elif event == "end":
                self._leave(element)
            else:
                self._line += (element.text or "").count("\n")
                self._add(element.tail)

    def _enter(self, element: HtmlElement) -> None:
        tag = element.tag
        if not self._silent and (is_silent(element) or self._styles.hides(element)):
            self._silent.append(element)
        if tag not in INLINE:
            self._enter_block(element, tag)
        if element.sourceline and element.sourceline < _MAX_PARSER_LINE:
            self._line = element.sourceline
        self._add(element.text if tag != "img" else description(element))

    def _enter_block(self, element: HtmlElement, tag: str) -> None:
        if is_cell(element):
            self._enter_cell(element)
            return
        self._break_line(element)
        if tag == "pre":
            self._preformatted += 1
            if self._preformatted == 1:
                self._listing = _Listing(*fence_of(element))
        elif tag == "tr":
            self._row = _Row(self.length)
        elif tag in HEADINGS:
            self._heading_level = HEADINGS[tag] * _LEVELS_BETWEEN_HEADINGS
            self._open_heading = _OpenHeading(self._heading_level)
        elif tag == "li":
            self._enter_item(self._lists.indent() + self._lists.mark(element), _ITEM_INDENT)
        elif tag in LISTS:
            start = whole_number(element.get("start")) if tag == "ol" else None
            self._lists.counters.append((1 if start is None else start) if tag == "ol" else None)
        else:
            self._enter_definitions(element, tag)

    def _enter_definitions(self, element: HtmlElement, tag: str) -> None:
        lists = self._lists.definitions
        if tag == "dl":
            depth = min(len(lists) + 1, _LEVELS_BETWEEN_HEADINGS - 1)
            lists.append(_Definitions(self._heading_level + depth))
        elif tag == "dt" and lists:
            self._enter_term(element, lists[-1])
        elif tag == "dd":
            is_described = bool(lists) and lists[-1].has_heading
            is_nested = element.getparent().tag == "dd"  # the parser does not close the one before it
            self._enter_item("", 0 if is_described or is_nested else _DEFINITION_INDENT)
            self._is_item_empty = not is_described

    def _enter_term(self, term: HtmlElement, definitions: _Definitions) -> None:
        is_alias = is_after(term, "dt") and definitions.has_heading
        if is_after(term, "dd"):
            self._break = 2
        if is_alias or is_named_term(term):
            definitions.has_heading = definitions.has_headings = True
            self._break = 1 if is_alias else 2
            self._open_heading = _OpenHeading(definitions.level, is_alias=is_alias)
        else:
            self._end_terms(definitions)
            definitions.has_heading = False

    def _end_terms(self, definitions: _Definitions) -> None:
        if definitions.has_headings:
            self._ended_level = min(self._ended_level or definitions.level, definitions.level)

    def _enter_item(self, mark: str, indent: int) -> None:
        self._mark = mark
        self._is_item_empty = True
        self._lists.indents.append(indent)
        self._lists.written.append(self.length)

    def _leave(self, element: HtmlElement) -> None:
        tag = element.tag
        if self._silent and self._silent[-1] is element:
            self._silent.pop()
        if tag not in INLINE:
            self._leave_block(element, tag)
        self._add(element.tail)

    def _leave_block(self, element: HtmlElement, tag: str) -> None:
        if is_cell(element):
            self._is_item_empty = False
            return
        if tag == "pre":
            self._preformatted -= 1
            if not self._preformatted:
                self._close_listing()
        elif tag in HEADINGS or tag == "dt":
            self._close_heading()
        self._break_line(element)
        if tag in ("li", "dd"):
            self._leave_item(tag)
        elif tag == "tr":
            self._leave_row(element)
        elif tag in LISTS:
            self._lists.counters.pop()
        elif tag == "dl":
            self._end_terms(self._lists.definitions.pop())
        elif tag == "dt" and self._lists.definitions and self._lists.definitions[-1].has_heading:
            self._break = 2

    def _leave_item(self, tag: str) -> None:
        self._lists.indents.pop()
        self._mark, self._is_item_empty = "", False
        if self.length > self._lists.written.pop() and tag == "li":
            self._break = 1

    def _leave_row(self, row: HtmlElement) -> None:
        has_text = self.length > self._row.start
        self._separators = 0
        if has_text and len(row) > 1 and not self._row.has_paragraphs:
            self._break = 1
        columns = header_cells(row) if has_text and not self._silent else 0
        if columns:
            self._write(f"\n{self._lists.indent()}" + CELL_SEPARATOR.join([_HEADER_RULE] * columns))

    def _enter_cell(self, cell: HtmlElement) -> None:
        before = cell.getprevious()
        if before is not None and not is_line_numbers(before):
            self._separators += 1
        if self.length > self._row.start:
            self._break = 0
        self._is_item_empty = True

    def _break_line(self, element: HtmlElement) -> None:
        if self._is_item_empty and self._break:
            return
        if is_nested_list(element):
            self._break = 1
        else:
            self._break = max(self._break, 2 if element.tag in PARAGRAPHS else 1)

    def _close_heading(self) -> None:
        opened, self._open_heading = self._open_heading, None
        if opened is None or opened.start is None:
            return
        title = _SPACE.sub(" ", "".join(self.parts[opened.first :])).strip()
        start = opened.start
        if opened.is_alias and self.headings and self.headings[-1][2]:
            start, _, first = self.headings.pop()
            title = f"{first}, {title}"
        if opened.level % _LEVELS_BETWEEN_HEADINGS and len(title) > MAX_TERM_LENGTH:
            title = title[: MAX_TERM_LENGTH - 1].rpartition(" ")[0].rstrip(" ,") or title[: MAX_TERM_LENGTH - 1]
            title += "…"
        if title:
            self.headings.append((start, opened.level, title))

    def _add(self, text: str | None) -> None:
        for line in _LINE.findall(text) if text else ():
            if not self._silent:
                self._put(line)
            self._line += line.endswith("\n")

    def _put(self, text: str) -> None:
        if self._listing is not None:
            self._put_preformatted(self._listing, text)
            return
        text = _SPACE.sub(" ", text)
        if self._break or self._separators or not self.parts or self.parts[-1].endswith((" ", "\n")):
            text = text.lstrip()
        if text:
            self._start_text()
            self._write(text)

    def _put_preformatted(self, listing: _Listing, text: str) -> None:
        if not text.strip():
            listing.held = text if text.endswith("\n") and not listing.is_open else listing.held + text
            return
        held, listing.held = listing.held, ""
        if listing.is_open:
            if self._break and "\n" not in held and not self.parts[-1].endswith("\n"):
                held = f"\n{held}"
            self._break = 0
        else:
            listing.is_open = True
            held = held[held.rfind("\n") + 1 :]
            if not self._start_text() and self.length:
                listing.fence = ""  # in the middle of a row
            if listing.fence:
                self._write(f"{listing.fence}{listing.language}\n")
        lines, is_new_line, blanks = held.rpartition("\n")
        if is_new_line or (self.parts and self.parts[-1].endswith("\n")):
            blanks = self._lists.indent() + blanks
        self._write(lines + is_new_line + blanks + text)

    def _close_listing(self) -> None:
        listing, self._listing = self._listing, None
        if listing is None or not listing.is_open:
            return
        if listing.fence:
            line_end = "" if self.parts[-1].endswith("\n") else "\n"
            self._write(f"{line_end}{self._lists.indent()}{listing.fence}")
            self._break, self._is_after_fence = 2, True
        elif self.parts[-1].endswith("\n"):
            self.parts[-1] = self.parts[-1].removesuffix("\n")
            self.length -= 1
            self._break = 2

    def _start_text(self) -> bool:
        """Write what is between the text so far and the next text; return whether this starts a line."""
        is_in_row = self._separators > 0 and self.length > self._row.start
        line_ends = max(0 if is_in_row else self._break, self._is_after_fence) if self.parts else 0
        is_line_start = line_ends > 0 or not self.parts
        if line_ends > 1 and self.length > self._row.start:
            self._row.has_paragraphs = True
        self._break, self._is_item_empty, self._is_after_fence = 0, False, False
        if line_ends:
            self._end_line(line_ends)
        self._start_section(self.length)
        separators = CELL_SEPARATOR * self._separators
        if is_in_row and self.parts[-1].endswith(" "):
            separators = separators[1:]
        self._separators = 0
        indent = (self._mark or self._lists.indent()) if is_line_start else self._mark.lstrip()
        self._mark = ""
        if indent or separators:
            self._write(indent + separators if is_line_start else separators + indent)
        if self._open_heading is not None and self._open_heading.start is None:
            self._open_heading.first = len(self.parts)
        return is_line_start

    def _end_line(self, count: int) -> None:
        """Write line ends, instead of the blank before them."""
        if self.parts[-1].endswith(" ") and len(self.parts[-1]) > 1:
            self.parts[-1] = self.parts[-1][:-1]
            self.length -= 1
        self._write("\n" * count)

    def _start_section(self, start: int) -> None:
        if self._open_heading is not None:
            if self._open_heading.start is None:
                self._open_heading.start = start
                self._open_heading.first = len(self.parts)
            if self._ended_level >= self._open_heading.level:
                self._ended_level = 0
        if self._ended_level:
            self.headings.append((start, self._ended_level, ""))
            self._ended_level = 0

    def _write(self, text: str) -> None:
        self.is_full = self.is_full or self.length + len(text) > self._max_characters
        if self.is_full:
            return
        line_ends = len(text) - len(text.lstrip("\n"))  # they belong to the line before
        if line_ends < len(text) and (not self.marks or self.marks[-1][1] != self._line):
            self.marks.append((self.length + line_ends, self._line))
        self.parts.append(text)
        self.length += len(text)
