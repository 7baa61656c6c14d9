"""What the engines say when they fail, in our words.

EngineError            3002   an engine failed; `code` says how where that is known
├── TableMissing       4003   a Lance table, or the version asked for, is not on disk
├── TableCorrupt       4004   a table's files do not match what its manifest records
├── IndexMissing       4003   a keyword index is not on disk
├── IndexCorrupt       4004   a keyword index cannot be opened or disagrees with its table
├── ModelCorrupt       3006   a model or vocabulary file does not have the expected sha256
├── StoreError         6001   an object store refuses, or cannot be reached
├── StatementRefused   1001   an SQL statement is wrong, would change something, or takes too much
└── WriteConflict      3005   another writer won; the same call may work on a reopened table

The numbers are those of `omni_pipelines.error_codes`, as text: this room imports none of ours. What the engines, the
system and Python's library raise is looked up here and nowhere else: `meaning_of`, and `engine_errors` around calls.
"""

from __future__ import annotations

import copyreg
import errno
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any


class EngineError(Exception):
    """Base of every error a binding raises. `cure` says what to do about it, `code` is a number as text."""

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

    def __reduce__(self) -> tuple[Any, ...]:
        return (copyreg.__newobj__, (type(self), *self.args), self.__dict__)  # type: ignore[attr-defined]


class TableMissing(EngineError):
    """A Lance table, or the version asked for, is not on disk."""

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
    """Another writer won; the same call may work on a reopened table."""

    code = "3005"
    retryable = True


class StoreError(EngineError):
    """An object store refuses, or cannot be reached. Nothing of an object is ever seen by half."""

    code = "6001"


class StatementRefused(EngineError):
    """An SQL statement is wrong, would change something, or takes too much."""

    code = "1001"


@dataclass(frozen=True)
class Meaning:
    """What a foreign error means for whoever called."""

    code: str
    cure: str = ""
    retryable: bool = False


_TRY_AGAIN = "try again in a moment"
_INVALID = Meaning("1001")
_FORMAT = Meaning("1005", "correct the text or the file")
_RANGE = Meaning("1004")
_TYPE = Meaning("1003")
_DENIED = Meaning("2006", "check the owner and the permissions")
_FAILED = Meaning("3002")
_TIMEOUT = Meaning("3003", "allow more time, or try again", retryable=True)
_STATE = Meaning("3005")
_CONFLICT = Meaning("3005", _TRY_AGAIN, retryable=True)
_DEPENDENCY = Meaning("3006", "install what is missing")
_MODEL = Meaning("3006", "run: omni model pull")
_MEMORY = Meaning("3002", "close other programs, or do less at once")
_READ = Meaning("4001", "check the disk")
_UNREADABLE = Meaning("4001", "check the disk; if it is well, build the knowledge base again")
_FULL = Meaning("4002", "make room on the disk")
_READ_ONLY = Meaning("4002", "mount the disk for writing, or use another place")
_HANDLES = Meaning("4001", "allow more open files (ulimit -n), or do less at once", retryable=True)
_MISSING = Meaning("4003", "check the path")
_CORRUPT = Meaning("4004", "run: omni ingest")
_UNREACHABLE = Meaning("6001", "check the address and the network", retryable=True)
_NET_TIMEOUT = Meaning("6002", _TRY_AGAIN, retryable=True)
_BAD_ANSWER = Meaning("6004", "check that the address is the right one")
_API = Meaning("9001", "read what the service says")

FOREIGN_NUMBERS: Mapping[int, Meaning] = MappingProxyType(
    {
        **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), _FULL),
        **dict.fromkeys((errno.EROFS,), _READ_ONLY),
        **dict.fromkeys((errno.EACCES, errno.EPERM), _DENIED),
        **dict.fromkeys((errno.ENOENT, errno.ENOTDIR, errno.ENODEV, errno.ENXIO), _MISSING),
        **dict.fromkeys((errno.EMFILE, errno.ENFILE), _HANDLES),
        **dict.fromkeys((errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL), _INVALID),
        **dict.fromkeys((errno.EEXIST, errno.ENOTEMPTY, errno.EADDRINUSE), _STATE),
        **dict.fromkeys((errno.EAGAIN, errno.EBUSY, errno.EINTR, errno.ETXTBSY, errno.EDEADLK), _CONFLICT),
        **dict.fromkeys((errno.ENOMEM,), _MEMORY),
        **dict.fromkeys((errno.EIO, errno.ESTALE, errno.EBADF), _READ),
        **dict.fromkeys((errno.ECONNREFUSED, errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE), _UNREACHABLE),
        **dict.fromkeys((errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL), _UNREACHABLE),
        **dict.fromkeys((errno.ETIMEDOUT,), _NET_TIMEOUT),
    }
)
"""Errors of the system by number, whether Python raises them or an engine quotes them: "(os error 28)"."""

