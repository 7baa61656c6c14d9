"""Decode the bytes of a file, and map every range of characters back to its exact range of bytes.

A text is in the encoding of its byte order mark, else UTF-8, else as declared, else as detected with a probability,
else refused. A few bytes that are no text are replaced by U+FFFD and counted, instead of refusing the file. If some
lines are UTF-8 and the others in an encoding with one byte a character, each line is read in its own.
"""

import codecs
import io
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.charset_labels import codec_of_label
from omni_pipelines.text.encoding_detection import (
    MIN_PROBABILITY,
    detect_encoding,
    detect_utf,
    is_stray,
    oddities,
)

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
_WIDE = ("utf_16", "utf_32")
_KOREAN = b"\x1b$)C"
_ESCAPES = (b"\x1b$B", b"\x1b$@", b"\x1b$A", _KOREAN, b"\x1b(J", b"\x1b$(D")
"""What switches to the characters of ISO 2022; mails and pages often declare nothing besides."""
_BY_DEFAULT = ("cp1252",)
"""Often declared by default whatever the bytes are: they are used only if the bytes do not clearly say otherwise."""
_SURE = 0.95
_UNMARKED = ("utf_8", "utf_16", "utf_16_le", "utf_16_be", "utf_32")
"""Declared, these say nothing: bytes that are in them need no declaration."""
_CONTROL = re.compile(r"[\x01-\x08\x0e-\x1a\x1c-\x1f]")
_MAX_CONTROL_SHARE = 0.01
_ZEROS = re.compile("\0+")
_MAX_ZERO_SHARE, _MIN_AROUND_GAP = 0.05, 10
"""A run of zero bytes counts as one: a log that was cut while it was written begins with thousands."""
_MAX_BROKEN_SHARE, _MAX_DAMAGED_SHARE, _MAX_STRAY_SHARE = 0.02, 0.1, 0.005
"""Of the characters: of a text in a known encoding; of one that is clearly UTF-8; of one that is ASCII otherwise."""
_FEW_BROKEN, _LETTERS_FOR_BROKEN = 3, 20
"""So many broken places are always few, if there are so many characters for each."""
_SINGLE_BYTE_CODECS = ("cp125", "iso8859", "koi8", "mac_")
"""In these, the bytes of a UTF-8 character are hardly ever a text."""
_CUT_CHARACTER = re.compile(rb"^[\x80-\xbf]{1,3}|[\xc2-\xf4][\x80-\xbf]{0,2}(?=[\r\n]*\Z)")
_MAX_EXAMINED = 10_000
"""Characters."""
_STATEFUL_SUBSTITUTES = ("iso2022_jp_ext", "iso2022_jp_2", "iso2022_jp_3", "iso2022_kr")
_JIS_SWITCH = re.compile(rb"(\x1b(?:\$[@B]|\([BJ]))")
REPLACEMENT = "\ufffd"
_RECORD_SEPARATOR = "\x1e"
"""It begins the records of JSON text sequences (RFC 7464)."""


@dataclass(frozen=True)
class DecodedText:
    """The text of a file, with its line ends unchanged."""

    text: str
    encoding: str
    """A Python codec. If `is_exact`, `text.encode(encoding)` gives the bytes after the byte order mark."""
    bom_bytes: int
    """Length of the byte order mark, 0 without one."""
    probability: float = 1.0
    """That the encoding is right; below 1 only where it was detected from the bytes alone."""
    replaced: int = 0
    """Places where bytes that are no text were replaced by U+FFFD."""
    is_exact: bool = True
    """Whether every range of characters has a range of bytes that alone decodes to it."""
    other_lines: tuple[int, str] = (0, "")
    """How many lines are in another codec, and in which."""

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

    @property
    def damage(self) -> str:
        """How many places of the file are not text in its encoding, as one sentence; "" if there are none."""
        count, codec = self.other_lines
        if count:
            return f"{f'{count:,} lines are' if count > 1 else 'one line is'} not {self.encoding}: read as {codec}"
        if not self.replaced:
            return ""
        places = f"{self.replaced:,} places are" if self.replaced > 1 else "one place is"
        return f"{places} not text in {self.encoding}; U+FFFD (�) stands there"


