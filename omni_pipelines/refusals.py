"""What becomes of the files of a source, and why a document could not be read: the error codes of quarantine.

`Unreadable` is not an `OmniError`: it does not reach the user as an error. The documents step catches it and writes a
row of `quarantine`, and the run goes on.
"""

from enum import StrEnum
from typing import NamedTuple

RECOGNIZABLE = "text recognition can read it (setting ocr)"
"""How the reason ends why a scan was not read, or not all of it: the next ingest with text recognition reads it."""


class RefusalCode(StrEnum):
    """What is wrong with a document. Stored in `quarantine`, and explained in docs/reference/formats.md."""

    BINARY = "E_BINARY"
    CHANGED = "E_CHANGED"
    CPU = "E_CPU"
    CRASH = "E_CRASH"
    DEPTH = "E_DEPTH"
    EMPTY = "E_EMPTY"
    ENCODING = "E_ENCODING"
    ENCRYPTED = "E_ENCRYPTED"
    GONE = "E_GONE"
    IO = "E_IO"
    KIND = "E_KIND"
    MEMORY = "E_MEMORY"
    NEEDS_PROGRAM = "E_NEEDS_PROGRAM"
    NOT_REGULAR = "E_NOT_REGULAR"
    NO_TEXT = "E_NO_TEXT"
    OUTPUT_LIMIT = "E_OUTPUT_LIMIT"
    PARSE = "E_PARSE"
    PARTIAL = "E_PARTIAL"
    PATH = "E_PATH"
    PERM = "E_PERM"
    POINTER = "E_POINTER"
    READER = "E_READER"
    SYMLINK = "E_SYMLINK"
    TIMEOUT = "E_TIMEOUT"
    TOO_LARGE = "E_TOO_LARGE"
    VANISHED = "E_VANISHED"
    XML_ENTITY = "E_XML_ENTITY"
    ZIP_BOMB = "E_ZIP_BOMB"
    ZIP_DUPLICATE = "E_ZIP_DUPLICATE"


class Unreadable(Exception):
    """A document that cannot be read.

    Attributes:
        code: what is wrong with it.
        detail: the same as a sentence, for the person who lists the quarantine.
        mark: the version mark of the document (an ETag, a size and time), where only the failed attempt revealed it.
            As long as the mark stays the same, another attempt would fail in the same way.
        signal: what killed the parser, such as SIGSEGV; only after a crash.
    """

    def __init__(self, code: RefusalCode, detail: str, mark: str = "", *, signal: str = "") -> None:
        super().__init__(code, detail)
        self.code, self.detail, self.mark, self.signal = code, detail, mark, signal

    @property
    def stored_code(self) -> str:
        """The code as quarantine stores it; after a crash with the signal, such as E_CRASH_SIGSEGV."""
        return f"{self.code}_{self.signal}" if self.signal else self.code.value

    def __str__(self) -> str:
        return f"{self.stored_code}: {self.detail}"


MAX_SUFFIX = 16
"""What is longer behind a dot is not a suffix, but a part of the name."""


class Fate(StrEnum):
    """What became of a file that was seen in a source: exactly one of these."""

    READ = "read"
    PARTIAL = "partial"
    QUARANTINED = "quarantined"
    TOO_LARGE = "too large"
    EMPTY = "empty"
    POINTER = "pointer"
    UNKNOWN = "unknown kind"
    IGNORED = "ignored"


_FATES = {
    RefusalCode.PARTIAL: Fate.PARTIAL,
    RefusalCode.KIND: Fate.UNKNOWN,
    RefusalCode.EMPTY: Fate.EMPTY,
    RefusalCode.TOO_LARGE: Fate.TOO_LARGE,
    RefusalCode.POINTER: Fate.POINTER,
}


def fate_of(code: str) -> Fate:
    """What became of a file that is in quarantine with a code."""
    return next((fate for known, fate in _FATES.items() if known == code), Fate.QUARANTINED)


class UnreadFile(NamedTuple):
    """A file that was seen in a source and is not read, or a folder that is not entered."""

    path: str
    """As in `documents`; that of a folder ends with a slash and stands for everything below it."""
    fate: Fate
    kind: str
    """For an ignored file what ignores it, such as `.gitignore`; else its suffix."""
    reason: str


def suffix_of(path: str) -> str:
    """The suffix of a file name in lower case; a short name without a suffix as it is, and else "no suffix"."""
    name = path.rpartition("/")[2]
    _, dot, suffix = name.rpartition(".")
    if dot and suffix and len(suffix) <= MAX_SUFFIX and suffix.isalnum():
        return f".{suffix.lower()}"
    return name if len(name) <= MAX_SUFFIX and name.isalpha() else "no suffix"
