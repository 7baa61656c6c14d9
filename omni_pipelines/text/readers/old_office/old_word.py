"""Word before 2007 (MS-DOC), without LibreOffice: text, headings, table rows, notes, comments, headers and footers.

The text lies in pieces, which the table stream lists. Whether a paragraph is a heading or ends a row is found by the
place in the file where it ends, and so is what is hidden or deleted, which is left out.
"""

import re
import struct
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.extraction import Extraction
from omni_pipelines.text.readers.old_office.ole_streams import OleStreams, opened
from omni_pipelines.text.sentences import Range

_WORD_6 = 101
"""File versions below this keep their text in one piece, in the code page of Windows."""
_ENCRYPTED, _SECOND_TABLE = 0x0100, 0x0200
_FLAGS_AT, _FIRST_AT, _LENGTHS_AT, _STORIES_AT = 0x0A, 0x18, 0x4C, 0xF2
_CHARACTERS_AT, _PARAGRAPHS_AT, _PIECES_AT = 0xFA, 0x0102, 0x01A2
_KINDS = ("", "Footnote", "Header", "", "Comment", "Endnote", "", "")
"""What the parts of the text are, in their order; macros and text boxes have no mark."""
_HEADERS = 2
_STORIES_OF_SECTION, _FIRST_STORY, _FOOTERS = 6, 6, (2, 3, 5)
"""Headers and footers of a section: of even and odd pages, and of its first page. Rules above notes precede them."""
_PAGE_BYTES = 512
_HEADINGS = range(1, 10)
"""Numbers of the styles Heading 1 to 9, in every file."""
_IN_TABLE, _ENDS_ROW, _TABLE_WIDTHS = 0x2416, 0x2417, 0xD608
_DELETED, _VANISHES = 0x0800, 0x083C
_MAX_STORIES, _MAX_HIDDEN = 1_000, 10_000
_ON = (0x01, 0x81)
"""On, and the opposite of what the style says, which is off for nearly all styles."""
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
            _write(word[first:end].decode("cp1252", "replace"), "", extraction, [])
        else:
            _read_pieces(word, streams, extraction, has_second_table=bool(flags & _SECOND_TABLE))
        return extraction.parsed(name, streams.title())


def _read_pieces(word: bytes, streams: OleStreams, extraction: Extraction, *, has_second_table: bool) -> None:
    table = streams.stream("1Table" if has_second_table else "0Table")
    pieces = _pieces(word, table)
    forms = _Forms(word, table)
    hidden = _hidden(word, table, pieces)
    text = "".join(piece.text for piece in pieces)
    start = 0
    for kind, length in zip(_KINDS, struct.unpack_from("<8I", word, _LENGTHS_AT), strict=True):
        part = text[start : start + length]
        inside = [(first - start, last - start) for first, last in hidden if last > start and first < start + length]
        if start == 0:
            _write_main(part, pieces, forms, extraction, inside)
        elif kind == _KINDS[_HEADERS]:
            _write_margins(part, _stories(word, table), extraction, inside)
        else:
            _write(part, kind, extraction, inside)
        start += length


def _stories(word: bytes, table: bytes) -> list[int]:
    """Where the headers and footers begin in their part of the text, and where the last one ends."""
    start, length = struct.unpack_from("<II", word, _STORIES_AT)
    return list(struct.unpack_from(f"<{min(length // 4 - 1, _MAX_STORIES)}I", table, start)) if length >= 12 else []


