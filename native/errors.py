"""What the engines say when they fail, in our words.

EngineError
├── TableMissing       a Lance table, or the version asked for, is not on disk
├── TableCorrupt       a table's files do not match what its manifest records
├── IndexMissing       a keyword index is not on disk
├── IndexCorrupt       a keyword index cannot be opened or disagrees with its table
├── ModelCorrupt       a model or vocabulary file does not have the expected sha256
├── StatementRefused   an SQL statement is wrong, would change something, or takes too much
└── WriteConflict      another writer won; the same call may work on a reopened table
"""

from __future__ import annotations


class EngineError(Exception):
    """Base of every error a binding raises. `cure` says what to do about it."""

    def __init__(self, message: str, *, cure: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure

    def __str__(self) -> str:
        return f"{self.message}; {self.cure}" if self.cure else self.message

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.message, self.cure))


def _rebuild(kind: type[EngineError], message: str, cure: str) -> EngineError:
    return kind(message, cure=cure)


class TableMissing(EngineError):
    """A Lance table, or the version asked for, is not on disk."""


class TableCorrupt(EngineError):
    """A table's files do not match what its manifest records."""


class IndexMissing(EngineError):
    """A keyword index is not on disk."""


class IndexCorrupt(EngineError):
    """A keyword index cannot be opened or disagrees with its table."""


class ModelCorrupt(EngineError):
    """A model or vocabulary file does not have the expected sha256."""


class WriteConflict(EngineError):
    """Another writer won; the same call may work on a reopened table."""


class StatementRefused(EngineError):
    """An SQL statement is wrong, would change something, or takes too much."""
