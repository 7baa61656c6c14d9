"""What the errors of engines, the system and Python's library mean: the one place that translates them into ours.

Bindings call engines inside `engine_errors`; `omni_pipelines.errors` uses `translate` for everything else.
"""

import errno
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from native.errors import (
    EngineError,
    IndexCorrupt,
    IndexMissing,
    ModelCorrupt,
    TableCorrupt,
    TableMissing,
    WriteConflict,
)


@dataclass(frozen=True)
class Meaning:
    """What a foreign error means for the caller: the code, the cure and whether a retry may help."""

    code: str
    cure: str = ""
    retryable: bool = False


@dataclass(frozen=True)
class Subject:
    """What an engine works on: the errors to raise if it is missing or corrupt, and their cures."""

    missing: type[EngineError] = EngineError
    corrupt: type[EngineError] = EngineError
    if_missing: str = ""
    if_corrupt: str = ""


_REPAIR = "find the damage and build it again: omni scrub --repair, then omni ingest"
UNKNOWN = Subject()
TABLE = Subject(TableMissing, TableCorrupt, "run: omni ingest", _REPAIR)
OLD_VERSION = Subject(TableMissing, TableCorrupt, "open the newest release", _REPAIR)
INDEX = Subject(IndexMissing, IndexCorrupt, "run: omni ingest", _REPAIR)
MODEL = Subject(ModelCorrupt, ModelCorrupt, "run: omni model pull", "run: omni model pull")

_TRY_AGAIN = "try again in a moment"
_INVALID = Meaning("1001")
_FORMAT = Meaning("1005", "correct the text or the file")
_RANGE = Meaning("1004")
_TYPE = Meaning("1003")
_DENIED = Meaning("2006", "check the owner and the permissions")
_FAILED = Meaning("3002")
_PANIC = Meaning("3002", "look for damaged files: omni scrub; if there are none, please report it")
_TIMEOUT = Meaning("3003", "allow more time, or try again", retryable=True)
_STATE = Meaning("3005")
_CONFLICT = Meaning("3005", _TRY_AGAIN, retryable=True)
_DEPENDENCY = Meaning("3006", "install the missing package")
_MODEL = Meaning("3006", "run: omni model pull")
_MEMORY = Meaning("3002", "close other programs, or process less at once")
_READ = Meaning("4001", "check the disk")
_UNREADABLE = Meaning("4001", "check the disk; if it has no errors, build the knowledge base again")
_FULL = Meaning("4002", "free some disk space")
_QUOTA = Meaning("4002", "free some disk space, or have your quota raised")
_FILE_SIZE = Meaning("4002", "allow larger files (ulimit -f), or use a disk that can hold them")
_NO_TEMPORARY = Meaning("4002", "free some space for temporary files, or name another folder for them: TMPDIR")
_DATABASE = Meaning("4001", "free some disk space, and check the disk and the permissions of the folder")
_NO_LINKS = Meaning(
    "4002", "put the home on a file system with hard links, such as ext4, XFS, APFS or NTFS: --home PATH"
)
_READ_ONLY = Meaning("4002", "mount the disk for writing, or use another folder")
_HANDLES = Meaning("4001", "allow more open files (ulimit -n), or process less at once", retryable=True)
_MISSING = Meaning("4003", "check the path")
_CORRUPT = Meaning("4004", "run: omni ingest")
_UNREACHABLE = Meaning("6001", "check the address and the network", retryable=True)
_NET_TIMEOUT = Meaning("6002", _TRY_AGAIN, retryable=True)
_BAD_ANSWER = Meaning("6004", "check the address")
_API = Meaning("9001", "see the message of the service")

