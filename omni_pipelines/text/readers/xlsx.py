"""Excel: each sheet is a section and each row a line; cells have their last computed value, dates in ISO format."""

import re
from datetime import datetime, timedelta

from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.extraction import Extraction
from omni_pipelines.text.readers.office import CORE_PROPERTIES, document_properties, relations
from omni_pipelines.text.readers.xml_stream import Attributes, XmlHandler, elements, parse_xml
from omni_pipelines.text.readers.zip_archive import ZipArchive

_WORKBOOK = "xl/workbook.xml"
_DATE_FORMATS = {*range(14, 23), *range(45, 48)}
"""Numbers of the built-in formats for dates and times (ECMA-376, part 1, 18.8.30)."""
_LITERAL = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.')
_MAX_COLUMNS = 16_384
_EPOCH, _EPOCH_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)
_MAX_DAY = 2_958_465
"""31 December 9999, in days since the epoch."""


def read(raw: bytes, name: str) -> Parsed:
    """Read a file. The names of the sheets are headings, ` | ` separates cells, and empty rows are left out."""
    archive = ZipArchive(raw)
    workbook = list(elements(archive.read(_WORKBOOK), "workbookPr", "sheet"))
    is_from_1904 = any(kind == "workbookPr" and value.get("date1904") in ("1", "true") for kind, value in workbook)
    epoch = _EPOCH_1904 if is_from_1904 else _EPOCH
    targets = relations(archive, _WORKBOOK)
    strings, formats = _Strings(), _Formats()
    for kind, handler in (("sharedStrings", strings), ("styles", formats)):
        part = archive.optional(f"xl/{kind}.xml")
        if part is not None:
            parse_xml(part, handler)
    extraction = Extraction()
    for element, attributes in workbook:
        kind, part_name = targets.get(attributes.get("r:id", ""), ("", ""))
        if element == "sheet" and kind == "worksheet":
            sheet = attributes.get("name", "")
            parse_xml(archive.read(part_name), _Cells(extraction, sheet, strings.texts, formats.dates, epoch))
    title, _ = document_properties(archive.optional(CORE_PROPERTIES))
    return extraction.parsed(name, title or name)


class _Strings(XmlHandler):
    def __init__(self) -> None:
        self.texts: list[str] = []
        self._inside = False
        self._phonetic = 0

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "si":
            self.texts.append("")
        self._phonetic += name == "rPh"  # the pronunciation, which repeats the text
        self._inside = name == "t"

    def end(self, name: str) -> None:
        self._phonetic -= name == "rPh"
        self._inside = False

    def text(self, data: str) -> None:
        if self._inside and not self._phonetic and self.texts:
            self.texts[-1] += data


class _Formats(XmlHandler):
    def __init__(self) -> None:
        self.dates: list[bool] = []
        self._date_formats: set[str] = set()
        self._in_cells = False

    def start(self, name: str, attributes: Attributes) -> None:
        number = attributes.get("numFmtId", "")
        if name == "cellXfs":
            self._in_cells = True
        elif name == "numFmt" and re.search("[ymdhs]", _LITERAL.sub("", attributes.get("formatCode", "")), re.I):
            self._date_formats.add(number)
        elif name == "xf" and self._in_cells:
            self.dates.append(number in self._date_formats or (number.isdecimal() and int(number) in _DATE_FORMATS))

    def end(self, name: str) -> None:
        if name == "cellXfs":
            self._in_cells = False


class _Cells(XmlHandler):
    def __init__(
        self, extraction: Extraction, sheet: str, strings: list[str], dates: list[bool], epoch: datetime
    ) -> None:
        self._extraction, self._sheet, self._strings = extraction, sheet, strings
        self._dates, self._epoch = dates, epoch
        self._row: list[str] = []
        self._rows = 0
        self._kind = self._value = ""
        self._column = 0
        self._is_date = self._inside = False

    def start(self, name: str, attributes: Attributes) -> None:
        self._inside = name in ("v", "t")
        if name == "row":
            self._row = []
        elif name == "c":
            self._kind, self._value = attributes.get("t", "n"), ""
            self._column = _column(attributes.get("r", "")) or len(self._row) + 1
            style = attributes.get("s", "0")
            self._is_date = style.isdecimal() and int(style) < len(self._dates) and self._dates[int(style)]

    def end(self, name: str) -> None:
        self._inside = False
        if name == "c" and self._value:
            self._row += [""] * (min(self._column, _MAX_COLUMNS) - 1 - len(self._row))
            self._row.append(self._shown())
        elif name == "row" and any(self._row):
            if not self._rows:
                self._extraction.heading(1, self._sheet)
            self._extraction.row(self._row, first=not self._rows)
            self._rows += 1

    def text(self, data: str) -> None:
        if self._inside:
            self._value += data

    def _shown(self) -> str:
        value = self._value
        if self._kind == "s":
            return self._strings[int(value)] if value.isdecimal() and int(value) < len(self._strings) else ""
        if self._kind == "b":
            return "TRUE" if value == "1" else "FALSE"
        return self._number(value) if self._kind == "n" else value

    def _number(self, value: str) -> str:
        try:
            number = float(value)
        except ValueError:
            return value
        if self._is_date and 0 <= number <= _MAX_DAY:
            moment = self._epoch + timedelta(seconds=round(number * 86_400))
            shown = moment.isoformat(" ").removesuffix(" 00:00:00")
            return shown.removeprefix(f"{self._epoch:%Y-%m-%d} ") if number < 1 else shown
        return f"{number:.15g}"  # with 15 digits, as Excel shows it: 0.1 + 0.2 is 0.3


def _column(reference: str) -> int:
    """The column of a cell reference, from 1: 28 for `AB7`; 0 for a reference without one."""
    number = 0
    for letter in reference[:3]:
        if not "A" <= letter <= "Z":
            break
        number = number * 26 + ord(letter) - 64
    return number
