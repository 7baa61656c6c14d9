"""Why a document could not be read: the error codes of quarantine, and the error that carries one.

`Unreadable` is not an `OmniError`: it does not reach the user as an error. The documents step catches it and writes a
row of `quarantine`, and the run goes on.
"""

from enum import StrEnum


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
