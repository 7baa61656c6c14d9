"""PowerPoint before 2007 (MS-PPT), without LibreOffice: the titles, texts and notes of the slides.

The file is a tree of records. A slide that was changed is written anew at the end; a directory says where each slide
lies now.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.extraction import Extraction
from omni_pipelines.text.readers.old_office.ole_streams import opened

_CONTAINER = 0xF
_DOCUMENT, _SLIDE_ATOM, _PLACE, _LIST = 0x03E8, 0x03EF, 0x03F3, 0x0FF0
_TEXT_KIND, _WIDE, _NARROW, _EDIT, _DIRECTORY = 0x0F9F, 0x0FA0, 0x0FA8, 0x0FF5, 0x1772
_TITLES = (0, 6)
_NOTE_TEXT = 2
_SLIDES, _NOTES = 0, 2
_MAX_DEPTH, _MAX_EDITS = 24, 10_000
_ENCRYPTED = 0xF3D1C4DF
_SIGNS = {0x0B: "\n", 0x0D: "\n"}
_HEAD = struct.Struct("<HHI")


@dataclass(frozen=True)
class _Record:
    kind: int
    instance: int
    is_container: bool
    start: int
    end: int


@dataclass
class _Slide:
    """What the document says of a slide, before its own record is read."""

    reference: int
    slide_id: int
    texts: list[tuple[int, str]] = field(default_factory=list)
    """Kind and text."""


def read(raw: bytes, name: str) -> Parsed:
    """Read a presentation."""
    with opened(raw) as streams:
        user, content = streams.stream("Current User"), streams.stream("PowerPoint Document")
        if len(user) >= 20 and struct.unpack_from("<I", user, 12)[0] == _ENCRYPTED:
            raise Unreadable(RefusalCode.ENCRYPTED, "it needs a password")
        places, document = _directory(content, struct.unpack_from("<I", user, 16)[0])
        lists = {
            record.instance: record for record in _inside(content, _record(content, document)) if record.kind == _LIST
        }
        slides = _listed(content, lists.get(_SLIDES))
        notes = {each.slide_id: each for each in _listed(content, lists.get(_NOTES))}
        extraction = Extraction()
        for number, slide in enumerate(slides, 1):
            extraction.page(number)
            _write_slide(content, slide, places, notes, extraction)
        return extraction.parsed(name, streams.title())


def _directory(content: bytes, edit: int) -> tuple[dict[int, int], int]:
    """Reference to place of every record, and the place of the document."""
    places: dict[int, int] = {}
    document = 0
    for _ in range(_MAX_EDITS):
        record = _record(content, edit)
        if record.kind != _EDIT:
            raise ValueError("the list of edits is missing")
        before, directory, reference = struct.unpack_from("<III", content, record.start + 8)
        document = document or reference
        for number, place in _entries(content, _record(content, directory)):
            places.setdefault(number, place)
        if not before:
            break
        edit = before
    return places, places[document]


def _entries(content: bytes, record: _Record) -> Iterator[tuple[int, int]]:
    if record.kind != _DIRECTORY:
        return
    position = record.start
    while position + 4 <= record.end:
        (head,) = struct.unpack_from("<I", content, position)
        first, count = head & 0xFFFFF, head >> 20
        places = struct.unpack_from(f"<{count}I", content, position + 4)
        yield from enumerate(places, first)
        position += 4 + 4 * count


def _record(content: bytes, position: int) -> _Record:
    version, kind, length = _HEAD.unpack_from(content, position)
    start = position + _HEAD.size
    return _Record(kind, version >> 4, version & 0xF == _CONTAINER, start, min(start + length, len(content)))


def _inside(content: bytes, record: _Record) -> Iterator[_Record]:
    """The records directly inside a container."""
    position = record.start
    while position + _HEAD.size <= record.end:
        inner = _record(content, position)
        yield inner
        position = inner.end


def _atoms(content: bytes, record: _Record, depth: int = 0) -> Iterator[_Record]:
    """The records inside a container that contain no others."""
    if depth > _MAX_DEPTH:
        raise Unreadable(RefusalCode.DEPTH, f"more than {_MAX_DEPTH} records inside one another")
    for inner in _inside(content, record):
        if inner.is_container:
            yield from _atoms(content, inner, depth + 1)
        else:
            yield inner


def _listed(content: bytes, record: _Record | None) -> list[_Slide]:
    """The slides in a list of the document, with the texts of their outline."""
    slides: list[_Slide] = []
    kind = -1
    for atom in _inside(content, record) if record is not None else ():
        if atom.kind == _PLACE:
            reference, _, _, slide_id = struct.unpack_from("<IIII", content, atom.start)
            slides.append(_Slide(reference, slide_id))
        elif slides:
            kind = _add_text(content, atom, kind, slides[-1].texts)
    return slides


def _add_text(content: bytes, atom: _Record, kind: int, texts: list[tuple[int, str]]) -> int:
    """Add the text of a record, and return the kind of the text that follows."""
    if atom.kind == _TEXT_KIND:
        return int(struct.unpack_from("<I", content, atom.start)[0])
    raw = content[atom.start : atom.end]
    if atom.kind == _WIDE:
        texts.append((kind, raw.decode("utf-16-le", "replace")))
    elif atom.kind == _NARROW:
        texts.append((kind, raw.decode("latin-1")))
    return kind


def _texts(content: bytes, record: _Record) -> tuple[list[tuple[int, str]], int]:
    """The texts in the drawing of a slide, and the id of its notes."""
    texts: list[tuple[int, str]] = []
    notes, kind = 0, -1
    for atom in _atoms(content, record):
        if atom.kind == _SLIDE_ATOM:
            (notes,) = struct.unpack_from("<I", content, atom.start + 16)
        kind = _add_text(content, atom, kind, texts)
    return texts, notes


def _write_slide(
    content: bytes, slide: _Slide, places: dict[int, int], notes: dict[int, _Slide], extraction: Extraction
) -> None:
    record = _record(content, places[slide.reference]) if slide.reference in places else None
    drawn, notes_id = _texts(content, record) if record is not None else ([], 0)
    for kind, text in [*slide.texts, *drawn]:
        shown = text.translate(_SIGNS)
        if kind in _TITLES:
            extraction.heading(1, shown)
        else:
            extraction.block(shown)
    note = notes.get(notes_id) if notes_id else None
    if note is not None and note.reference in places:
        found, _ = _texts(content, _record(content, places[note.reference]))
        text = "\n".join(text.translate(_SIGNS) for kind, text in [*note.texts, *found] if kind == _NOTE_TEXT)
        extraction.block(f"Note: {text}" if text.strip() else "")
