"""Excel: each sheet is a section and each row a line; cells are shown as a person sees them.

Formulas have their last computed value, or stand as formulas. Comments stand in their cell, merged cells are
repeated. Hidden sheets, rows and columns are left out, unless a filter hides the rows.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.extraction import Extraction
from omni_pipelines.text.readers.markup.xml_stream import Attributes, XmlHandler, elements, parse_xml
from omni_pipelines.text.readers.office.package_parts import (
    CORE_PROPERTIES,
    document_properties,
    main_part,
    relations,
)
from omni_pipelines.text.readers.office.zip_archive import ZipArchive
from omni_pipelines.text.readers.sheets.number_formats import BUILT_IN, GENERAL, shown_number
from omni_pipelines.text.readers.sheets.sheet_comments import comments_of
from omni_pipelines.text.readers.sheets.sheet_rows import (
    MAX_COLUMNS,
    NO_TEXT,
    CellRange,
    SheetNotes,
    SheetRows,
    cell_place,
    cell_range,
    leave_out,
    unescaped,
)

_WORKBOOK = "xl/workbook.xml"
_WORKBOOK_TYPES = ("sheet.main+xml", "template.main+xml", "macroEnabled.main+xml")
_REFERENCE = re.compile(rb'<(?:\w+:)?(mergeCell|autoFilter)\s[^>]*?\bref="([A-Za-z0-9:$]+)"')
_ACTIVE_FILTER = re.compile(rb"<(?:\w+:)?filterColumn\b")
_CELL_IN_FORMULA = re.compile(r"""('[^']*'|"[^"]*")|(?<![\w.])(\$?)([A-Z]{1,3})(\$?)(\d{1,7})(?![\w(.])""")
_PAGE_CODE = re.compile(r'&(?:"[^"]*"|K[0-9A-F]{6}|K\d\d[+-]\d{3}|\d+|[A-Za-z&])')
_MAX_MERGED = 50_000


def read(raw: bytes, name: str) -> Parsed:
    """Read a file. The names of the sheets are headings, ` | ` separates cells, and empty rows are left out."""
    archive = ZipArchive(raw)
    main = main_part(archive, _WORKBOOK, _WORKBOOK_TYPES)
    workbook = list(elements(archive.read(main), "workbookPr", "sheet"))
    targets = relations(archive, main)
    book = _book(archive, targets.values())
    book.is_from_1904 = any(
        kind == "workbookPr" and value.get("date1904") in ("1", "true") for kind, value in workbook
    )
    extraction = Extraction()
    hidden: list[str] = []
    for element, attributes in workbook:
        kind, part = targets.get(attributes.get("r:id") or attributes.get("id", ""), ("", ""))
        if element != "sheet" or kind != "worksheet" or extraction.is_full:
            continue
        if attributes.get("state", "visible") != "visible":
            hidden.append(attributes.get("name", ""))
            continue
        _add_sheet(archive, part, attributes.get("name", ""), book, extraction)
    leave_out(hidden, extraction)
    title, _ = document_properties(archive.optional(CORE_PROPERTIES))
    return extraction.parsed(name, title or name, no_text=NO_TEXT)


@dataclass
class _Book:
    """What the cells of all sheets refer to."""

    strings: list[str] = field(default_factory=list)
    formats: list[str] = field(default_factory=list)
    """The code of the number format of each cell style."""
    people: dict[str, str] = field(default_factory=dict)
    is_from_1904: bool = False

    def number(self, value: str, style: str) -> str:
        code = self.formats[int(style)] if style.isdecimal() and int(style) < len(self.formats) else GENERAL
        try:
            number = float(value)
        except ValueError:
            return value
        if not abs(number) < float("inf"):
            return value
        return shown_number(number, code, is_from_1904=self.is_from_1904)