FOREIGN_TYPES: Mapping[str, Meaning] = MappingProxyType(
    {
        "builtins.OSError": _READ,
        "builtins.FileNotFoundError": _MISSING,
        "builtins.NotADirectoryError": _MISSING,
        "builtins.PermissionError": _DENIED,
        "builtins.FileExistsError": _STATE,
        "builtins.TimeoutError": _TIMEOUT,
        "builtins.ConnectionError": _UNREACHABLE,
        "builtins.MemoryError": _MEMORY,
        "builtins.ImportError": _DEPENDENCY,
        "builtins.UnicodeError": _FORMAT,
        "json.JSONDecodeError": _FORMAT,
        "tomllib.TOMLDecodeError": _FORMAT,
        "zipfile.BadZipFile": _FORMAT,
        "subprocess.TimeoutExpired": _TIMEOUT,
        "subprocess.CalledProcessError": _FAILED,
        "socket.gaierror": _UNREACHABLE,
        "ssl.SSLError": _BAD_ANSWER,
        "http.HTTPException": _BAD_ANSWER,
        "urllib.URLError": _UNREACHABLE,
        "urllib.HTTPError": _API,
        "sqlite3.Error": _READ,
        "filelock.Timeout": _CONFLICT,
        "orjson.JSONDecodeError": _FORMAT,
        "pydantic_core.ValidationError": _INVALID,
        "pydantic_core.PydanticSerializationError": _TYPE,
        "pydantic.PydanticUserError": _FAILED,
        "pyarrow.ArrowException": _FAILED,
        "pyarrow.ArrowInvalid": _FORMAT,
        "pyarrow.ArrowTypeError": _TYPE,
        "pyarrow.ArrowKeyError": _INVALID,
        "pyarrow.ArrowIndexError": _RANGE,
        "pyarrow.ArrowCapacityError": _RANGE,
        "pyarrow.ArrowNotImplementedError": _TYPE,
        "pyarrow.ArrowSerializationError": _FORMAT,
        "pyarrow.ArrowMemoryError": _MEMORY,
        "duckdb.Error": _FAILED,
        "duckdb.Warning": _FAILED,
        "duckdb.ProgrammingError": _INVALID,
        "duckdb.DataError": _INVALID,
        "duckdb.OutOfRangeException": _RANGE,
        "duckdb.NotSupportedError": _INVALID,
        "duckdb.IntegrityError": _STATE,
        "duckdb.PermissionException": _DENIED,
        "duckdb.OperationalError": _FAILED,
        "duckdb.ConnectionException": _STATE,
        "duckdb.IOException": _READ,
        "duckdb.TransactionException": _CONFLICT,
        "duckdb.OutOfMemoryException": _MEMORY,
        "duckdb.SerializationException": _CORRUPT,
        "onnxruntime.NoSuchFile": _MODEL,
        "onnxruntime.NoModel": _MODEL,
        "onnxruntime.NotFound": _MODEL,
        "onnxruntime.ModelRequiresCompilation": _MODEL,
        "onnxruntime.InvalidProtobuf": _MODEL,
        "onnxruntime.InvalidGraph": _MODEL,
        "onnxruntime.InvalidArgument": _INVALID,
        "onnxruntime.ModelLoaded": _STATE,
        "onnxruntime.ModelLoadCanceled": _FAILED,
        "onnxruntime.DeviceReset": _CONFLICT,
        "onnxruntime.Fail": _FAILED,
        "onnxruntime.EPFail": _FAILED,
        "onnxruntime.EngineError": _FAILED,
        "onnxruntime.NotImplemented": _FAILED,
        "onnxruntime.RuntimeException": _FAILED,
        "safetensors.SafetensorError": _MODEL,
        "google.DecodeError": _MODEL,
        "pyo3_runtime.PanicException": _FAILED,
    }
)
"""Foreign errors by package and class name, so that nothing has to be imported to recognise them. A subclass that is
not listed means what its nearest listed base means."""

FOREIGN_TEXTS: tuple[tuple[re.Pattern[str], Meaning], ...] = tuple(
    (re.compile(pattern), meaning)
    for pattern, meaning in (
        (r"[Cc]ommit conflict|Too many concurrent writers|Incompatible transaction|LockBusy", _CONFLICT),
        (r"Dataset at path .* was not found|^Ref not found|Lance index not found", _MISSING),
        (r'^Failed to open the directory|FileDoesNotExist\("meta\.json"\)', _MISSING),
        (r"FileDoesNotExist|^Data corrupted|^Failed to open file|LanceError\(IO\)", _CORRUPT),
        (r"not appear to be a Lance file|outside file of size|decode Protobuf|references parent id", _CORRUPT),
        (r"^External error: (Invalid user input|Not found|Lance reader|Encountered internal)", _CORRUPT),
        (r"^Dataset already exists|An index exists but the schema|^IndexWriter was consumed", _STATE),
        (r"^Invalid user input|^Append with different schema|^Schema error|not defined in the schema", _INVALID),
        (r"^An invalid argument was passed|^Query column .* must be", _INVALID),
        (r"LanceError\(|/rust/lance|^Task was aborted", _UNREADABLE),
        (r" at line \d+ column \d+$", _FORMAT),
    )
)
"""Lance, Tantivy and tokenizers raise Python's own ValueError, OSError or RuntimeError: only the text tells more.
What the system refused is quoted with its number, and found by that; a LanceError(IO) without one is a file that is
not as it should be."""

