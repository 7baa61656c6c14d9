"""The attachments in a `winmail.dat`, in which Outlook packs them for programs that are not Outlook (MS-OXTNEF)."""

import struct
from collections.abc import Iterator

MEDIA_TYPES = ("application/ms-tnef", "application/vnd.ms-tnef")
_SIGNATURE = struct.pack("<I", 0x223E9F78)
_HEAD = struct.Struct("<BII")
_NEW, _TITLE, _DATA, _PROPERTIES = 0x00069002, 0x00018010, 0x0006800F, 0x00069005
_LONG_NAME = 0x3707
_STRINGS = {0x1E: "cp1252", 0x1F: "utf-16-le"}
_OF_VARIABLE_LENGTH = (0x0D, 0x1E, 0x1F, 0x102)
_OF_FIXED_LENGTH = {2: 4, 3: 4, 4: 4, 10: 4, 11: 4, 5: 8, 6: 8, 7: 8, 20: 8, 64: 8, 72: 16}
_SEVERAL, _NAMED = 0x1000, 0x8000


def attachments(raw: bytes) -> list[tuple[str, bytes]]:
    """Name and content of each attachment, as far as the file is not damaged; none if it is no such file."""
    if not raw.startswith(_SIGNATURE):
        return []
    found: list[tuple[str, bytes]] = []
    for kind, content in _attributes(raw):
        if kind == _NEW:
            found.append(("", b""))
        elif found:
            name, data = found[-1]
            if kind == _TITLE:
                found[-1] = (name or content.rstrip(b"\0").decode("cp1252", "replace"), data)
            elif kind == _DATA:
                found[-1] = (name, content)
            elif kind == _PROPERTIES:
                found[-1] = (_long_name(content) or name, data)
    return [(name, data) for name, data in found if data]


def _attributes(raw: bytes) -> Iterator[tuple[int, bytes]]:
    position = len(_SIGNATURE) + 2
    while position + _HEAD.size <= len(raw):
        _, kind, length = _HEAD.unpack_from(raw, position)
        position += _HEAD.size
        yield kind, raw[position : position + length]
        position += length + 2


def _long_name(raw: bytes) -> str:
    """The whole name among the properties of an attachment; "" if it is not there."""
    try:
        return next((value for number, value in _texts(raw) if number == _LONG_NAME), "")
    except struct.error:
        return ""


def _texts(raw: bytes) -> Iterator[tuple[int, str]]:
    """Number and value of the properties that are texts."""
    (count,) = struct.unpack_from("<I", raw)
    position = 4
    for _ in range(count):
        kind, number = struct.unpack_from("<HH", raw, position)
        position += 4
        if number >= _NAMED:
            position += 16
            is_text, length = struct.unpack_from("<II", raw, position)
            position += 8 + (_padded(length) if is_text else 0)
        values = 1
        single = kind & ~_SEVERAL
        if kind & _SEVERAL or single in _OF_VARIABLE_LENGTH:
            (values,) = struct.unpack_from("<I", raw, position)
            position += 4
        if single not in _OF_VARIABLE_LENGTH:
            position += values * _OF_FIXED_LENGTH.get(single, 4)
            continue
        for _ in range(values):
            (length,) = struct.unpack_from("<I", raw, position)
            text = raw[position + 4 : position + 4 + length]
            if single in _STRINGS:
                yield number, text.decode(_STRINGS[single], "replace").rstrip("\0")
            position += 4 + _padded(length)


def _padded(length: int) -> int:
    return (length + 3) // 4 * 4
