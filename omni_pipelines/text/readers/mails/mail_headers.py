"""The headers of a mail as a person reads them, and the text of its parts in whatever encoding they have.

The parsers of `email` for headers are avoided: those for addresses and encoded words take minutes for long or damaged
headers, and know fewer names of encodings than mail programs do.
"""

import base64
import binascii
import re
from email.message import Message

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.charset_labels import codec_of_label
from omni_pipelines.text.decoding import DecodedText, decode
from omni_pipelines.text.readers.extraction import one_line

RECEIVERS = ("To", "Cc", "Bcc")
SHOWN_HEADERS = ("From", *RECEIVERS, "Newsgroups", "Date", "Subject")
MAX_HEADER_LENGTH = 1 << 20
MAIL_CHARSET = "windows-1252"
"""What a text without a declaration is in, unless its bytes clearly say otherwise, as in text files."""
_WORD = re.compile(r"=\?([\w.:+-]{1,60})(?:\*[\w-]{0,20})?\?([bBqQ])\?([^?\n]*)\?=", re.ASCII)
"""An encoded word (RFC 2047), whose label may have a language (RFC 2231)."""
_BETWEEN_WORDS = re.compile(r"\s*")
_QUOTED = re.compile(rb"=([0-9A-Fa-f]{2})")
_PREFIX = re.compile(
    r"(?:(?:re|aw|antw|antwort|sv|vs|rv|res|rif|odp|ynt|wg|fwd?|tr|enc|doorst|vá|továbbítás|答复|回复|转发|回覆|轉寄)"
    r"\s*(?:\[\d+\]|\(\d+\))?\s*[:\uff1a]\s*)+",
    re.IGNORECASE,
)
"""What mail programs write in several languages before the subject of an answer or of a forwarded mail."""


def shown_header(message: Message, name: str) -> str:
    """A header, decoded, on one line; several with the same name follow one another."""
    values = [str(value) for key, value in message.raw_items() if key.lower() == name.lower()]
    return ", ".join(filter(None, (decoded_words(value[:MAX_HEADER_LENGTH]) for value in values)))


def decoded_words(value: str) -> str:
    """The value of a header with its encoded words decoded, on one line."""
    texts: list[str] = []
    encoded, charset, position = b"", "", 0
    for word in _WORD.finditer(value):
        between = value[position : word.start()]
        raw = _word_bytes(word[2], word[3])
        joins = bool(charset) and _BETWEEN_WORDS.fullmatch(between) is not None
        if not joins or word[1].lower() != charset:  # a character may begin in one word and end in the next
            texts.append(_text_of(encoded, charset))
            texts.append("" if joins else _unencoded(between))
            encoded = b""
        encoded, charset, position = encoded + raw, word[1].lower(), word.end()
    texts += [_text_of(encoded, charset), _unencoded(value[position:])]
    return one_line("".join(texts))


def decoded_text(raw: bytes, label: str) -> DecodedText:
    """The text of bytes with a declared charset, as mail programs decode it: nothing is refused for its encoding.

    Raises:
        Unreadable: E_BINARY, if they are no text.
    """
    codec = codec_of_label(label)
    for declared in (codec or MAIL_CHARSET, MAIL_CHARSET):
        try:
            return decode(raw, declared)
        except Unreadable as error:
            if error.code is RefusalCode.BINARY:
                raise
    text = raw.decode(codec or MAIL_CHARSET, "replace")
    return DecodedText(text, codec or MAIL_CHARSET, 0, replaced=text.count("\ufffd"), is_exact=False)


def thread_of(subject: str) -> str:
    """The subject that all mails of a thread have: without the marks of answers and forwarded mails."""
    return subject[found.end() :].strip() if (found := _PREFIX.match(subject)) else subject


def _word_bytes(encoding: str, text: str) -> bytes:
    if encoding in "bB":
        try:
            return base64.b64decode(text.encode("ascii", "ignore") + b"===", validate=False)
        except binascii.Error:
            return text.encode("utf-8", "surrogateescape")
    raw = text.replace("_", " ").encode("utf-8", "surrogateescape")
    return _QUOTED.sub(lambda found: bytes([int(found[1], 16)]), raw)


def _unencoded(text: str) -> str:
    """A part of a header outside encoded words, with the bytes decoded that `email` keeps as surrogates."""
    return text if text.isascii() else _text_of(text.encode("utf-8", "surrogateescape"), "")


def _text_of(raw: bytes, charset: str) -> str:
    try:
        return decoded_text(raw, charset).text
    except Unreadable:
        return raw.decode("ascii", "replace")
