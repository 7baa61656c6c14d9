"""One story of an RTF file, such as its body or a footnote: paragraphs, list items and rows of tables."""

import re

from omni_pipelines.text.readers.extraction import Extraction
from omni_pipelines.text.readers.office.table_grid import TableGrid
from omni_pipelines.text.readers.rtf.rtf_lists import RtfLists
from omni_pipelines.text.table_headers import CELL_SEPARATOR

_MAX_DEPTH = 256
_LABEL_WITH_WORDS = re.compile(r"\w")


class RtfStory:
    """Collects text, and writes it to an extraction when a paragraph or a row ends."""

    def __init__(self, extraction: Extraction, lists: RtfLists) -> None:
        self.extraction = extraction
        self._lists = lists
        self.list = 0, 0
        """The number of the list that the current paragraph is in, and its level from 0; 0 for no list."""
        self.label: list[str] = []
        """The number or bullet of the current list item."""
        self.level = 0
        """Of the current paragraph as a heading; 0 for body text."""
        self.table_depth = 0
        """Tables around the current paragraph."""
        self._merged: list[str] = []
        """For each cell of the current row, the word that says what it continues."""
        self._is_header_row = False
        self.notes: list[str] = []
        """To be written below the current paragraph."""
        self._texts: list[str] = []
        self._cell: list[str] = []
        """The paragraphs of the current cell."""
        self._cells: list[list[str]] = []
        self._nested: dict[int, list[str]] = {}
        """The cells of the current row of each table inside a cell, by depth."""
        self._grid = TableGrid()
        self._is_after_item = False
        self._ends = {
            **dict.fromkeys(("par", "sect", "page"), self.end_paragraph),
            "cell": self.end_cell,
            "row": self.end_row,
            "nestcell": self.end_nested_cell,
            "nestrow": self.end_nested_row,
        }

    def take(self, word: str, number: int | None) -> None:
        """Take a word about the paragraph or the row."""
        value = number or 0
        if word == "pard":
            self.level, self.table_depth, self.list = 0, 0, (0, 0)
        elif word == "outlinelevel":
            self.level = value + 1 if 0 <= value < 9 else 0
        elif word == "ls":
            self.list = value, self.list[1]
        elif word == "ilvl":
            self.list = self.list[0], value
        elif word == "intbl":
            self.table_depth = max(self.table_depth, 1)
        elif word == "itap":
            self.table_depth = min(max(value, 0), _MAX_DEPTH)
        elif not self._take_row_word(word) and word in self._ends:
            self._ends[word]()

    def _take_row_word(self, word: str) -> bool:
        if word == "trowd":
            self._merged, self._is_header_row = [""], False
        elif word == "trhdr":
            self._is_header_row = True
        elif word in ("clvmrg", "clmrg") and self._merged:
            self._merged[-1] = word
        elif word == "cellx":
            self._merged.append("")
        else:
            return False
        return True

    def put(self, text: str) -> None:
        """Add text to the current paragraph."""
        self._texts.append(text)

    def end_paragraph(self) -> None:
        """Write the current paragraph, or add it to the cell that it is in."""
        if not self._texts and not self._cells and not self.notes and not self.table_depth:
            self.label = []
            return
        level, text = self.level, self._taken()
        if self.table_depth:
            self._cell += [text] if text else []
            return
        self._end_row()
        self._grid = TableGrid()
        label = "".join(self.label).strip()
        if text and self.list[0] and not label:
            label = self._lists.label(*self.list)
        self.label = []
        label = label if _LABEL_WITH_WORDS.search(label) else "-" if label else ""
        if text:
            is_item = bool(label) and not level
            text = f"{label} {text}" if label and not (level and label == "-") else text
            if level:
                self.extraction.heading(level, text)
            else:
                self.extraction.block(text, apart=not (is_item and self._is_after_item))
            self._is_after_item = is_item
        self._write_notes()

    def end_cell(self) -> None:
        """End the current cell of the outermost table."""
        text = self._taken()
        self._cells.append([*self._cell, *([text] if text else [])])
        self._cell = []

    def end_row(self) -> None:
        """End the current row of the outermost table."""
        self._end_row()
        self._write_notes()

    def end_nested_cell(self) -> None:
        """End a cell of the innermost table."""
        self._nested.setdefault(self.table_depth, []).append(self._taken())

    def end_nested_row(self) -> None:
        """End a row of the innermost table: it is a paragraph of the cell around it."""
        cells = self._nested.pop(self.table_depth, [])
        line = CELL_SEPARATOR.join(cells)
        if self.table_depth > 2:
            self._texts.append(f"{line} ")
        elif line.strip(" |"):
            self._cell.append(line)

    def end(self) -> None:
        """Write what is left at the end of the story; the last row and paragraph may not be closed."""
        for depth in sorted(self._nested, reverse=True):
            self.table_depth = depth
            self.end_nested_row()
        self.table_depth = 0
        if self._cell or (self._cells and "".join(self._texts).strip()):
            self.end_cell()
        self.end_paragraph()

    def _taken(self) -> str:
        """The text of the current paragraph, which is empty afterwards."""
        # characters beyond U+FFFF are written as two surrogates, which this joins
        text = "".join(self._texts).encode("utf-16", "surrogatepass").decode("utf-16", "replace").strip()
        self._texts = []
        if self.table_depth and self.label:
            text = " ".join(filter(None, ["".join(self.label).strip(), text]))
            self.label = []
        return text

    def _end_row(self) -> None:
        cells, self._cells = self._cells, []
        if not cells:
            return
        is_first = not self._grid.rows
        self._grid.start_row()
        merged = [*self._merged[: len(cells)], *[""] * (len(cells) - len(self._merged))]
        for paragraphs, how in zip(cells, merged, strict=True):
            cell = self._grid.start_cell()
            cell.texts = paragraphs
            cell.continues_above, cell.continues_left = how == "clvmrg", how == "clmrg"
        texts = self._grid.end_row()
        if len(cells) == 1 and len(cells[0]) > 1:  # a frame around paragraphs, not a row of a table
            for paragraph in cells[0]:
                self.extraction.block(paragraph)
        elif any(texts):
            self.extraction.row(texts, first=is_first, header=self._is_header_row)
        self._is_after_item = False

    def _write_notes(self) -> None:
        if self.table_depth and self._cells:
            return
        for note in self.notes:
            self.extraction.block(note)
        self.notes = []
