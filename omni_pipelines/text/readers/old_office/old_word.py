"""Word before 2007 (MS-DOC), without LibreOffice: text, headings, table rows, notes, comments, headers.

The text lies in pieces, which the table stream lists. Whether a paragraph is a heading or ends a row is found by the
place in the file where it ends.
"""

import re
import struct
from bisect import bisect_right
from dataclasses import dataclass

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.extraction import Extraction
from omni_pipelines.text.readers.old_office.ole_streams import OleStreams, opened

_WORD_6 = 101
"""File versions below this keep their text in one piece, in the code page of Windows."""
_ENCRYPTED, _SECOND_TABLE = 0x0100, 0x0200
_FLAGS_AT, _FIRST_AT, _LENGTHS_AT, _PARAGRAPHS_AT, _PIECES_AT = 0x0A, 0x18, 0x4C, 0x0102, 0x01A2
_KINDS = ("", "Footnote", "Header", "", "Comment", "Endnote", "", "")
"""What the parts of the text are, in their order; macros and text boxes have no mark."""
_HEADERS = 2
_PAGE_BYTES = 512
_HEADINGS = range(1, 10)
"""Numbers of the styles Heading 1 to 9, in every file."""
_IN_TABLE, _ENDS_ROW, _TABLE_WIDTHS = 0x2416, 0x2417, 0xD608
_OPERAND_BYTES = (1, 1, 2, 4, 2, 2, 0, 3)
_SIGNS = {0x0B: "\n", 0x1E: "-", 0x1F: None, 0x01: None, 0x02: None, 0x05: None, 0x08: None, 0x28: "("}
_PARAGRAPH = re.compile("[^\r\x07\x0c]*[\r\x07\x0c]|[^\r\x07\x0c]+")


@dataclass(frozen=True)
class _Piece:
    """A piece of the text, from character `start` on."""

    start: int
    place: int
    """Where it lies in the file."""
    width: int
    """Bytes for a character."""
    text: str


@dataclass(frozen=True)
class _Form:
    """How a paragraph looks."""

    level: int = 0
    """Of its heading; 0 for other paragraphs."""
    in_table: bool = False
    ends_row: bool = False


def read(raw: bytes, name: str) -> Parsed:
    """Read a document."""
    with opened(raw) as streams:
        word = streams.stream("WordDocument")
        version, flags = struct.unpack_from("<H", word, 2)[0], struct.unpack_from("<H", word, _FLAGS_AT)[0]
        if flags & _ENCRYPTED:
            raise Unreadable(RefusalCode.ENCRYPTED, "it needs a password")
        extraction = Extraction()
        if version < _WORD_6:
            first, end = struct.unpack_from("<II", word, _FIRST_AT)
            _write(word[first:end].decode("cp1252", "replace"), "", extraction)
        else:
            _read_pieces(word, streams, extraction, has_second_table=bool(flags & _SECOND_TABLE))
        return extraction.parsed(name, streams.title())


def _read_pieces(word: bytes, streams: OleStreams, extraction: Extraction, *, has_second_table: bool) -> None:
    table = streams.stream("1Table" if has_second_table else "0Table")
    pieces = _pieces(word, table)
    forms = _Forms(word, table)
    text = "".join(piece.text for piece in pieces)
    start = 0
    for kind, length in zip(_KINDS, struct.unpack_from("<8I", word, _LENGTHS_AT), strict=True):
        part = text[start : start + length]
        if start == 0:
            _write_main(part, pieces, forms, extraction)
        else:
            _write(part, kind, extraction)
        start += length


