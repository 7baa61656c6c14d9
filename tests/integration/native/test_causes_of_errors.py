"""Errors that do not say their cause: what is used up explains those that follow, and SQLite says it by number."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy.exc

from native.foreign_errors import SQLITE_NUMBERS, meaning_of
from omni_pipelines.errors import UnexpectedError, from_exception


def raised(call: Callable[[], Any]) -> BaseException:
    try:
        call()
    except sqlite3.Error as error:
        return error
    pytest.fail("nothing was raised")


def after(first: BaseException, second: BaseException, *, is_cause: bool = False) -> BaseException:
    """The second error as it is raised while the first one is handled, or from it."""
    try:
        try:
            raise first
        except BaseException as error:
            if is_cause:
                raise second from error
            raise second  # noqa: B904  # after it, not from it
    except BaseException as error:  # noqa: BLE001
        return error


@pytest.mark.parametrize(
    ("number", "cure"),
    [
        (errno.ENOSPC, "free some disk space"),
        (errno.EDQUOT, "have your quota raised"),
        (errno.EFBIG, "ulimit -f"),
        (errno.EROFS, "mount the disk for writing"),
        (errno.EMFILE, "ulimit -n"),
        (errno.ENOMEM, "close other programs"),
    ],
)
@pytest.mark.parametrize("is_cause", [False, True])
def test_what_is_used_up_explains_errors_that_follow_from_it(number: int, cure: str, is_cause: bool) -> None:
    for follows in (KeyError("x"), RuntimeError("odd"), sqlite3.OperationalError("disk I/O error")):
        found = from_exception(after(OSError(number, os.strerror(number), "a/path"), follows, is_cause=is_cause))
        assert cure in found.cure
        assert found.message == f"{os.strerror(number)}: a/path"
    engine = OSError(f"LanceError(IO): {os.strerror(number)} (os error {number})")
    assert cure in from_exception(after(engine, KeyError("x"), is_cause=is_cause)).cure


@pytest.mark.parametrize("first", [FileNotFoundError(errno.ENOENT, "gone", "x"), KeyError("y"), ValueError("odd")])
def test_an_error_after_another_that_says_no_more_stays_a_defect(first: Exception) -> None:
    assert isinstance(from_exception(after(first, KeyError("x"))), UnexpectedError)


def test_errors_that_name_each_other_end() -> None:
    first, second = KeyError("a"), KeyError("b")
    first.__cause__, second.__cause__ = second, first
    assert meaning_of(first) is None


def test_numbers_of_sqlite_are_those_of_sqlite() -> None:
    names = ("PERM", "BUSY", "LOCKED", "NOMEM", "READONLY", "IOERR", "CORRUPT", "FULL", "CANTOPEN", "NOTADB")
    assert [getattr(sqlite3, f"SQLITE_{name}") for name in names] == list(SQLITE_NUMBERS)


def full_database(path: Path) -> Any:
    with closing(sqlite3.connect(path)) as database:
        database.execute("pragma max_page_count = 2")
        return database.execute("create table a as select randomblob(99999)")


def read_only_database(path: Path) -> Any:
    sqlite3.connect(path).close()
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return database.execute("create table a (b)")


def locked_database(path: Path) -> Any:
    with closing(sqlite3.connect(path, isolation_level=None)) as first, closing(sqlite3.connect(path)) as second:
        first.execute("begin exclusive")
        second.execute("pragma busy_timeout = 0")
        return second.execute("create table a (b)")


@pytest.mark.parametrize(
    ("call", "code", "cure"),
    [
        (full_database, "4002", "free some disk space"),
        (read_only_database, "4002", "for writing"),
        (locked_database, "3005", "try again"),
        (lambda path: sqlite3.connect(path / "none" / "x"), "4001", "free some disk space, and check the disk"),
    ],
    ids=["full", "read only", "locked", "cannot be opened"],
)
def test_sqlite_errors_have_their_cure_alone_and_inside_sqlalchemy(
    call: Callable[[Path], Any], code: str, cure: str, tmp_path: Path
) -> None:
    error = raised(lambda: call(tmp_path / "x.db"))
    wrapped = sqlalchemy.exc.DBAPIError.instance("INSERT …", {}, error, sqlite3.Error)
    for each in (error, after(error, wrapped, is_cause=True)):
        found = from_exception(each)
        assert (found.code, cure in found.cure) == (code, True), found
        assert "INSERT" not in found.message


def test_a_full_folder_for_temporary_files_is_named_with_its_cure() -> None:
    error = FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp', '/var/tmp']")
    assert (from_exception(error).code, "TMPDIR" in from_exception(error).cure) == ("4002", True)
