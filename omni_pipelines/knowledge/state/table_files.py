"""The checksums of all files of the tables of a release: rows, deletions, indexes and manifests.

Lance keeps no checksums, and never changes a file that it has written. So a file is read once, for the first release
that names it; later releases take over its checksum. Damage in between cannot become the truth, unless the rows of a
damaged file are written again into a new one: nothing does that without comparing the checksums before.
"""

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

from native import lance_files, lance_maintenance
from native.allocator import return_free_memory
from native.durable import write_whole
from native.errors import EngineError
from native.lance_tables import LanceTable, TableVersion
from omni_pipelines.errors import TableBroken
from omni_pipelines.home import Home
from omni_pipelines.ids import file_content_hash
from omni_pipelines.knowledge.state.releases import newest_release
from omni_pipelines.record_fields import Blake3, PinnedVersion
from omni_pipelines.records import Record, Release, opened, sealed
from omni_pipelines.rows import QuarantineRow
from omni_pipelines.schemas import QUARANTINE, TABLES
from omni_pipelines.tables import read_rows


def with_checksums(home: Home, release: Release) -> Release:
    """A release with the checksum of every file of its tables. One that has them keeps them.

    Raises:
        EngineError: a table cannot be opened.
        OSError: a file cannot be read.
    """
    if release.files:
        return release
    before = newest_release(home)
    known = before.files if before is not None else {}
    return release.model_copy(update={"files": _checksums(home, release.tables, known)})