def _pieces(word: bytes, table: bytes) -> list[_Piece]:
    """The pieces of the text, in order."""
    start, length = struct.unpack_from("<II", word, _PIECES_AT)
    found = table[start : start + length]
    position = 0
    while found[position] == 1:  # properties, which pieces may share
        position += 3 + struct.unpack_from("<H", found, position + 1)[0]
    count = (struct.unpack_from("<I", found, position + 1)[0] - 4) // 12
    bounds = struct.unpack_from(f"<{count + 1}I", found, position + 5)
    pieces = []
    for number in range(count):
        (place,) = struct.unpack_from("<I", found, position + 5 + 4 * (count + 1) + 8 * number + 2)
        is_narrow = bool(place & 0x40000000)
        place, width = ((place & 0x3FFFFFFF) // 2, 1) if is_narrow else (place, 2)
        raw = word[place : place + width * (bounds[number + 1] - bounds[number])]
        text = raw.decode("cp1252" if is_narrow else "utf-16-le", "replace")
        pieces.append(_Piece(bounds[number], place, width, text))
    return pieces


class _Forms:
    """How the paragraphs look, by where they lie in the file."""

    def __init__(self, word: bytes, table: bytes) -> None:
        self._ends: list[int] = []
        self._forms: list[_Form] = []
        start, length = struct.unpack_from("<II", word, _PARAGRAPHS_AT)
        count = (length - 4) // 8
        pages = struct.unpack_from(f"<{max(count, 0)}I", table, start + 4 * (count + 1)) if count > 0 else ()
        for page in pages:
            self._add_page(word[(page & 0x3FFFFF) * _PAGE_BYTES :][:_PAGE_BYTES])

    def at(self, place: int) -> _Form:
        """The form of the paragraph whose last character lies at a place."""
        number = bisect_right(self._ends, place)
        return self._forms[number] if number < len(self._forms) else _Form()

    def _add_page(self, page: bytes) -> None:
        count = page[-1]
        bounds = struct.unpack_from(f"<{count + 1}I", page)
        for number in range(count):
            offset = page[4 * (count + 1) + 13 * number] * 2
            self._ends.append(bounds[number + 1])
            self._forms.append(_form(page, offset) if offset else _Form())


def _form(page: bytes, offset: int) -> _Form:
    length, start = (2 * page[offset] - 1, offset + 1) if page[offset] else (2 * page[offset + 1], offset + 2)
    properties = page[start : start + length]
    style = int.from_bytes(properties[:2], "little")
    position, marks = 2, set()
    while position + 3 <= len(properties):
        code = int.from_bytes(properties[position : position + 2], "little")
        size = _OPERAND_BYTES[code >> 13]
        if code == _TABLE_WIDTHS:
            size = int.from_bytes(properties[position + 2 : position + 4], "little") + 1
        elif not size:
            size = 1 + properties[position + 2]
        if code in (_IN_TABLE, _ENDS_ROW) and properties[position + 2]:
            marks.add(code)
        position += 2 + size
    return _Form(style if style in _HEADINGS else 0, _IN_TABLE in marks, _ENDS_ROW in marks)


def _write_main(text: str, pieces: list[_Piece], forms: _Forms, extraction: Extraction) -> None:
    """Write the paragraphs of the document itself."""
    starts = [piece.start for piece in pieces]
    cells: list[str] = []
    cell: list[str] = []
    was_row, hidden = False, _field_parts(text)
    for found in _PARAGRAPH.finditer(text):
        piece = pieces[max(bisect_right(starts, found.end() - 1) - 1, 0)]
        form = forms.at(piece.place + (found.end() - 1 - piece.start) * piece.width)
        shown = _shown(text, found.start(), found.end(), hidden)
        if form.ends_row:
            extraction.row(cells, first=not was_row)
            cells, was_row = [], True
        elif form.in_table:
            cell.append(shown)
            if found[0].endswith("\x07"):
                cells.append(" ".join(filter(None, cell)))
                cell = []
        else:
            was_row = False
            if form.level and shown:
                extraction.heading(form.level, shown)
            else:
                extraction.block(shown)
    if cells or cell:
        extraction.row([*cells, " ".join(cell)])


def _field_parts(text: str) -> list[tuple[int, int]]:
    """The ranges of the instructions of fields, which are not shown."""
    ranges, open_fields = [], []
    for found in re.finditer("[\x13\x14\x15]", text):
        if found[0] == "\x13":
            open_fields.append(found.start())
        elif open_fields and open_fields[-1] >= 0:
            ranges.append((open_fields[-1], found.end()))
            open_fields[-1] = -1
        if found[0] == "\x15" and open_fields:
            open_fields.pop()
    return sorted(ranges)


def _shown(text: str, start: int, end: int, hidden: list[tuple[int, int]]) -> str:
    """The part of a text that is seen, without the instructions of fields."""
    shown, position = [], start
    for first, last in hidden[max(bisect_right(hidden, (start, start)) - 1, 0) :]:
        if first >= end:
            break
        if last > position:
            shown.append(text[position : max(first, position)])
            position = max(position, last)
    shown.append(text[position:end])
    return "".join(shown).translate(_SIGNS).strip("\r\x07\x0c\x14\x15 ")


def _write(text: str, kind: str, extraction: Extraction) -> None:
    """Write paragraphs whose form is not known, each once, with the mark of their kind."""
    hidden = _field_parts(text)
    texts = (_shown(text, found.start(), found.end(), hidden) for found in _PARAGRAPH.finditer(text))
    written = dict.fromkeys(filter(None, texts)) if kind == _KINDS[_HEADERS] else filter(None, texts)
    for each in written:
        if any(character.isalnum() for character in each):
            extraction.block(f"{kind}: {each}" if kind else each)