_VAGUE = frozenset({_INVALID, _FORMAT, _RANGE, _TYPE, _FAILED, _UNREADABLE})
"""What a binding knows better that gave the engine nothing but a file to open."""
_KINDS: dict[Meaning, type[EngineError]] = {_CONFLICT: WriteConflict, _MODEL: ModelCorrupt}
_OS_ERROR = re.compile(r"\(os error (\d+)\)")
_RUST_PLACE = re.compile(r",?\s*(?:location: )?/(?:home|rustc|root)/\S+\.rs:\d+:\d+")
_MAX_LENGTH = 2_000


def meaning_of(error: BaseException) -> Meaning | None:
    """What a foreign error means; None for one that no engine, system call or library listed here raises."""
    by_text = _by_text(error) if _is_told_by_text(error) else None
    return by_text or _by_type(type(error), own=False) or _by_number(error) or _by_type(type(error), own=True)


def translate(
    error: BaseException,
    what: str = "",
    *,
    cure: str = "",
    missing: type[EngineError] = EngineError,
    corrupt: type[EngineError] = EngineError,
) -> EngineError | None:
    """A foreign error as one of ours; None where `meaning_of` does not know it."""
    meaning = meaning_of(error)
    if meaning is None:
        return None
    message = f"{what}: {_told(error)}" if what else _told(error)
    kind = {_MISSING.code: missing, _CORRUPT.code: corrupt}.get(meaning.code, _KINDS.get(meaning, EngineError))
    if kind in (missing, corrupt) and kind is not EngineError:
        return kind(message, cure=cure or meaning.cure)
    return kind(message, cure=meaning.cure, code=meaning.code, retryable=meaning.retryable)


@contextmanager
def engine_errors(
    what: str,
    *,
    cure: str = "",
    missing: type[EngineError] = EngineError,
    corrupt: type[EngineError] = EngineError,
    otherwise: type[EngineError] | None = None,
) -> Iterator[None]:
    """Around calls of an engine: what it raises comes out as one of ours, and its message begins with `what`.

    `missing` and `corrupt` are the classes for what is not there and what is damaged, with `cure` for both.
    `otherwise` is for calls that give the engine nothing but a file: what is neither of these nor the system's is
    that. Without it, an error that nothing is known about passes through as it is.
    """
    try:
        yield
    except EngineError:
        raise
    except BaseException as error:  # a panic in Rust is no Exception
        meaning = meaning_of(error)
        foreign = meaning is not None or isinstance(error, Exception)
        if otherwise is not None and foreign and (meaning is None or meaning in _VAGUE):
            raise otherwise(f"{what}: {_told(error)}", cure=cure) from error
        ours = translate(error, what, cure=cure, missing=missing, corrupt=corrupt)
        if ours is None:
            raise
        raise ours from error


def _is_told_by_text(error: BaseException) -> bool:
    plain = type(error).__module__ == "builtins" and getattr(error, "errno", None) is None
    return plain or type(error).__module__.startswith("pyarrow")


def _by_text(error: BaseException) -> Meaning | None:
    text = _text(error)
    if system := _OS_ERROR.search(text):
        return FOREIGN_NUMBERS.get(int(system[1]), _READ)
    return next((meaning for pattern, meaning in FOREIGN_TEXTS if pattern.search(text)), None)


def _by_type(kind: type[BaseException], *, own: bool) -> Meaning | None:
    for each in kind.__mro__:
        name = f"{each.__module__.partition('.')[0].lstrip('_')}.{each.__name__}"
        if (each.__module__ == "builtins") == own and name in FOREIGN_TYPES:
            return FOREIGN_TYPES[name]
    return None


def _by_number(error: BaseException) -> Meaning | None:
    return FOREIGN_NUMBERS.get(error.errno or 0) if isinstance(error, OSError) else None


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001  # a foreign __str__ may raise anything
        return ""


def _told(error: BaseException) -> str:
    """The error's own words on one line, without the places in Rust's sources."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    listed = getattr(error, "errors", None)
    text = _first_problem(error) if callable(listed) else _RUST_PLACE.sub("", _text(error))
    return " ".join(text.split())[:_MAX_LENGTH] or type(error).__name__


def _first_problem(error: Any) -> str:
    """Of a pydantic error: where, what, and how many more."""
    try:
        first, *more = error.errors(include_url=False, include_context=False)
        place = ".".join(str(part) for part in first["loc"]) or error.title
        return f"{place}: {first['msg']}" + (f" (and {len(more)} more)" if more else "")
    except Exception:  # noqa: BLE001  # another library's `errors`: its text then
        return _text(error)