FOREIGN_NUMBERS: Mapping[int, Meaning] = MappingProxyType(
    {
        errno.ENOSPC: _FULL,
        errno.EDQUOT: _QUOTA,
        errno.EFBIG: _FILE_SIZE,
        errno.EROFS: _READ_ONLY,
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
"""System errors by number. Python raises them; engines quote them, as in "(os error 28)"."""

SQLITE_NUMBERS: Mapping[int, Meaning] = MappingProxyType(
    {
        3: _DENIED,
        5: _CONFLICT,
        6: _CONFLICT,
        7: _MEMORY,
        8: _READ_ONLY,
        10: _DATABASE,
        11: _UNREADABLE,
        13: _FULL,
        14: _DATABASE,
        26: _UNREADABLE,
    }
)
"""Errors of SQLite by number. It does not say why it can neither read (10) nor open (14) a file."""

_USED_UP = frozenset({_FULL, _QUOTA, _FILE_SIZE, _READ_ONLY, _HANDLES, _MEMORY})
"""What is used up for the whole process: any later call may fail too, with an error that does not name the cause."""

_TYPES: Mapping[Meaning, str] = {
    _READ: "builtins.OSError sqlite3.Error duckdb.IOException",
    _MISSING: "builtins.FileNotFoundError builtins.NotADirectoryError",
    _DENIED: "builtins.PermissionError duckdb.PermissionException",
    _STATE: "builtins.FileExistsError duckdb.IntegrityError duckdb.ConnectionException onnxruntime.ModelLoaded",
    _TIMEOUT: "builtins.TimeoutError subprocess.TimeoutExpired",
    _UNREACHABLE: "builtins.ConnectionError socket.gaierror urllib.URLError",
    _MEMORY: "builtins.MemoryError pyarrow.ArrowMemoryError duckdb.OutOfMemoryException",
    _DEPENDENCY: "builtins.ImportError",
    _FORMAT: (
        "builtins.UnicodeError json.JSONDecodeError tomllib.TOMLDecodeError zipfile.BadZipFile "
        "orjson.JSONDecodeError pyarrow.ArrowInvalid pyarrow.ArrowSerializationError"
    ),
    _FAILED: (
        "subprocess.CalledProcessError pydantic.PydanticUserError pyarrow.ArrowException duckdb.Error "
        "duckdb.Warning duckdb.OperationalError onnxruntime.ModelLoadCanceled onnxruntime.Fail onnxruntime.EPFail "
        "onnxruntime.EngineError onnxruntime.NotImplemented onnxruntime.RuntimeException"
    ),
    _PANIC: "pyo3_runtime.PanicException",
    _BAD_ANSWER: "ssl.SSLError http.HTTPException",
    _API: "urllib.HTTPError",
    _CONFLICT: "filelock.Timeout duckdb.TransactionException onnxruntime.DeviceReset",
    _INVALID: (
        "pydantic_core.ValidationError pyarrow.ArrowKeyError duckdb.ProgrammingError duckdb.DataError "
        "duckdb.NotSupportedError onnxruntime.InvalidArgument"
    ),
    _TYPE: "pydantic_core.PydanticSerializationError pyarrow.ArrowTypeError pyarrow.ArrowNotImplementedError",
    _RANGE: "pyarrow.ArrowIndexError pyarrow.ArrowCapacityError duckdb.OutOfRangeException",
    _CORRUPT: "duckdb.SerializationException",
    _MODEL: (
        "onnxruntime.NoSuchFile onnxruntime.NoModel onnxruntime.NotFound onnxruntime.ModelRequiresCompilation "
        "onnxruntime.InvalidProtobuf onnxruntime.InvalidGraph safetensors.SafetensorError google.DecodeError"
    ),
}
FOREIGN_TYPES: Mapping[str, Meaning] = MappingProxyType(
    {name: meaning for meaning, names in _TYPES.items() for name in names.split()}
)
"""Foreign errors by package and class name, so that recognising one imports nothing. A class that is not listed has
the meaning of its nearest listed base."""

FOREIGN_TEXTS: tuple[tuple[re.Pattern[str], Meaning], ...] = tuple(
    (re.compile(pattern), meaning)
    for pattern, meaning in (
        (r"[Cc]ommit conflict|Too many concurrent writers|Incompatible transaction|LockBusy", _CONFLICT),
        (r"Dataset at path .* was not found|^Ref not found|Lance index not found", _MISSING),
        (r"No usable temporary directory", _NO_TEMPORARY),
        (r'^Failed to open the directory|FileDoesNotExist\("meta\.json"\)', _MISSING),
        (r"FileDoesNotExist|^Data corrupted|^Failed to open file|LanceError\(IO\)", _CORRUPT),
        (r"^Unknown field|is not a fast field", _CORRUPT),  # Tantivy: its file has another schema
        (r"^An IO error occurred|^Deserialize error", _CORRUPT),
        (r"not appear to be a Lance file|outside file of size|decode Protobuf|references parent id", _CORRUPT),
        (r"Invalid format: manifest", _CORRUPT),
        (r"^External error: (Invalid user input|Not found|Lance reader|Encountered internal)", _CORRUPT),
        (r"^Dataset already exists|An index exists but the schema|^IndexWriter was consumed", _STATE),
        (r"^Invalid user input|^Append with different schema|^Schema error|not defined in the schema", _INVALID),
        (r"^An invalid argument was passed|^Query column .* must be", _INVALID),
        (r"LanceError\(|/rust/lance|^Task was aborted", _UNREADABLE),
        (r" at line \d+ column \d+$", _FORMAT),
    )
)
"""Lance, Tantivy and tokenizers raise Python's own ValueError, OSError or RuntimeError, so only the text says what
happened. A system error is quoted with its number and recognised by that; a LanceError(IO) without a number means
that a file is damaged."""

_VAGUE = frozenset({_INVALID, _FORMAT, _RANGE, _TYPE, _FAILED, _PANIC, _UNREADABLE})
"""Meanings that do not name the cause. If the engine got only a file to open, the file is the cause."""
_KINDS: dict[Meaning, type[EngineError]] = {_CONFLICT: WriteConflict, _MODEL: ModelCorrupt}
_OS_ERROR = re.compile(r"\(os error (\d+)\)")
_LINK_REFUSED = re.compile(
    rf"Unable to rename file: .*\(os error ({errno.EPERM}|{errno.EOPNOTSUPP}|{errno.ENOSYS})\)"
)
"""Lance publishes a version by a hard link, so that none replaces another one."""
_RUST_LOCATION = re.compile(r",?\s*(?:location: )?/(?:home|rustc|root)/\S+\.rs:\d+:\d+")
_MAX_LENGTH = 2_000


def meaning_of(error: BaseException) -> Meaning | None:
    """The meaning of a foreign error; None if no engine, system call or listed library raises it.

    An error that does not say its cause has the meaning of the system error from which or after which it was raised.
    """
    return _explained(error)[1]


def _explained(error: BaseException) -> tuple[BaseException, Meaning | None]:
    """The error that says what happened: this one, or one before it. And its meaning."""
    own = _own_meaning(error)
    if own is not None and own not in _VAGUE and own not in (_READ, _DATABASE):
        return error, own
    before = list(_errors_before(error))
    used_up = [(each, meaning) for each in before if (meaning := _own_meaning(each)) in _USED_UP]
    from_sqlite = [(each, meaning) for each in before if (meaning := _by_sqlite_number(each)) is not None]
    return next(iter([*used_up, *from_sqlite]), (error, own))


def _own_meaning(error: BaseException) -> Meaning | None:
    by_text = _by_text(error) if _says_more_in_text(error) else None
    by_text = by_text or _by_sqlite_number(error)
    return by_text or _by_type(type(error), builtin=False) or _by_number(error) or _by_type(type(error), builtin=True)


def translate(
    error: BaseException, what: str = "", subject: Subject = UNKNOWN, *, opening: bool = False
) -> EngineError | None:
    """A foreign error as an `EngineError` whose message begins with `what`; None if its meaning is unknown.

    With `opening`, the engine got only a file to open: an error without a better meaning says that the file is
    corrupt.
    """
    error, meaning = _explained(error)
    if opening and (meaning in _VAGUE or (meaning is None and isinstance(error, Exception))):
        return subject.corrupt(_message(what, error), cure=subject.if_corrupt)
    if meaning is None:
        return None
    message = _message(what, error)
    if subject.missing is not EngineError and meaning.code == _MISSING.code:
        return subject.missing(message, cure=subject.if_missing)
    # an engine in Rust reads what it wrote itself without checks, and panics where the file was changed
    if subject.corrupt is not EngineError and (meaning.code == _CORRUPT.code or meaning is _PANIC):
        return subject.corrupt(message, cure=subject.if_corrupt)
    kind = _KINDS.get(meaning, EngineError)
    return kind(message, cure=meaning.cure, code=meaning.code, retryable=meaning.retryable)


class engine_errors:  # with a generator instead, each count of tokens would take a third longer
    """Translate the errors of an engine inside the block, see `translate`. Unknown errors pass through unchanged."""

    __slots__ = ("_opening", "_subject", "_what")

    def __init__(self, what: str, subject: Subject = UNKNOWN, *, opening: bool = False) -> None:
        self._what, self._subject, self._opening = what, subject, opening

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, EngineError):
            return
        translated = translate(error, self._what, self._subject, opening=self._opening)
        if translated is not None:
            raise translated from error


def _says_more_in_text(error: BaseException) -> bool:
    number = getattr(error, "errno", None)
    is_named = isinstance(error, OSError) and error.filename is not None
    builtin = type(error).__module__ == "builtins" and (number is None or (number == errno.ENOENT and not is_named))
    return builtin or type(error).__module__.startswith("pyarrow")


def _by_text(error: BaseException) -> Meaning | None:
    text = str(error)
    if _LINK_REFUSED.search(text):
        return _NO_LINKS
    if quoted := _OS_ERROR.search(text):
        return FOREIGN_NUMBERS.get(int(quoted[1]), _READ)
    return next((meaning for pattern, meaning in FOREIGN_TEXTS if pattern.search(text)), None)


def _by_type(kind: type[BaseException], *, builtin: bool) -> Meaning | None:
    for base in kind.__mro__:
        name = f"{base.__module__.partition('.')[0].lstrip('_')}.{base.__name__}"
        if (base.__module__ == "builtins") == builtin and name in FOREIGN_TYPES:
            return FOREIGN_TYPES[name]
    return None


def _by_number(error: BaseException) -> Meaning | None:
    return FOREIGN_NUMBERS.get(error.errno or 0) if isinstance(error, OSError) else None


def _errors_before(error: BaseException) -> Iterator[BaseException]:
    seen = {id(error)}
    before = error.__cause__ or error.__context__
    while before is not None and id(before) not in seen:
        yield before
        seen.add(id(before))
        before = before.__cause__ or before.__context__


def _by_sqlite_number(error: BaseException) -> Meaning | None:
    is_from_sqlite = any(base.__module__ == "sqlite3" for base in type(error).__mro__)
    return SQLITE_NUMBERS.get(getattr(error, "sqlite_errorcode", 0) & 0xFF) if is_from_sqlite else None


def _message(what: str, error: BaseException) -> str:
    return f"{what}: {_text(error)}" if what else _text(error)


def _text(error: BaseException) -> str:
    """The error's own message on one line, without locations in Rust sources."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    text = _first_problem(error) or _RUST_LOCATION.sub("", str(error))
    return " ".join(text.split())[:_MAX_LENGTH] or type(error).__name__


def _first_problem(error: BaseException) -> str:
    """Field and message of the first problem of a pydantic error, and the number of others; "" for other errors."""
    if not type(error).__module__.startswith("pydantic_core"):
        return ""
    from pydantic_core import ValidationError

    if not isinstance(error, ValidationError):
        return ""
    first, *more = error.errors(include_url=False, include_context=False)
    field = ".".join(str(part) for part in first["loc"]) or error.title
    return f"{field}: {first['msg']}" + (f" (and {len(more)} more)" if more else "")
