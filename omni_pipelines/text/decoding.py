"""Bytes to text and back: every character range has an exact byte range in the file's own encoding."""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from omni_pipelines.refusals import RefusalCode, Unreadable

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Byte order marks; UTF-32 first, for its little-endian mark begins with that of UTF-16."""
_STATEFUL = ("iso2022", "hz", "utf_7")
"""Codecs in which a character's bytes depend on what stands before: no byte range can be cut out of them."""
_SAY_NOTHING = ("utf_8", "ascii", "iso8859_1", "raw_unicode_escape", "unicode_escape", "punycode", "idna")
"""Declared by habit, whatever the bytes are, or no encodings of documents at all: the bytes decide."""
_SINGLE_BYTE = ("cp1252", "latin-1")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_MAX_CONTROLS = 0.01
"""Share of control characters above which decoded bytes are not text."""


@dataclass(frozen=True)
class Decoded:
    """A file's text, with line ends as they are in the file."""

    text: str
    encoding: str
    """A Python codec: `text.encode(encoding)` gives the file's bytes after the mark."""
    bom_bytes: int
    """Bytes before the first character."""

    def byte_offsets(self, positions: Iterable[int]) -> list[int]:
        """The place in the file of each character position; positions must not fall."""
        offsets, char, byte = [], 0, self.bom_bytes
        for position in positions:
            byte += len(self.text[char:position].encode(self.encoding))
            char = position
            offsets.append(byte)
        return offsets

    def file_bytes(self) -> bytes:
        """The bytes of the file, mark and all."""
        mark = next((mark for mark, name in _MARKS if name == self.encoding), b"")[: self.bom_bytes]
        return mark + self.text.encode(self.encoding)


def decode(raw: bytes, declared: str | None = None) -> Decoded:
    """The text of a file: by its mark, else UTF-8, else what it declares, else Windows-1252 or Latin-1.

    UTF-8 goes before the declaration: bytes hardly ever fit it by chance, and pages often declare what they are not.

    Raises:
        Unreadable: E_BINARY, or E_ENCODING where no codec gives the same bytes back, character by character.
    """
    for mark, name in _MARKS:
        if raw.startswith(mark):
            return _checked(raw, name, len(mark))
    if b"\0" in raw:
        raise Unreadable(RefusalCode.BINARY, "zero bytes without a byte order mark")
    codec = _codec(declared)
    if codec.startswith(_STATEFUL):
        return _plain_despite(raw, codec)
    if _is_utf8(raw):
        return _checked(raw, "utf-8", 0)
    if codec:
        return _independent(_checked(raw, codec, 0))
    _refuse_damaged_utf8(raw)
    return _single_byte(raw)


def _checked(raw: bytes, encoding: str, bom_bytes: int) -> Decoded:
    body = raw[bom_bytes:]
    try:
        text = body.decode(encoding)
        same = text.encode(encoding) == body
    except (UnicodeError, LookupError) as error:
        raise Unreadable(RefusalCode.ENCODING, f"not {encoding}: {error}") from error
    if not same:
        raise Unreadable(RefusalCode.ENCODING, f"{encoding} does not give the same bytes back")
    if len(_CONTROL.findall(text)) > _MAX_CONTROLS * len(text):
        raise Unreadable(RefusalCode.BINARY, "too many control characters for a text")
    return Decoded(text, encoding, bom_bytes)


def _codec(declared: str | None) -> str:
    """The declared encoding as Python calls it; empty where it is unknown or says nothing about the bytes."""
    if not declared:
        return ""
    try:
        name = codecs.lookup(declared).name.replace("-", "_")
        b"a".decode(name)  # refuses what is no text encoding, like base64
    except (LookupError, UnicodeError):
        return ""
    return "" if name in _SAY_NOTHING else name


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _plain_despite(raw: bytes, codec: str) -> Decoded:
    """ASCII that declares a stateful codec and uses none of its states; everything else is refused."""
    if raw.isascii() and raw.decode(codec, "replace") == raw.decode("ascii"):
        return _checked(raw, "utf-8", 0)
    raise Unreadable(
        RefusalCode.ENCODING, f"{codec} has no byte ranges that can be read alone; convert the file to UTF-8"
    )


def _independent(decoded: Decoded) -> Decoded:
    """Refuse codecs that write some characters together: a range between them has no bytes of its own."""
    try:
        alone = sum(len(char.encode(decoded.encoding)) * times for char, times in Counter(decoded.text).items())
    except UnicodeEncodeError:
        alone = -1
    if alone != len(decoded.text.encode(decoded.encoding)):
        raise Unreadable(RefusalCode.ENCODING, f"{decoded.encoding} writes characters of this file together")
    return decoded


def _refuse_damaged_utf8(raw: bytes) -> None:
    """A file that is mostly UTF-8 with a few broken bytes would turn into nonsense as Latin-1."""
    lenient = raw.decode("utf-8", "replace")
    broken = lenient.count("�")
    good = sum(1 for character in lenient if character > "\x7f") - broken
    if good >= max(broken, 1):
        raise Unreadable(RefusalCode.ENCODING, f"UTF-8 with {broken} broken sequences")


def _single_byte(raw: bytes) -> Decoded:
    for name in _SINGLE_BYTE:
        try:
            return _checked(raw, name, 0)
        except Unreadable as error:
            refused = error
    raise refused


def newline_offsets(text: str) -> list[int]:
    """Where each line after the first begins; CRLF, LF and lone CR end a line."""
    return [match.end() for match in re.finditer(r"\r\n|\n|\r", text)]
