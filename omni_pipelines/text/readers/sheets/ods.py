"""OpenDocument spreadsheets: each sheet is a section and each row a line; cells have the text that they show.

A date also has its ISO form. Comments stand in their cell, merged and repeated cells are repeated. Hidden sheets,
rows and columns are left out.
"""

import re

from omni_pipelines.refusals import Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.extraction import Extraction, one_line
from omni_pipelines.text.readers.markup.xml_stream import Attributes, XmlHandler, parse_xml
from omni_pipelines.text.readers.office.opendocument import FlatFile, object_content, open_package
from omni_pipelines.text.readers.office.package_parts import document_properties
from omni_pipelines.text.readers.office.zip_archive import ZipArchive
from omni_pipelines.text.readers.sheets.sheet_rows import (
    MAX_COLUMNS,
    NO_TEXT,
    CellRange,
    SheetRows,
    comment,
    leave_out,
)

MAX_REPEATED_ROWS = 1_000
_CELLS = {"table-cell", "covered-table-cell"}
_SILENT = {
    "tracked-changes", "desc", "title", "forms", "ruby-text", "scenario", "content-validations", "master-styles",
    "binary-data",
}  # fmt: skip
_TITLES = {"title", "subtitle"}
_AS_TEXT = {"tab": " ", "line-break": " ", "s": " "}
_DURATION = re.compile(r"(-?)PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:[.,]\d+)?S)?$")
_REFERENCE = re.compile(r"\[([^\[\]]*)\]")


def read(raw: bytes, name: str) -> Parsed:
    """Read a file. The names of the sheets are headings, ` | ` separates cells, and empty rows are left out."""
    archive = open_package(raw)
    extraction = Extraction()
    sheets = _Sheets(extraction, archive)
    parse_xml(archive.read("content.xml"), sheets)
    leave_out(sheets.hidden, extraction)
    if sheets.has_hidden_cells:
        extraction.cut("hidden rows or columns are left out")
    title, language = document_properties(archive.optional("meta.xml"))
    return extraction.parsed(name, title or name, language, no_text=NO_TEXT)