def _checksums(home: Home, tables: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    """Path to checksum of every file of these versions of tables; files that are known keep theirs."""
    return {
        path: (_has_unique_name(path) and known.get(path)) or file_content_hash(home.root / path)
        for path in _paths(home, tables)
    }


def _paths(home: Home, tables: Mapping[str, str]) -> Iterator[str]:
    for name, pinned in sorted(tables.items()):
        table = LanceTable(home.table(name))
        for file in lance_files.version_files(table, TableVersion.parse(pinned).version):
            yield f"tables/{table.path.name}/{file}"


def _has_unique_name(path: str) -> bool:
    """Whether Lance chose the name at random; a manifest is named by its version."""
    return "/_versions/" not in path


class QuarantineFiles(Record):
    """The checksums of the files of the table `quarantine`, which no release names."""

    head: PinnedVersion
    files: dict[str, Blake3]


def note_quarantine(home: Home) -> None:
    """Take the checksums of the table `quarantine`, if it changed. Hold the writer lock."""
    table, before = LanceTable(home.table(QUARANTINE.name)), _read_noted(home)
    if not table.exists():
        return
    head = str(table.head())
    if before is None or before.head != head:
        files = _checksums(home, {QUARANTINE.name: head}, before.files if before is not None else {})
        write_whole(home.quarantine_files, sealed(QuarantineFiles(head=head, files=files)))


def damaged_quarantine(home: Home) -> Iterator[tuple[str, str]]:
    """The path in its folder and the fault of each damaged file of the table `quarantine`.

    There are none while a writer has changed the table and has not ended.
    """
    noted, table = _read_noted(home), LanceTable(home.table(QUARANTINE.name))
    try:
        if noted is None or not table.exists() or str(table.head()) != noted.head:
            return
    except EngineError as error:
        yield "_versions/", str(error)
        return
    for _, file, fault in _damaged(home, noted.files):
        yield file, fault


def _read_noted(home: Home) -> QuarantineFiles | None:
    try:
        return opened(home.quarantine_files.read_bytes(), QuarantineFiles)
    except (OSError, ValueError):
        return None


def damaged_files(home: Home, release: Release, table: str = "") -> Iterator[tuple[str, str, str]]:
    """The table, the path in its folder and the fault of each file that does not match its checksum.

    Of all tables, or of one. There are no faults in a release of an older version, which has no checksums.
    """
    folder = f"tables/{table}.lance/" if table else ""
    yield from _damaged(home, {path: each for path, each in release.files.items() if path.startswith(folder)})


def _damaged(home: Home, files: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    for path, expected in files.items():
        if fault := _fault(home, path, expected):
            yield *_table_and_file(path), fault


def _table_and_file(path: str) -> tuple[str, str]:
    _, folder, file = path.split("/", 2)
    return folder.removesuffix(".lance"), file


def _fault(home: Home, path: str, expected: str) -> str:
    try:
        is_sound = file_content_hash(home.root / path) == expected
    except FileNotFoundError:
        return "it is missing"
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    return "" if is_sound else "it does not match its checksum"


def require_sound(home: Home, release: Release | None, table: str) -> None:
    """Check that every file of a table in a release matches its checksum, before its rows are written again.

    Raises:
        TableBroken: a file is damaged.
    """
    if release is not None:
        _refuse(damaged_files(home, release, table))


def require_readable(home: Home, release: Release) -> None:
    """Check that a release has no file at which Lance would end the process, see `unreadable_files`.

    Raises:
        TableBroken: there is one.
    """
    damaged = list(unreadable_files(home, release.files))
    if damaged:
        newest = newest_release(home)
        is_newest = newest is None or newest.release == release.release
        _refuse(damaged, "" if is_newest else f" --release {release.release}")


def require_readable_heads(home: Home) -> None:
    """The same check for the newest version of every table. It skips those that cannot be opened: reading them fails.

    Raises:
        TableBroken: there is such a file.
    """
    newest, noted = newest_release(home), _read_noted(home)
    known = {**(newest.files if newest is not None else {}), **(noted.files if noted is not None else {})}
    _refuse(unreadable_files(home, {path: known.get(path, "") for path in _paths_of_heads(home)}))


def _paths_of_heads(home: Home) -> Iterator[str]:
    for name in TABLES:
        with contextlib.suppress(EngineError, OSError):  # a head that cannot be opened
            yield from _paths(home, {name: str(LanceTable(home.table(name)).head())})


def unreadable_files(home: Home, files: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """The table, the path in its folder and the fault of each file, of these, at which Lance would end the process.

    Lance takes some numbers in its files for true, and asks for as much memory. If there is not as much, the process
    ends without an error that could be caught. Such numbers are in files of deletions, which are small enough to
    compare them with their checksums, and at the end of files of rows and of indexes.
    """
    for path, expected in files.items():
        if "/_deletions/" in path:
            fault = _fault(home, path, expected) if expected and (home.root / path).exists() else ""
        else:
            fault = "" if lance_files.is_end_possible(home.root / path) else "its end is damaged"
        if fault:
            yield *_table_and_file(path), fault


def read_quarantine(home: Home, columns: Sequence[str], where: str | None = None) -> list[QuarantineRow]:
    """Read these columns of the table `quarantine`. Without a table there are no rows.

    Raises:
        TableBroken, EngineError: a file of the table is damaged.
    """
    noted = _read_noted(home)
    if noted is not None:
        _refuse(unreadable_files(home, noted.files))
    return read_rows(home, QUARANTINE, QuarantineRow, columns, where)


def _refuse(damaged: Iterable[tuple[str, str, str]], which: str = "") -> None:
    for table, file, fault in damaged:
        cure = f"repair it: omni scrub --repair{which}, then omni ingest"
        raise TableBroken(f"table {table}: {file}: {fault}", cure=cure)


def compact(home: Home, table: LanceTable) -> bool:
    """Merge small fragments if there are many. Returns whether it made a version.

    A table with a damaged file stays as it is: it reads as before, and a scrub can still find the damage.
    """

    def is_sound() -> bool:
        release = newest_release(home)
        return release is None or not any(damaged_files(home, release, table.name))

    return_free_memory()  # a step begins with what the one before it gave back
    return lance_maintenance.compact(table, is_sound)
