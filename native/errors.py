"""The errors of this room: every binding raises one of these.

EngineError            3002   an engine failed; `code` says how where that is known
├── TableMissing       4003   a Lance table, or the requested version of it, is not on disk
├── TableCorrupt       4004   a table's files do not match what its manifest records
├── IndexMissing       4003   a keyword index is not on disk
├── IndexCorrupt       4004   a keyword index cannot be opened or disagrees with its table
├── ModelCorrupt       3006   a model or vocabulary file does not have the expected sha256
├── StoreError         6001   an object store refuses a request or cannot be reached
├── RepositoryUnreadable 4003   a folder is in no git repository, or git cannot read it
├── StatementRefused   1001   an SQL statement is invalid, is not read-only, or exceeds a limit
└── WriteConflict      3005   another writer was faster; the same call may succeed on a reopened table

The codes are those of `omni_pipelines.error_codes`, as text, because this room imports none of our packages.
`native.foreign_errors` translates what engines, the system and Python's library raise into these errors.
"""

import copyreg


class EngineError(Exception):
    """Base of every error of a binding. `cure` says how to fix it; `code` is a number as text."""

    code: str = "3002"
    retryable: bool = False

    def __init__(
        self, message: str, *, cure: str = "", code: str | None = None, retryable: bool | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure
        if code is not None:
            self.code = code
        if retryable is not None:
            self.retryable = retryable

    def __str__(self) -> str:
        return f"[{self.code}] {self.message}" + (f"; {self.cure}" if self.cure else "")

    def __reduce__(self) -> tuple[object, ...]:
        return (copyreg.__newobj__, (type(self), *self.args), self.__dict__)  # type: ignore[attr-defined]


class TableMissing(EngineError):
    """A Lance table, or the requested version of it, is not on disk."""

    code = "4003"


class TableCorrupt(EngineError):
    """A table's files do not match what its manifest records."""

    code = "4004"


class IndexMissing(EngineError):
    """A keyword index is not on disk."""

    code = "4003"


class IndexCorrupt(EngineError):
    """A keyword index cannot be opened or disagrees with its table."""

    code = "4004"


class ModelCorrupt(EngineError):
    """A model or vocabulary file does not have the expected sha256."""

    code = "3006"


class WriteConflict(EngineError):
    """Another writer was faster; the same call may succeed on a reopened table."""

    code = "3005"
    retryable = True


class StoreError(EngineError):
    """An object store refuses a request or cannot be reached. No caller ever sees part of an object."""

    code = "6001"


class RepositoryUnreadable(EngineError):
    """A folder is in no git repository, or git cannot read the repository."""

    code = "4003"


class StatementRefused(EngineError):
    """An SQL statement is invalid, is not read-only, or exceeds a limit."""

    code = "1001"