def _book(archive: ZipArchive, targets: Iterable[tuple[str, str]]) -> _Book:
    strings, formats, people = _Strings(), _Formats(), {}
    parts = {kind: f"xl/{kind}.xml" for kind in ("sharedStrings", "styles")} | dict(targets)
    for kind, part in parts.items():
        raw = archive.optional(part)
        if raw is None:
            continue
        if kind == "sharedStrings":
            parse_xml(raw, strings)
        elif kind == "styles":
            parse_xml(raw, formats)
        elif kind == "person":
            people = {each.get("id", ""): each.get("displayName", "") for _, each in elements(raw, "person")}
    return _Book(strings.texts, formats.codes, people)


def _add_sheet(archive: ZipArchive, part: str, name: str, book: _Book, extraction: Extraction) -> None:
    raw = archive.read(part)
    targets = relations(archive, part).values()
    merged = list[CellRange]()
    header_rows = set[int]()
    for element, reference in _REFERENCE.findall(raw):
        place = cell_range(reference.decode("ascii"))
        if place is None or len(merged) > _MAX_MERGED:
            continue
        if element == b"mergeCell":
            merged.append(place)
        elif place.bottom > place.top:
            header_rows.add(place.top)
    for kind, table in targets:
        if kind == "table":
            for _, attributes in elements(archive.optional(table), "table"):
                place = cell_range(attributes.get("ref", ""))
                if place is not None and attributes.get("headerRowCount", "1") != "0":
                    header_rows.add(place.top)
    notes = SheetNotes(merged, frozenset(header_rows), comments_of(archive, targets, book.people))
    rows = SheetRows(extraction, name, notes)
    cells = _Cells(rows.add, book, keeps_hidden_rows=_ACTIVE_FILTER.search(raw) is not None)
    parse_xml(raw, cells)
    rows.end(cells.page_texts)
    if cells.hidden:
        rows.say_hidden()


class _Strings(XmlHandler):
    def __init__(self) -> None:
        self.texts: list[str] = []
        self._parts: list[str] = []
        self._inside = False
        self._phonetic = 0

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "si":
            self._parts = []
        self._phonetic += name == "rPh"  # the pronunciation, which repeats the text
        self._inside = name == "t"

    def end(self, name: str) -> None:
        self._phonetic -= name == "rPh"
        self._inside = False
        if name == "si":
            self.texts.append(unescaped("".join(self._parts)))

    def text(self, data: str) -> None:
        if self._inside and not self._phonetic:
            self._parts.append(data)


class _Formats(XmlHandler):
    def __init__(self) -> None:
        self.codes: list[str] = []
        self._own: dict[str, str] = {}
        self._in_cells = False

    def start(self, name: str, attributes: Attributes) -> None:
        number = attributes.get("numFmtId", "")
        if name == "cellXfs":
            self._in_cells = True
        elif name == "numFmt":
            self._own[number] = attributes.get("formatCode", "")
        elif name == "xf" and self._in_cells:
            built_in = BUILT_IN.get(int(number), GENERAL) if number.isdecimal() else GENERAL
            self.codes.append(self._own.get(number) or built_in)

    def end(self, name: str) -> None:
        if name == "cellXfs":
            self._in_cells = False