def decode(raw: bytes, declared: str | None = None) -> DecodedText:
    """Decode a file by its byte order mark, else as UTF-8, else as declared, else as is most probable.

    UTF-8 is tried before the declared encoding: other bytes are hardly ever valid UTF-8 by chance, and pages often
    declare a wrong encoding. `declared` is a label as pages, mails and servers write it.

    Raises:
        Unreadable: E_BINARY, or E_ENCODING where no encoding is probable enough.
    """
    for bom, name in _BYTE_ORDER_MARKS:
        if raw.startswith(bom):
            return _decode_with(raw, name, len(bom))
    codec = codec_of_label(declared or "")
    if b"\0" in raw and (wide := detect_utf(raw) or (codec if codec.startswith(_WIDE) else "")):
        return _decode_with(raw, wide, 0)
    if codec in _UNMARKED:
        codec = ""
    if codec.startswith(_STATEFUL_CODECS) or (b"\x1b" in raw and any(escape in raw for escape in _ESCAPES)):
        by_escape = "iso2022_kr" if _KOREAN in raw else "iso2022_jp"
        stateful = _decode_stateful(raw, codec if codec.startswith(_STATEFUL_CODECS) else by_escape)
        if stateful is not None:
            return stateful
    if is_utf8_text(raw):
        return _decode_with(raw, "utf-8", 0)
    if _CONTROL.search(raw.decode("latin-1")) and (codec_without_blanks := detect_utf(raw)):
        return _decode_with(raw, codec_without_blanks, 0)  # Chinese and Japanese have no zero bytes
    _refuse_binary(raw.decode("latin-1"))
    if codec and codec not in _BY_DEFAULT:
        return _decode_with(raw, codec, 0)
    return _decode_undeclared(raw, codec)


def _decode_undeclared(raw: bytes, default: str) -> DecodedText:
    """Decode bytes that are not UTF-8 and have no declaration, or only `default`, which says little."""
    if (mixed := _decode_by_line(raw)) is not None:
        return mixed
    if _is_damaged_utf8(raw):
        return _decode_with(raw, "utf-8", 0, max_share=_MAX_DAMAGED_SHARE)
    found = detect_encoding(raw)
    if default and (found is None or found.probability < _SURE):
        return _decode_with(raw, default, 0)
    if found is not None and found.probability >= MIN_PROBABILITY:
        decoded = _decode_with(raw, found.codec, 0, found.probability)
        if not is_stray(decoded.text):
            return decoded
    lenient = raw.decode("utf-8", "replace")
    if lenient.count(REPLACEMENT) <= _MAX_STRAY_SHARE * len(lenient):
        return _decode_with(raw, "utf-8", 0)
    guess = f"most probably {found.codec} ({found.probability:.0%})" if found is not None else "none fits"
    raise Unreadable(
        RefusalCode.ENCODING, f"its encoding is not declared and not clear: {guess}; convert it to UTF-8"
    )


def _decode_by_line(raw: bytes) -> DecodedText | None:
    """Decode a file in which some lines are UTF-8 and the others in another encoding; None for other files.

    Such files are logs that several programs write, and tables and mailboxes that were put together.
    """
    lines = raw.splitlines(keepends=True)
    others = [line for line in lines if not is_utf8_text(line)]
    has_both = len(others) < sum(not line.isascii() for line in lines) and b"\0" not in raw
    if not has_both or any(map(_has_utf8_character, others)) or all(map(_is_cut, others)):
        return None
    found = detect_encoding(b"".join(others))
    if found is None or found.probability < MIN_PROBABILITY or not found.codec.startswith(_SINGLE_BYTE_CODECS):
        return None
    read = b"".join(others).decode(found.codec, "replace")
    if REPLACEMENT in read or oddities(read[:_MAX_EXAMINED]):
        return None
    text = "".join(line.decode("utf-8" if is_utf8_text(line) else found.codec) for line in lines)
    _refuse_binary(text)
    other_lines = len(others), found.codec
    return DecodedText(text, "utf-8", 0, found.probability, is_exact=False, other_lines=other_lines)


def _has_utf8_character(line: bytes) -> bool:
    return any(character > "\x7f" and character != REPLACEMENT for character in line.decode("utf-8", "replace"))


def _is_cut(line: bytes) -> bool:
    """Whether a line is ASCII but for a character of UTF-8 that is cut at its beginning or end."""
    return _CUT_CHARACTER.sub(b"", line).isascii()


def _decode_with(
    raw: bytes, encoding: str, bom_bytes: int, probability: float = 1.0, max_share: float = _MAX_BROKEN_SHARE
) -> DecodedText:
    """Decode with a codec; bytes that are no text in it are replaced, if they are few."""
    body = raw[bom_bytes:]
    text, replaced = _lenient(body, encoding, max_share)
    _refuse_binary(text)
    text, zeros = _ZEROS.subn(REPLACEMENT, text) if "\0" in text else (text, 0)
    is_exact = not replaced and not zeros and (encoding == "utf-8" or _is_exact(text, body, encoding))
    return DecodedText(text, encoding, bom_bytes, probability, replaced + zeros, is_exact)


