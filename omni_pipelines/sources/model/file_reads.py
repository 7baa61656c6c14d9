"""Read a regular file so that its bytes are those of one moment and never more than allowed."""

import codecs
import errno
import os
import re
import stat as modes
import time
from pathlib import Path

from omni_pipelines.refusals import RefusalCode, Unreadable

RACY_NS = 20_000_000
"""A file that changed this shortly before it was read could change again within the same clock tick without a new
change time. The change time decides: programs can set the modification time to anything."""

MAX_POINTER_BYTES = 1024
_LFS_POINTER = re.compile(
    rb"(?:\xef\xbb\xbf)?version https?://[\w./-]+\r?\n(?:ext-\d-[^\n]+\n)*oid sha256:[0-9a-f]{64}\r?\n"
    rb"(?:[^\n]+\n)*?size \d+\s*"
)
_BYTE_ORDER_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_ANNEX_POINTER = re.compile(rb"(?:/annex/objects/|(?:\.\./)*\.git/annex/objects/)[^\n]+\s*")


def read_file(path: Path, limit: int, racy_ns: int = RACY_NS) -> tuple[bytes, str]:
    """Read the bytes of a file, and its version mark; the mark is empty if a later change could have the same mark.

    Raises:
        Unreadable: E_VANISHED, E_PERM, E_SYMLINK, E_NOT_REGULAR, E_TOO_LARGE, E_CHANGED, E_EMPTY or E_IO.
    """
    start = time.time_ns()
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
    if version_mark(before) != version_mark(after) or len(raw) != after.st_size:
        raise Unreadable(RefusalCode.CHANGED, "the file changed while it was read")
    refuse_empty(raw)
    return raw, version_mark(after) if after.st_ctime_ns < start - racy_ns else ""


def settled_mark(path: Path, racy_ns: int = RACY_NS) -> str:
    """The version mark of a file that is read later; empty if a later change could have the same mark.

    Raises:
        Unreadable: E_VANISHED, E_PERM, E_SYMLINK, E_NOT_REGULAR or E_IO.
    """
    now = time.time_ns()
    handle = _open(path)
    try:
        status = os.fstat(handle)
    finally:
        os.close(handle)
    if not modes.S_ISREG(status.st_mode):
        raise Unreadable(RefusalCode.NOT_REGULAR, "not a regular file")
    return version_mark(status) if status.st_ctime_ns < now - racy_ns else ""


def refuse_large(size: int, limit: int) -> None:
    """Refuse a file of more bytes than the settings allow.

    Raises:
        Unreadable: E_TOO_LARGE.
    """
    if size > limit:
        raise Unreadable(RefusalCode.TOO_LARGE, f"{size:,} bytes; the settings allow {limit:,}")


def refuse_empty(raw: bytes) -> None:
    """Refuse a file without text.

    Raises:
        Unreadable: E_EMPTY.
    """
    if not raw.strip() or raw in _BYTE_ORDER_MARKS:
        raise Unreadable(RefusalCode.EMPTY, "the file is empty")


def refuse_pointer(raw: bytes) -> None:
    """Refuse what git keeps in the place of a large file until that is fetched.

    Raises:
        Unreadable: E_POINTER.
    """
    if len(raw) > MAX_POINTER_BYTES:
        return
    if _LFS_POINTER.fullmatch(raw):
        raise Unreadable(RefusalCode.POINTER, "a pointer of Git LFS, not the file itself: fetch it with git lfs pull")
    if _ANNEX_POINTER.fullmatch(raw):
        raise Unreadable(
            RefusalCode.POINTER, "a pointer of git-annex, not the file itself: fetch it with git annex get"
        )


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise Unreadable(RefusalCode.VANISHED, "the file is gone") from error
    except PermissionError as error:
        raise Unreadable(RefusalCode.PERM, "no permission to read the file") from error
    except OSError as error:
        code = RefusalCode.SYMLINK if error.errno == errno.ELOOP else RefusalCode.IO
        raise Unreadable(code, f"{error.strerror}") from error


def version_mark(status: os.stat_result) -> str:
    """size:mtime:ctime:inode."""
    return f"{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}:{status.st_ino}"
