"""MediaWiki: the text as it is shown: titles, paragraphs, lists, tables and listings. Links are properties."""

import re
from dataclasses import replace

from omni_pipelines.text.decoding import decode, split_lines
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.extraction import Extraction, one_line
from omni_pipelines.text.readers.markup.wiki_inline import (
    FOOTNOTE,
    LISTING,
    LISTING_END,
    as_written,
    inline,
    simplified,
)

_TITLE = re.compile(r"(?P<signs>={1,6})[ \t]*(?P<title>[^=].*)")
_RULE = re.compile(r"-{4,}$")
_LIST = re.compile(r"(?P<marks>[*#:;]{1,20})[ \t]*")
_CELL_SEPARATORS = {"|": re.compile(r"\|\|"), "!": re.compile(r"!!|\|\|")}
_ATTRIBUTES = re.compile(r"[^|\[\]{}\"]{0,100}=[^|\[\]{}]{0,300}\|(?!\|)|[ \t]*\|(?!\|)")
"""The attributes of a cell before its text, as in `style="color:red" | 7`."""
_FENCE = "```"


def read(raw: bytes, name: str) -> Parsed:
    """Read a file. Its title is its first one of the first level; those in comments and listings start no section."""
    source = simplified(decode(raw).text)
    writer = _Writer(Extraction())
    for number, line in enumerate(split_lines(source.text), 1):
        writer.take(line, number)
    writer.end()
    found = {"tags": source.tags, "links": source.links}
    parsed = writer.extraction.parsed(name, writer.title or name)
    return replace(parsed, properties={key: values for key, values in found.items() if values})


class _Writer:
    def __init__(self, extraction: Extraction) -> None:
        self.extraction = extraction
        self.title = ""
        self._is_apart = True
        """Whether the next line begins a paragraph."""
        self._notes: list[str] = []
        self._listing: list[tuple[int, str]] = []
        """The lines of the listing that is open, with their numbers."""
        self._language = ""
        self._is_listing = False
        self._counters: dict[str, int] = {}
        """The numbers of the items of the lists around a line, by the marks of the list."""
        self._is_term = False
        self._tables = 0
        """How many tables are around a line."""
        self._row: list[list[str]] = []
        """The lines of each cell."""
        self._row_number = 0
        self._is_header = self._is_first_row = False

    def take(self, line: str, number: int) -> None:
        """Take a line of the file."""
        if self._is_listing:
            self._take_listing(line, number)
        elif LISTING in line:
            before, _, rest = line.partition(LISTING)
            self._take_marked(before, number)
            self.end()
            self._language, _, code = rest.partition(LISTING)
            self._is_listing = True
            self._take_listing(code, number)
        elif line.startswith((" ", "\t")) and not self._tables and inline(line).strip():
            self._listing.append((number, inline(line[1:])))
        else:
            self._take_marked(line, number)

    def _take_listing(self, line: str, number: int) -> None:
        code, is_end, rest = line.partition(LISTING_END)
        if code.strip() or (self._listing and not is_end):
            self._listing.append((number, as_written(code).rstrip()))
        if is_end:
            self._is_listing = False
            self._end_listing()
            if rest.strip():
                self._take_marked(rest, number)

    def _take_marked(self, line: str, number: int) -> None:
        self._end_listing()
        words = line.strip()
        if level := _title_level(words):
            self._end_row()
            self._tables = 0
            self._heading(level, words, number)
        elif self._tables or words.startswith("{|"):
            self._take_table(words, number)
        elif not words:
            self._end_paragraph()
        elif found := _LIST.match(words):
            self._item(found["marks"], words[found.end() :], number)
        elif not _RULE.match(words):
            if self._counters:
                self._end_paragraph()
            self._write(words, number)

    def _heading(self, level: int, words: str, number: int) -> None:
        self._end_paragraph()
        title = one_line(inline(words.strip("=")).replace(FOOTNOTE, " "))
        if level == 1 and not self.title:
            self.title = title
        self.extraction.heading(level, title, line=number)

    def _item(self, marks: str, words: str, number: int) -> None:
        depth = len(marks) - 1
        self._counters = {key: count for key, count in self._counters.items() if marks.startswith(key)} or {"": 0}
        if marks.endswith((";", ":")):
            term, colon, description = words.partition(" : ") if marks.endswith(";") else ("", "", words)
            shown = f"{term}: {description}" if colon else term or description
            self._is_apart = self._is_apart or (marks.endswith(";") and not self._is_term)
            indent = "  " if self._is_term and marks.endswith(":") else ""
            self._is_term = (marks.endswith(";") and not colon) or bool(indent)
            self._write(shown or words, number, indent + "  " * depth)
            return
        self._counters[marks] = self._counters.get(marks, 0) + 1
        mark = f"{self._counters[marks]}. " if marks.endswith("#") else "- "
        self._write(words, number, "  " * depth + mark)

    def _write(self, words: str, number: int, mark: str = "") -> None:
        text, *notes = inline(words).split(FOOTNOTE)
        pieces = [text, *notes[1::2]]
        self._notes += [note for note in notes[::2] if note.strip()]
        shown = one_line("".join(pieces))
        if shown:
            self.extraction.block(mark + shown, apart=self._is_apart, line=number)
            self._is_apart = False

    def _take_table(self, words: str, number: int) -> None:
        if words.startswith("{|"):
            self._end_paragraph()
            self._end_row()
            self._is_first_row = True
            self._tables += 1
        elif words.startswith("|}"):
            self._end_row()
            self._tables -= 1
            self._is_apart = True
        elif words.startswith("|-"):
            self._end_row()
        elif words.startswith("|+"):
            self._write(_without_attributes(words[2:]), number)
        elif words.startswith(("|", "!")):
            self._row_number = self._row_number if self._row else number
            self._is_header = words.startswith("!") and (self._is_header or not self._row)
            self._row += [[_without_attributes(cell)] for cell in _CELL_SEPARATORS[words[0]].split(words[1:])]
        elif words and self._row:
            self._row[-1].append(words.lstrip("*#:; "))
        elif words:
            self._write(words, number)

    def _end_row(self) -> None:
        row, self._row = self._row, []
        cells = [inline(" ".join(cell)).partition(FOOTNOTE)[0] for cell in row]
        if any(cell.strip() for cell in cells):
            self.extraction.row(cells, first=self._is_first_row, header=self._is_header, line=self._row_number)
            self._is_first_row = False
        self._is_header = False

    def _end_paragraph(self) -> None:
        notes, self._notes = self._notes, []
        for note in notes:
            self.extraction.block(f"Footnote: {one_line(note)}")
        self._is_apart, self._is_term, self._counters = True, False, {}

    def _end_listing(self) -> None:
        listing, self._listing = self._listing, []
        while listing and not listing[-1][1].strip():
            listing.pop()
        if not listing:
            return
        self._end_paragraph()
        self.extraction.block(f"{_FENCE}{self._language}", line=listing[0][0])
        is_apart = False
        for number, line in listing:
            self.extraction.block(line, apart=is_apart, line=number)
            is_apart = not line.strip()
        self.extraction.block(_FENCE, apart=False, line=listing[-1][0])
        self._language = ""

    def end(self) -> None:
        """Write what is held."""
        self._end_listing()
        self._end_row()
        self._end_paragraph()


def _title_level(words: str) -> int:
    found = _TITLE.match(words)
    return len(found["signs"]) if found and words.endswith(found["signs"]) and words.strip("=").strip() else 0


def _without_attributes(cell: str) -> str:
    found = _ATTRIBUTES.match(cell)
    return cell[found.end() :] if found else cell
