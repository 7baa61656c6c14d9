"""Reading one file so that what is stored is one moment of one regular file, and never more than allowed."""

from __future__ import annotations

import os
import stat as modes
import time
from pathlib import Path

from omni_pipelines.refusals import RefusalCode, Unreadable

RACY_NS = 20_000_000
"""A file changed this shortly before it was read may change again within the same clock tick, unseen. It is the
change time that tells: the modification time can be set, to next year for instance."""


def read_file(path: Path, limit: int) -> tuple[bytes, str]:
    """The bytes of a file, and its stat mark; the mark is "" where a later change could go unseen.

    Raises:
        Unreadable: E_VANISHED, E_PERM, E_SYMLINK, E_NOT_REGULAR, E_TOO_LARGE, E_CHANGED, E_EMPTY or E_IO.
    """
    began = time.time_ns()
    handle = _open(path)
    try:
        before = os.fstat(handle)
        if not modes.S_ISREG(before.st_mode):
            raise Unreadable(RefusalCode.NOT_REGULAR, "not a regular file")
        refuse_large(before.st_size, limit)
        with os.fdopen(os.dup(handle), "rb") as file:
            raw = file.read(limit + 1)
        after = os.fstat(handle)
    except OSError as error:
        raise Unreadable(RefusalCode.IO, f"{error.strerror}") from error
    finally:
        os.close(handle)
    if stat_mark(before) != stat_mark(after) or len(raw) != after.st_size:
        raise Unreadable(RefusalCode.CHANGED, "it changed while it was read")
    refuse_empty(raw)
    return raw, stat_mark(after) if after.st_ctime_ns < began - RACY_NS else ""


def refuse_large(size: int, limit: int) -> None:
    """Refuse more bytes than the settings allow.

    Raises:
        Unreadable: E_TOO_LARGE.
    """
    if size > limit:
        raise Unreadable(RefusalCode.TOO_LARGE, f"{size:,} bytes; the settings allow {limit:,}")


def refuse_empty(raw: bytes) -> None:
    """Refuse what is blank.

    Raises:
        Unreadable: E_EMPTY.
    """
    if not raw.strip():
        raise Unreadable(RefusalCode.EMPTY, "nothing in it")


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise Unreadable(RefusalCode.VANISHED, "it is gone") from error
    except PermissionError as error:
        raise Unreadable(RefusalCode.PERM, "no permission to read it") from error
    except OSError as error:
        code = RefusalCode.SYMLINK if path.is_symlink() else RefusalCode.IO
        raise Unreadable(code, f"{error.strerror}") from error


def stat_mark(status: os.stat_result) -> str:
    """size:mtime:ctime:inode. Equal means: not changed since."""
    return f"{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}:{status.st_ino}"
