"""The files of each source that its last listing saw and that are not read: one JSON file in the home.

Files that a reader refused are in the table `quarantine`; all others that are not read are here.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from native.durable import write_whole
from omni_pipelines import ids
from omni_pipelines.home import Home
from omni_pipelines.records import body_of, sealed_document
from omni_pipelines.refusals import Fate, UnreadFile

_FATES = {fate.value: fate for fate in Fate}


def read_unread(home: Home) -> dict[str, list[UnreadFile]]:
    """The unread files of each source, by path. A damaged file counts as none: the next ingest writes it again."""
    try:
        stored = body_of(home.unread_files.read_bytes())
        return {
            source: [UnreadFile(path, _FATES[fate], kind, reason) for path, fate, kind, reason in rows]
            for source, rows in stored.items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


class ListedFiles(NamedTuple):
    """What a listing of a source, and the reading of its files, found."""

    unread: Sequence[UnreadFile]
    is_kept: Callable[[str], bool] = lambda _: False
    """Whether the file at a path was not read again: the unread files inside it stay."""


def record_unread(home: Home, listed: Mapping[str, ListedFiles], sources: Collection[str]) -> None:
    """Replace the unread files of the sources that were listed; those of other sources stay. Hold the writer lock.

    Args:
        home: the home.
        listed: source to what was found.
        sources: names of all sources: what is stored of others is dropped.
    """
    unread = read_unread(home)
    for source, found in listed.items():
        inside = (row for row in unread.get(source, ()) if _is_inside(row.path, found.is_kept))
        rows = {row.path: row for row in (*inside, *found.unread)}
        unread[source] = [rows[path] for path in sorted(rows)]
    _write(home, {source: rows for source, rows in unread.items() if source in sources})


def _is_inside(path: str, is_file: Callable[[str], bool]) -> bool:
    """Whether a path leads into one of the files, such as an archive."""
    end = path.find("/")
    while 0 < end < len(path) - 1:
        if is_file(path[:end]):
            return True
        end = path.find("/", end + 1)
    return False


def forget_unread(home: Home, documents: Collection[str], *, write: bool) -> int:
    """Drop the files with these document ids, and return how many there are. Hold the writer lock to write."""
    stored = read_unread(home)
    kept = {
        source: [row for row in rows if ids.document_id(source, row.path) not in documents]
        for source, rows in stored.items()
    }
    if write:
        _write(home, kept)
    return sum(map(len, stored.values())) - sum(map(len, kept.values()))


def _write(home: Home, unread: Mapping[str, Sequence[UnreadFile]]) -> None:
    named = {source: [[*row] for row in rows] for source, rows in sorted(unread.items()) if rows}
    content = sealed_document(named)
    before = home.unread_files.read_bytes() if home.unread_files.exists() else sealed_document({})
    if content != before:
        write_whole(home.unread_files, content)