class _Sheets(XmlHandler):
    def __init__(self, extraction: Extraction, package: ZipArchive | FlatFile) -> None:
        self._package = package
        self.hidden: list[str] = []
        self.has_hidden_cells = False
        self._extraction = extraction
        self._hidden_styles: set[str] = set()
        self._style = ""
        self._rows: SheetRows | None = None
        self._is_sheet_hidden = False
        self._number = 0
        self._hidden_columns: list[bool] = []
        self._row: list[str] = []
        self._row_attributes: Attributes = {}
        self._cell: Attributes = {}
        self._texts: list[str] = []
        self._is_in_cell = False
        self._comment: list[str] | None = None
        self._author: list[str] = []
        self._comments: list[str] = []
        self._is_in_author = self._is_in_paragraph = self._is_in_date = False
        self._in_header = 0
        self._depth = 0
        """Tables inside the current one."""
        self._silent = 0
        self._aside: list[str] = []
        """Texts of shapes."""

    def start(self, name: str, attributes: Attributes) -> None:
        self._silent += name in _SILENT
        if self._silent:
            return
        if name == "style":
            self._style = attributes.get("name", "")
        elif name == "table-properties" and attributes.get("display") == "false":
            self._hidden_styles.add(self._style)
        elif name == "table":
            self._start_sheet(attributes)
        elif name == "table-column":
            is_hidden = attributes.get("visibility") == "collapse"
            self._hidden_columns += [is_hidden] * min(_count(attributes, "columns"), MAX_COLUMNS)
        elif name == "table-header-rows":
            self._in_header += 1
        elif name == "table-row":
            self._row, self._row_attributes = [], attributes
        elif name in _CELLS:
            self._cell, self._texts, self._comments, self._is_in_cell = attributes, [], [], True
        else:
            self._start_text(name, attributes)

    def _start_sheet(self, attributes: Attributes) -> None:
        self._depth += 1
        if self._depth > 1:
            return
        name = attributes.get("name", "")
        self._is_sheet_hidden = attributes.get("style-name", "") in self._hidden_styles
        if self._is_sheet_hidden:
            self.hidden.append(name)
        self._rows, self._number, self._hidden_columns = SheetRows(self._extraction, name), 0, []

    def _start_text(self, name: str, attributes: Attributes) -> None:
        if name == "annotation":
            self._comment, self._author = [], []
        elif name == "creator":
            self._is_in_author = True
        elif name == "p":
            self._is_in_paragraph = True
            if self._comment is None:
                self._texts += [" "] if self._texts else []
            elif self._comment:
                self._comment.append(" ")
        elif name == "object":
            self._aside += self._chart(attributes.get("href", ""))
        elif name in _AS_TEXT:
            self.text(_AS_TEXT[name])

    def _chart(self, link: str) -> list[str]:
        titles = _Titles()
        try:
            parse_xml(object_content(self._package, link) or b"<none/>", titles)
        except Unreadable as error:
            self._extraction.cut(f"a chart is damaged: {error.detail}", error.code)
        shown = ", ".join(filter(None, map(one_line, titles.texts)))
        return [f"Chart: {shown}"] if shown else []

    def end(self, name: str) -> None:
        if name in _SILENT:
            self._silent -= 1
        if self._silent:
            return
        if name in _CELLS:
            self._end_cell(is_covered=name != "table-cell")
        elif name == "table-row":
            self._end_row()
        elif name == "table-header-rows":
            self._in_header -= 1
        elif name == "table":
            self._end_sheet()
        else:
            self._end_text(name)

    def _end_text(self, name: str) -> None:
        if name == "annotation" and self._comment is not None:
            text = one_line("".join(self._comment))
            if text:
                self._comments.append(comment("".join(self._author), text))
            self._comment = None
        elif name == "creator":
            self._is_in_author = False
        elif name == "p":
            self._is_in_paragraph = False
            if not self._is_in_cell and self._comment is None:
                self._aside.append(one_line("".join(self._texts)))
                self._texts = []

    def text(self, data: str) -> None:
        if self._silent:
            return
        if self._is_in_author:
            self._author.append(data)
        elif self._is_in_paragraph:
            (self._texts if self._comment is None else self._comment).append(data)

    def _end_cell(self, *, is_covered: bool) -> None:
        shown = "" if is_covered else _shown(self._cell, one_line("".join(self._texts)))
        if self._comments:
            shown = f"{shown} [{'; '.join(self._comments)}]".lstrip()
        column = len(self._row) + 1
        count = min(_count(self._cell, "columns"), MAX_COLUMNS - len(self._row))
        spanned = _number(self._cell, "number-columns-spanned"), _number(self._cell, "number-rows-spanned")
        if self._rows is not None and max(spanned) > 1 and shown:
            bottom, right = self._number + spanned[1], column + spanned[0] - 1
            self._rows.merge(CellRange(self._number + 1, column, bottom, right))
        self._row += [shown] * count
        self._is_in_cell, self._texts = False, []

    def _end_row(self) -> None:
        repeated = _count(self._row_attributes, "rows")
        first, self._number = self._number + 1, self._number + repeated
        has_text = any(self._row)
        if has_text and any(self._hidden_columns):
            is_hidden = [*self._hidden_columns, *[False] * len(self._row)]
            shown = ["" if hide else cell for cell, hide in zip(self._row, is_hidden, strict=False)]
            self.has_hidden_cells |= shown != self._row and not self._is_sheet_hidden
            self._row = shown
        if not has_text or self._is_sheet_hidden or self._rows is None:
            return
        if self._row_attributes.get("visibility") == "collapse":
            self.has_hidden_cells = True
            return
        for number in range(first, first + min(repeated, MAX_REPEATED_ROWS)):
            self._rows.add(number, self._row, is_header=self._in_header > 0)
        if repeated > MAX_REPEATED_ROWS:
            self._extraction.cut(f"a row is repeated {repeated:,} times; {MAX_REPEATED_ROWS:,} are kept")

    def _end_sheet(self) -> None:
        self._depth -= 1
        if self._depth or self._rows is None:
            return
        if not self._is_sheet_hidden:
            self._rows.end(self._aside)
        self._rows, self._aside, self._is_sheet_hidden = None, [], False


class _Titles(XmlHandler):
    """The title of a chart and of its axes. Its values are those of the sheet."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._inside = 0

    def start(self, name: str, attributes: Attributes) -> None:
        self._inside += name in _TITLES
        self.texts += [""] * (name in _TITLES)

    def end(self, name: str) -> None:
        self._inside -= name in _TITLES

    def text(self, data: str) -> None:
        if self._inside:
            self.texts[-1] += data


def _shown(cell: Attributes, text: str) -> str:
    """What a cell shows: its text, with its date in ISO form; or its value or its formula if it has no text."""
    day = cell.get("date-value", "").replace("T", " ").removesuffix(" 00:00:00")
    if text:
        return text if not day or day in text else f"{text} ({day})"
    if "time-value" in cell and (match := _DURATION.match(cell["time-value"])):
        sign, hours, minutes, seconds = match.groups()
        return f"{sign}{hours or 0}:{int(minutes or 0):02}:{int(seconds or 0):02}"
    value = day or cell.get("string-value") or cell.get("value") or cell.get("boolean-value", "").upper()
    if value:
        return value
    formula = cell.get("formula", "").partition(":")[2] or cell.get("formula", "")
    return _REFERENCE.sub(lambda match: match[1].replace(".", "").replace("$", ""), formula)


def _number(attributes: Attributes, name: str) -> int:
    value = attributes.get(name, "1")
    return max(int(value), 1) if value.isdecimal() and len(value) < len(str(MAX_COLUMNS)) + 3 else 1


def _count(attributes: Attributes, of: str) -> int:
    return _number(attributes, f"number-{of}-repeated")