def _hidden(word: bytes, table: bytes, pieces: list[_Piece]) -> list[Range]:
    """The ranges of the text that is hidden or deleted, in order."""
    places = sorted(
        (first, last)
        for page, count, bounds in _property_pages(word, table, _CHARACTERS_AT)
        for (first, last), offset in zip(pairwise(bounds), page[4 * (count + 1) :], strict=False)
        if offset and _is_hidden(page[2 * offset + 1 : 2 * offset + 1 + page[2 * offset]])
    )[:_MAX_HIDDEN]
    found = []
    for piece in pieces:
        end = piece.place + len(piece.text) * piece.width
        for first, last in places[max(bisect_right(places, (piece.place, 0)) - 1, 0) :]:
            if first >= end:
                break
            if last > piece.place:
                begin, finish = max(first, piece.place) - piece.place, min(last, end) - piece.place
                found.append((piece.start + begin // piece.width, piece.start + finish // piece.width))
    return sorted(found)


def _is_hidden(properties: bytes) -> bool:
    return any(code in (_DELETED, _VANISHES) and operand in _ON for code, operand in _modifiers(properties))


def _property_pages(word: bytes, table: bytes, at: int) -> Iterator[tuple[bytes, int, tuple[int, ...]]]:
    """The pages with properties of characters or paragraphs: bytes, number of entries, their ends and first start."""
    start, length = struct.unpack_from("<II", word, at)
    count = (length - 4) // 8
    numbers = struct.unpack_from(f"<{max(count, 0)}I", table, start + 4 * (count + 1)) if count > 0 else ()
    for number in numbers:
        page = word[(number & 0x3FFFFF) * _PAGE_BYTES :][:_PAGE_BYTES]
        yield page, page[-1], struct.unpack_from(f"<{page[-1] + 1}I", page)


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
        for page, count, bounds in _property_pages(word, table, _PARAGRAPHS_AT):
            for number in range(count):
                offset = page[4 * (count + 1) + 13 * number] * 2
                self._ends.append(bounds[number + 1])
                self._forms.append(_form(page, offset) if offset else _Form())

    def at(self, place: int) -> _Form:
        """The form of the paragraph whose last character lies at a place."""
        number = bisect_right(self._ends, place)
        return self._forms[number] if number < len(self._forms) else _Form()


def _form(page: bytes, offset: int) -> _Form:
    length, start = (2 * page[offset] - 1, offset + 1) if page[offset] else (2 * page[offset + 1], offset + 2)
    properties = page[start : start + length]
    style = int.from_bytes(properties[:2], "little")
    marks = {code for code, operand in _modifiers(properties[2:]) if code in (_IN_TABLE, _ENDS_ROW) and operand}
    return _Form(style if style in _HEADINGS else 0, _IN_TABLE in marks, _ENDS_ROW in marks)


def _modifiers(properties: bytes) -> Iterator[tuple[int, int]]:
    """The codes of properties, each with the first byte of its operand."""
    position = 0
    while position + 3 <= len(properties):
        code = int.from_bytes(properties[position : position + 2], "little")
        size = _OPERAND_BYTES[code >> 13]
        if code == _TABLE_WIDTHS:
            size = int.from_bytes(properties[position + 2 : position + 4], "little") + 1
        elif not size:
            size = 1 + properties[position + 2]
        yield code, properties[position + 2]
        position += 2 + size


def _write_main(text: str, pieces: list[_Piece], forms: _Forms, extraction: Extraction, hidden: list[Range]) -> None:
    """Write the paragraphs of the document itself."""
    starts = [piece.start for piece in pieces]
    cells: list[str] = []
    cell: list[str] = []
    was_row, left_out = False, _united([*hidden, *_field_parts(text)])
    for found in _PARAGRAPH.finditer(text):
        piece = pieces[max(bisect_right(starts, found.end() - 1) - 1, 0)]
        form = forms.at(piece.place + (found.end() - 1 - piece.start) * piece.width)
        shown = _shown(text, found.start(), found.end(), left_out)
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


def _united(ranges: list[Range]) -> list[Range]:
    """Ranges that may overlap, as ranges that do not, in order."""
    united: list[Range] = []
    for first, last in sorted(ranges):
        if united and first <= united[-1][1]:
            united[-1] = (united[-1][0], max(united[-1][1], last))
        else:
            united.append((first, last))
    return united


def _field_parts(text: str) -> list[Range]:
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
    return ranges


def _shown(text: str, start: int, end: int, hidden: list[Range]) -> str:
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


def _write_margins(text: str, stories: list[int], extraction: Extraction, hidden: list[Range]) -> None:
    """Write headers and footers, each text once."""
    written: dict[str, None] = {}
    for number, (first, last) in enumerate(pairwise(stories or [0, len(text)])):
        is_footer = number >= _FIRST_STORY and (number - _FIRST_STORY) % _STORIES_OF_SECTION in _FOOTERS
        inside = [(start - first, end - first) for start, end in hidden if end > first and start < last]
        kind = "Footer" if is_footer else "Header"
        written |= dict.fromkeys(f"{kind}: {each}" for each in _paragraphs(text[first:last], inside))
    for each in written:
        extraction.block(each)


def _write(text: str, kind: str, extraction: Extraction, hidden: list[Range]) -> None:
    """Write paragraphs whose form is not known, with the mark of their kind."""
    for each in _paragraphs(text, hidden):
        extraction.block(f"{kind}: {each}" if kind else each)


def _paragraphs(text: str, hidden: list[Range]) -> Iterator[str]:
    """The paragraphs with letters or digits."""
    left_out = _united([*hidden, *_field_parts(text)])
    for found in _PARAGRAPH.finditer(text):
        shown = _shown(text, found.start(), found.end(), left_out)
        if any(character.isalnum() for character in shown):
            yield shown.strip()