def _refuse_binary(text: str) -> None:
    others = len(text) - text.count("\0")
    zeros = len(_ZEROS.findall(text)) if others < len(text) else 0
    is_one_gap = zeros == 1 and others >= _MIN_AROUND_GAP
    if zeros > _MAX_ZERO_SHARE * others and not is_one_gap:
        raise Unreadable(RefusalCode.BINARY, "not a text file: it has too many zero bytes")
    # the signatures of compressed files begin with one
    controls = len(_CONTROL.findall(text))
    begins_with_one = controls and _CONTROL.match(text) and text[0] != _RECORD_SEPARATOR
    if begins_with_one or controls > _MAX_CONTROL_SHARE * others:
        raise Unreadable(RefusalCode.BINARY, "not a text file: it has too many control characters")


def _lenient(body: bytes, encoding: str, max_share: float) -> tuple[str, int]:
    """The text, and the number of places where bytes that are no text in this encoding were replaced."""
    try:
        return body.decode(encoding), 0
    except UnicodeError as error:
        text = body.decode(encoding, "replace")
        # the file itself may contain the replacement character, which other programs have put there
        own = body.count(REPLACEMENT.encode(encoding, "ignore") or body + b"x")
        broken = max(text.count(REPLACEMENT) - own, 1)
        if broken > max(max_share * len(text), min(_FEW_BROKEN, len(text) // _LETTERS_FOR_BROKEN)):
            raise Unreadable(
                RefusalCode.ENCODING, f"not {encoding}: {broken:,} broken places, first: {error}"
            ) from error
        return text, broken


def _is_exact(text: str, body: bytes, encoding: str) -> bool:
    """Whether encoding the text again gives the bytes, and each of its characters bytes of its own."""
    try:
        if text.encode(encoding) != body:
            return False
        if encoding.startswith(("utf-", "cp12", "iso8859", "koi8")):
            return True
        return sum(len(char.encode(encoding)) * number for char, number in Counter(text).items()) == len(body)
    except UnicodeError:
        return False


def _decode_stateful(raw: bytes, codec: str) -> DecodedText | None:
    """Decode ISO 2022, HZ or UTF-7; None if the bytes never leave ASCII, or are in no codec of this kind."""
    if not raw.isascii():
        return None
    for name in dict.fromkeys((codec, *_STATEFUL_SUBSTITUTES)):
        try:
            text = raw.decode(name).encode("utf-8", "replace").decode()
        except UnicodeError:
            continue
        return None if text == raw.decode("ascii") else DecodedText(text, name, 0, is_exact=False)
    if codec.startswith("iso2022_jp") and (windows := _windows_iso2022_jp(raw)) is not None:
        return DecodedText(windows, codec, 0, is_exact=False)
    text = raw.decode(codec, "replace")
    broken = text.count(REPLACEMENT)
    return DecodedText(text, codec, 0, replaced=broken, is_exact=False) if broken * 20 <= len(text) else None


def _windows_iso2022_jp(raw: bytes) -> str | None:
    """ISO-2022-JP as Windows writes it, with the characters of NEC such as ①, which Python has in `cp932` only."""
    first, *rest = _JIS_SWITCH.split(raw)
    try:
        pieces = [
            _shift_jis(piece) if b"$" in switch else piece
            for switch, piece in zip(rest[::2], rest[1::2], strict=True)
        ]
        return b"".join((first, *pieces)).decode("cp932")
    except ValueError:  # no pairs of JIS X 0208, or no characters of cp932
        return None


def _shift_jis(piece: bytes) -> bytes:
    """Characters of JIS X 0208, in two bytes each, in Shift JIS."""
    codes = bytearray()
    for row, cell in zip(piece[::2], piece[1::2], strict=True):
        lead = (row - 0x21) // 2 + 0x81
        trail = cell + (0x7E if row % 2 == 0 else 0x20 if cell >= 0x60 else 0x1F)
        codes += bytes((lead + (0x40 if lead > 0x9F else 0), trail))
    return bytes(codes)


def is_utf8_text(raw: bytes) -> bool:
    """Whether bytes are UTF-8 without a broken place."""
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _is_damaged_utf8(raw: bytes) -> bool:
    """Whether bytes are UTF-8 with some broken sequences: in other encodings there are more broken ones than good."""
    lenient = raw.decode("utf-8", "replace")
    broken = lenient.count(REPLACEMENT)
    good = sum(1 for character in lenient if character > "\x7f") - broken
    return good >= broken


def split_lines(text: str) -> list[str]:
    r"""The lines without their ends, as `newline_offsets` counts them; `str.splitlines` also splits at form feeds."""
    return [line.rstrip("\n") for line in io.StringIO(text, newline=None)]
