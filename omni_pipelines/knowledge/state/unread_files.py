"""The files of each source that its last listing saw and that are not read: one JSON file in the home.

Files that a reader refused are in the table `quarantine`; all others that are not read are here.
"""

from collections.abc import Collection, Mapping, Sequence

import orjson

from native.durable import write_whole
from omni_pipelines import ids
from omni_pipelines.home import Home
from omni_pipelines.refusals import Fate, UnreadFile


def read_unread(home: Home) -> dict[str, list[UnreadFile]]:
    """The unread files of each source, by path. A damaged file counts as none: the next ingest writes it again."""
    try:
        stored = orjson.loads(home.unread_files.read_bytes())
        return {
            source: [UnreadFile(path, Fate(fate), kind, reason) for path, fate, kind, reason in rows]
            for source, rows in stored.items()
        }
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def record_unread(home: Home, listed: Mapping[str, Sequence[UnreadFile]], sources: Collection[str]) -> None:
    """Replace the unread files of the sources that were listed; those of other sources stay. Hold the writer lock.

    Args:
        home: the home.
        listed: source to its unread files.
        sources: names of all sources: what is stored of others is dropped.
    """
    _write(home, {name: rows for name, rows in {**read_unread(home), **listed}.items() if name in sources})


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
    named = {source: rows for source, rows in unread.items() if rows}
    content = orjson.dumps(named, option=orjson.OPT_SORT_KEYS, default=list)
    before = home.unread_files.read_bytes() if home.unread_files.exists() else b"{}"
    if content != before:
        write_whole(home.unread_files, content)
