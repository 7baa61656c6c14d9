"""Decode the bytes of a file, and map every range of characters back to its exact range of bytes."""

import codecs
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from omni_pipelines.refusals import RefusalCode, Unreadable

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""UTF-32 comes first, because its little-endian mark starts with the one of UTF-16."""
_STATEFUL_CODECS = ("iso2022", "hz", "utf_7")
"""In these codecs, the bytes of a character depend on the characters before it, so no range can be read alone."""
_IGNORED_DECLARATIONS = (
    "utf_8", "ascii", "iso8859_1", "raw_unicode_escape", "unicode_escape", "punycode", "idna",
)  # fmt: skip
"""Often declared by default whatever the bytes are, or not encodings of documents at all: the bytes decide."""
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_MAX_CONTROL_SHARE = 0.01


@dataclass(frozen=True)
class DecodedText:
    """The text of a file, with its line ends unchanged."""

    text: str
    encoding: str
    """A Python codec: `text.encode(encoding)` gives the bytes of the file after the byte order mark."""
    bom_bytes: int
    """Length of the byte order mark, 0 without one."""

    def byte_offsets(self, positions: Iterable[int]) -> list[int]:
        """The byte offset in the file of each character position; positions must be in ascending order."""
        offsets, char, byte = [], 0, self.bom_bytes
        for position in positions:
            byte += len(self.text[char:position].encode(self.encoding))
            char = position
            offsets.append(byte)
        return offsets

    def file_bytes(self) -> bytes:
        """The bytes of the file, including the byte order mark."""
        bom = next((bom for bom, name in _BYTE_ORDER_MARKS if name == self.encoding), b"")[: self.bom_bytes]
        return bom + self.text.encode(self.encoding)


def decode(raw: bytes, declared: str | None = None) -> DecodedText:
    """Decode a file by its byte order mark, else as UTF-8, else as declared, else as Windows-1252 or Latin-1.

    UTF-8 is tried before the declared encoding: other bytes are hardly ever valid UTF-8 by chance, and pages often
    declare a wrong encoding.

    Raises:
        Unreadable: E_BINARY, or E_ENCODING where no codec gives the same bytes back, character by character.
    """
    for bom, name in _BYTE_ORDER_MARKS:
        if raw.startswith(bom):
            return _decode_exactly(raw, name, len(bom))
    if b"\0" in raw:
        raise Unreadable(RefusalCode.BINARY, "not a text file: it contains zero bytes and no byte order mark")
    codec = _declared_codec(declared)
    if codec.startswith(_STATEFUL_CODECS):
        return _ascii_despite(raw, codec)
    if _is_utf8(raw):
        return _decode_exactly(raw, "utf-8", 0)
    if codec:
        return _refuse_joined_characters(_decode_exactly(raw, codec, 0))
    _refuse_damaged_utf8(raw)
    try:
        return _decode_exactly(raw, "cp1252", 0)
    except Unreadable:
        return _decode_exactly(raw, "latin-1", 0)


def _decode_exactly(raw: bytes, encoding: str, bom_bytes: int) -> DecodedText:
    body = raw[bom_bytes:]
    try:
        text = body.decode(encoding)
        is_same = text.encode(encoding) == body
    except (UnicodeError, LookupError) as error:
        raise Unreadable(RefusalCode.ENCODING, f"not {encoding}: {error}") from error
    if not is_same:
        raise Unreadable(RefusalCode.ENCODING, f"decoding as {encoding} and encoding again changes the bytes")
    if len(_CONTROL.findall(text)) > _MAX_CONTROL_SHARE * len(text):
        raise Unreadable(RefusalCode.BINARY, "not a text file: it has too many control characters")
    return DecodedText(text, encoding, bom_bytes)


def _declared_codec(declared: str | None) -> str:
    """Python's name of the declared encoding; "" where it is unknown or the bytes should decide."""
    if not declared:
        return ""
    try:
        name = codecs.lookup(declared).name.replace("-", "_")
        b"a".decode(name)  # raises for codecs that are not text encodings, such as base64
    except (LookupError, UnicodeError):
        return ""
    return "" if name in _IGNORED_DECLARATIONS else name


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _ascii_despite(raw: bytes, codec: str) -> DecodedText:
    """Decode ASCII that declares a stateful codec but never changes its state; refuse everything else."""
    if raw.isascii() and raw.decode(codec, "replace") == raw.decode("ascii"):
        return _decode_exactly(raw, "utf-8", 0)
    detail = f"parts of a file in {codec} cannot be read on their own; convert it to UTF-8"
    raise Unreadable(RefusalCode.ENCODING, detail)


def _refuse_joined_characters(decoded: DecodedText) -> DecodedText:
    """Refuse text whose codec encodes some characters together: a range between them has no bytes of its own."""
    try:
        separately = sum(len(char.encode(decoded.encoding)) * n for char, n in Counter(decoded.text).items())
    except UnicodeEncodeError:
        separately = -1
    if separately != len(decoded.text.encode(decoded.encoding)):
        detail = f"{decoded.encoding} encodes some characters of this file together; convert it to UTF-8"
        raise Unreadable(RefusalCode.ENCODING, detail)
    return decoded


def _refuse_damaged_utf8(raw: bytes) -> None:
    """Refuse UTF-8 with some broken sequences, which as Latin-1 would be nonsense. `raw` is not valid UTF-8."""
    lenient = raw.decode("utf-8", "replace")
    broken = lenient.count("�")
    good = sum(1 for character in lenient if character > "\x7f") - broken
    if good >= broken:
        raise Unreadable(RefusalCode.ENCODING, f"damaged UTF-8: {broken} broken sequence(s)")


def newline_offsets(text: str) -> list[int]:
    r"""Where each line after the first starts, in characters. \r\n, \n and a lone \r end a line."""
    return [match.end() for match in re.finditer(r"\r\n|\n|\r", text)]
