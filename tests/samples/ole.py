"""OLE files (MS-CFB), and mails of Outlook in them."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import accumulate

Tree = Mapping[str, "bytes | Tree"]
_SECTOR, _SMALL_SECTOR, _CUTOFF = 512, 64, 4096
_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def ole(tree: Tree) -> bytes:
    """An OLE file with these streams (bytes) and storages (mappings)."""
    entries: list[list[object]] = [["Root Entry", 5, _FREE, _FREE, b""]]
    _add(tree, 0, entries)
    small = b"".join(_padded(raw, _SMALL_SECTOR) for raw in _streams(entries))
    entries[0][4] = small
    sectors: list[bytes] = []
    chains: list[int] = []
    starts: dict[int, int] = {}

    def place(raw: bytes) -> int:
        start = len(sectors)
        pieces = [raw[at : at + _SECTOR].ljust(_SECTOR, b"\0") for at in range(0, len(raw), _SECTOR)]
        sectors.extend(pieces)
        chains.extend([*range(start + 1, start + len(pieces)), _END] if pieces else [])
        return start if pieces else _END

    small_chains: list[int] = []
    for number, (_, kind, _, _, raw) in enumerate(entries):
        assert isinstance(raw, bytes)
        if kind == 2 and len(raw) < _CUTOFF:
            count = -(-len(raw) // _SMALL_SECTOR)
            starts[number] = len(small_chains) if count else _END
            small_chains += [*range(len(small_chains) + 1, len(small_chains) + count), _END] if count else []
        elif kind != 1:
            starts[number] = place(raw)
    small_table = place(struct.pack(f"<{len(small_chains)}I", *small_chains).ljust(_SECTOR, b"\xff"))
    directory = place(_padded(b"".join(_entry(each, starts.get(n, 0)) for n, each in enumerate(entries)), _SECTOR))
    tables = -(-(len(chains) + 1) // (_SECTOR // 4 - 1))
    first_table = len(sectors)
    chains += [_FAT] * tables
    table = struct.pack(f"<{len(chains)}I", *chains).ljust(tables * _SECTOR, b"\xff")
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    header += struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack("<IIIIIIIIII", 0, tables, directory, 0, _CUTOFF, small_table, 1, _END, 0, first_table)
    numbers = [*range(first_table, first_table + tables), *([_FREE] * (109 - tables))]
    header = header[:76] + struct.pack("<109I", *numbers)
    return header + b"".join(sectors) + table


def _add(tree: Tree, parent: int, entries: list[list[object]]) -> None:
    previous = None
    for name, content in tree.items():
        number = len(entries)
        is_stream = isinstance(content, bytes)
        entries.append([name, 2 if is_stream else 1, _FREE, _FREE, content if is_stream else b""])
        if previous is None:
            entries[parent][3] = number
        else:
            entries[previous][2] = number
        previous = number
        if not isinstance(content, bytes):
            _add(content, number, entries)


def _streams(entries: Sequence[Sequence[object]]) -> list[bytes]:
    """The streams that are kept in small sectors."""
    streams = [raw for _, kind, _, _, raw in entries if kind == 2 and isinstance(raw, bytes)]
    return [raw for raw in streams if len(raw) < _CUTOFF]


def _entry(entry: Sequence[object], start: int) -> bytes:
    name, kind, right, child, raw = entry
    wide = f"{name}\0".encode("utf-16-le")
    assert isinstance(raw, bytes)
    return (
        wide.ljust(64, b"\0")
        + struct.pack("<HBBIII", len(wide), kind, 1, _FREE, right, child)
        + bytes(36)
        + struct.pack("<IQ", start, len(raw))
    )


def _padded(raw: bytes, size: int) -> bytes:
    return raw + bytes(-len(raw) % size)


def message(
    texts: Mapping[int, str | bytes],
    *,
    numbers: Mapping[int, int] | None = None,
    inside: Mapping[str, Tree] | None = None,
    header: int = 32,
) -> dict[str, bytes | Tree]:
    """The streams of a message, recipient or attachment: texts as Unicode, bytes as binary properties."""
    tree: dict[str, bytes | Tree] = {}
    for number, value in texts.items():
        is_text = isinstance(value, str)
        raw = value.encode("utf-16-le") if isinstance(value, str) else value
        tree[f"__substg1.0_{number:04X}{'001F' if is_text else '0102'}"] = raw
    fixed = b"".join(struct.pack("<HHIQ", 3, number, 6, value) for number, value in (numbers or {}).items())
    tree["__properties_version1.0"] = bytes(header) + fixed
    return {**tree, **(inside or {})}


def person(name: str, address: str, kind: int = 1) -> dict[str, bytes | Tree]:
    """A recipient."""
    return message({0x3001: name, 0x39FE: address}, numbers={0x0C15: kind}, header=8)


def attached(name: str, raw: bytes) -> dict[str, bytes | Tree]:
    """An attachment."""
    return message({0x3707: name, 0x3701: raw}, header=8)


def ticks(moment: datetime) -> int:
    """A date as Outlook stores it."""
    return int((moment - datetime(1601, 1, 1, tzinfo=UTC)).total_seconds()) * 10_000_000


OUTLOOK_MAIL = ole(
    message(
        {0x0037: "RE: Größe", 0x0C1A: "Ada", 0x5D01: "ada@example.org", 0x1000: "They swim at night."},
        numbers={0x0039: ticks(datetime(2026, 1, 5, 10, tzinfo=UTC))},
        inside={
            "__recip_version1.0_#00000000": person("Bo", "bo@example.org"),
            "__recip_version1.0_#00000001": person("Cy", "cy@example.org", 2),
            "__attach_version1.0_#00000000": attached("terms.txt", b"Two years. " * 500),
        },
    )
)


def old_word(
    paragraphs: Sequence[tuple[str, int, int]],
    *,
    notes: str = "",
    margins: Sequence[str] = (),
    hidden: Mapping[str, int] | None = None,
    narrow: bool = False,
    flags: int = 0,
) -> bytes:
    """A file of Word 97. Each paragraph has its text with the character that ends it, its style, and 1 in a table, 2
    where it ends a row. `margins` are the headers and footers of the first section, in the order of the format;
    `hidden` are words with the code of the property that hides them."""
    text = "".join(each for each, *_ in paragraphs)
    main, notes = text, notes + "".join(margins)
    width, encoding = (1, "cp1252") if narrow else (2, "utf-16-le")
    groups = [paragraphs[at : at + 12] for at in range(0, len(paragraphs), 12)]
    start = 1024 + 512 * len(groups)
    raw = (text + notes).encode(encoding)
    place, pages, bounds = start, b"", [start]
    for group in groups:
        page, place = _paragraph_page(group, place, width)
        pages += page
        bounds.append(place)
    first = start * 2 | 0x40000000 if narrow else start
    pieces = struct.pack("<II", 0, len(text + notes)) + struct.pack("<HIH", 0, first, 0)
    clx = b"\x02" + struct.pack("<I", len(pieces)) + pieces
    characters = _character_page(main, hidden or {}, start, width)
    stories = [*[0] * 6, *accumulate(map(len, margins), initial=0), 0] if margins else []
    table = struct.pack(f"<{len(bounds)}I", *bounds) + struct.pack(f"<{len(groups)}I", *range(2, 2 + len(groups)))
    more = struct.pack("<III", start, place, 2 + len(groups) + (len(raw) + 511) // 512)
    more += struct.pack(f"<{len(stories)}I", *stories)
    word = bytearray(1024) + pages + raw.ljust((len(raw) + 511) // 512 * 512, b"\0") + characters
    struct.pack_into("<HH", word, 0, 0xA5EC, 0xC1)
    struct.pack_into("<H", word, 0x0A, 0x0200 | flags)
    inner = len("".join(margins))
    struct.pack_into("<8I", word, 0x4C, len(text), len(notes) - inner, inner, 0, 0, 0, 0, 0)
    struct.pack_into("<IIII", word, 0xF2, len(clx) + len(table) + 12, 4 * len(stories), len(clx) + len(table), 12)
    struct.pack_into("<II", word, 0x0102, len(clx), len(table))
    struct.pack_into("<II", word, 0x01A2, 0, len(clx))
    return ole({"WordDocument": bytes(word).ljust(4096, b"\0"), "1Table": clx + table + more})


def _character_page(text: str, hidden: Mapping[str, int], place: int, width: int) -> bytes:
    """A page with the properties of the characters of a text that begins at a place."""
    cuts = sorted({0, len(text), *(at for word in hidden for at in (text.index(word), text.index(word) + len(word)))})
    codes = [next((code for word, code in hidden.items() if text.startswith(word, at)), 0) for at in cuts[:-1]]
    page, items, end = bytearray(512), b"", 511
    for code in codes:
        end = (end - 4) // 2 * 2
        page[end : end + 4] = struct.pack("<BHB", 3, code, 1)
        items += bytes([end // 2 if code else 0])
    head = struct.pack(f"<{len(cuts)}I", *(place + at * width for at in cuts)) + items
    page[: len(head)] = head
    page[511] = len(codes)
    return bytes(page)


def _paragraph_page(paragraphs: Sequence[tuple[str, int, int]], place: int, width: int) -> tuple[bytes, int]:
    """A page with the properties of paragraphs that begin at a place, and where they end."""
    bounds, page, items, end = [place], bytearray(512), [], 511
    for each, style, table in paragraphs:
        bounds.append(bounds[-1] + len(each) * width)
        marks = (b"\x16\x24\x01" if table else b"") + (b"\x17\x24\x01" if table == 2 else b"")
        properties = struct.pack("<H", style) + marks
        properties += bytes((len(properties) + 1) % 2)
        papx = bytes([(len(properties) + 1) // 2]) + properties
        end = (end - len(papx)) // 2 * 2
        page[end : end + len(papx)] = papx
        items.append(bytes([end // 2]) + bytes(12))
    head = struct.pack(f"<{len(bounds)}I", *bounds) + b"".join(items)
    page[: len(head)] = head
    page[511] = len(paragraphs)
    return bytes(page), bounds[-1]


def old_slides(slides: Sequence[tuple[str, str, str]]) -> bytes:
    """A file of PowerPoint 97: title, text and note of each slide."""

    def record(kind: int, content: bytes, version: int = 0) -> bytes:
        return struct.pack("<HHI", version, kind, len(content)) + content

    def texts(kind: int, text: str) -> bytes:
        return record(0x0F9F, struct.pack("<I", kind)) + record(0x0FA0, text.encode("utf-16-le"))

    content, places, listed, noted = b"", [], b"", b""
    for number, (title, text, _) in enumerate(slides, 1):
        places.append(len(content))
        drawing = record(0x040C, record(0xF00D, texts(4, text), 0xF), 0xF)
        content += record(0x03EE, record(0x03EF, struct.pack("<IQII", 0, 0, 0, 500 + number)) + drawing, 0xF)
        listed += record(0x03F3, struct.pack("<IIII", number, 0, 1, 255 + number)) + texts(0, title)
        noted += record(0x03F3, struct.pack("<IIII", len(slides) + number, 0, 1, 500 + number))
    for _, _, note in slides:
        places.append(len(content))
        content += record(0x03F0, record(0x040C, record(0xF00D, texts(2, note), 0xF), 0xF), 0xF)
    places.append(len(content))
    content += record(0x03E8, record(0x0FF0, listed, 0xF) + record(0x0FF0, noted, 0x2F), 0xF)
    directory = len(content)
    content += record(0x1772, struct.pack(f"<{len(places) + 1}I", 1 | len(places) << 20, *places))
    edit = len(content)
    content += record(0x0FF5, struct.pack("<IIIII", 0, 0, 0, directory, len(places)) + bytes(8))
    user = record(0x0FF6, struct.pack("<III", 20, 0xE391C05F, edit) + bytes(8))
    return ole({"Current User": user, "PowerPoint Document": content})