class _Cells(XmlHandler):
    """Reads the cells of a sheet and hands over each row with its number."""

    def __init__(self, add: Callable[[int, list[str]], None], book: _Book, *, keeps_hidden_rows: bool) -> None:
        self._add, self._book, self._keeps_hidden_rows = add, book, keeps_hidden_rows
        self.page_texts: list[str] = []
        """Headers and footers of printed pages, each once."""
        self.hidden = 0
        """Hidden rows and columns with text."""
        self._hidden_columns: set[int] = set()
        self._row: list[str] = []
        self._number = 0
        self._is_row_hidden = False
        self._inside = ""
        self._value: list[str] = []
        self._formula: list[str] = []
        self._phonetic = 0
        self._cell: Attributes = {}
        self._column = 0
        self._shared: dict[str, tuple[str, int, int]] = {}
        self._formula_attributes: Attributes = {}

    def start(self, name: str, attributes: Attributes) -> None:
        self._phonetic += name == "rPh"
        self._inside = name if name in ("v", "t", "f") or name.endswith(("Header", "Footer")) else ""
        if name == "c":
            self._cell, self._value, self._formula = attributes, [], []
            self._formula_attributes = {}
            self._column = min(cell_place(attributes.get("r", ""))[1] or self._column + 1, MAX_COLUMNS)
        elif name == "row":
            number = attributes.get("r", "")
            self._number = int(number) if number.isdecimal() and int(number) > self._number else self._number + 1
            self._row, self._column = [], 0
            self._is_row_hidden = attributes.get("hidden") in ("1", "true") and not self._keeps_hidden_rows
        elif name == "f":
            self._formula_attributes = attributes
        elif name == "col" and attributes.get("hidden") in ("1", "true"):
            first, last = attributes.get("min", ""), attributes.get("max", "")
            if first.isdecimal() and last.isdecimal():
                self._hidden_columns.update(range(int(first), min(int(last), MAX_COLUMNS) + 1))
        elif self._inside.endswith(("Header", "Footer")):
            self._value = []

    def end(self, name: str) -> None:
        self._phonetic -= name == "rPh"
        if name == "c":
            self._end_cell()
        elif name == "row" and any(self._row):
            if self._is_row_hidden:
                self.hidden += 1
            else:
                self._add(self._number, self._row)
        elif name == self._inside and name.endswith(("Header", "Footer")):
            kind = "Header" if name.endswith("Header") else "Footer"
            text = f"{kind}: {' '.join(_PAGE_CODE.sub(' ', ''.join(self._value)).split())}"
            if text[-2] != ":" and text not in self.page_texts:
                self.page_texts.append(text)
        self._inside = ""

    def text(self, data: str) -> None:
        if self._inside == "f":
            self._formula.append(data)
        elif self._inside and not self._phonetic:
            self._value.append(data)

    def _end_cell(self) -> None:
        shown = self._shown("".join(self._value))
        if not shown:
            return
        if self._column in self._hidden_columns:
            self.hidden += 1
            return
        self._row += [""] * (self._column - len(self._row))
        self._row[self._column - 1] = shown

    def _shown(self, value: str) -> str:
        formula = self._current_formula()
        if not value:
            return f"={formula}" if formula and self._cell.get("t", "n") != "str" else ""
        kind = self._cell.get("t", "n")
        if kind == "s":
            strings = self._book.strings
            return strings[int(value)] if value.isdecimal() and int(value) < len(strings) else ""
        if kind == "b":
            return "TRUE" if value == "1" else "FALSE"
        if kind == "n":
            return self._book.number(value, self._cell.get("s", "0"))
        if kind == "d":
            return value.replace("T", " ").removesuffix("Z").removesuffix(" 00:00:00")
        return unescaped(value)

    def _current_formula(self) -> str:
        """The formula of the cell; of a shared one, with the references moved to this cell."""
        formula, group = "".join(self._formula), self._formula_attributes.get("si", "")
        if self._formula_attributes.get("t") != "shared" or not group:
            return formula
        if formula:
            self._shared[group] = (formula, self._number, self._column)
            return formula
        master, row, column = self._shared.get(group, ("", 0, 0))
        return _moved(master, self._number - row, self._column - column)


def _moved(formula: str, rows: int, columns: int) -> str:
    """A formula in another cell: references without `$` move with it."""

    def moved(match: re.Match[str]) -> str:
        quoted, fixed_column, letters, fixed_row, digits = match.groups()
        if quoted:
            return quoted
        column = cell_place(letters)[1] + (0 if fixed_column else columns)
        return f"{fixed_column}{_letters(column)}{fixed_row}{int(digits) + (0 if fixed_row else rows)}"

    return _CELL_IN_FORMULA.sub(moved, formula)


def _letters(column: int) -> str:
    letters = ""
    while column > 0:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
