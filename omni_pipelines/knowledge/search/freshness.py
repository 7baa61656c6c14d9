"""How fresh hits are: when their source was last listed, and whether their file has changed since it was read."""

import os
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TypedDict
from urllib.parse import unquote, urlsplit

from native.filters import equals
from omni_pipelines.ids import content_hash
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.record_fields import file_moment
from omni_pipelines.rows import ChunkRow

MAX_HASHED_BYTES = 64 << 20
"""Size of a file up to which it is hashed if its time has changed."""


class FreshFields(TypedDict):
    """The fields of a hit that say how fresh it is."""

    source_seen: datetime | None
    stale: bool | None


class Freshness:
    """How fresh the hits of one search are: when their source was last seen; with `check_files`, if they are stale.

    A file whose time is that of the release is not opened, so this costs a few microseconds a hit.
    """

    def __init__(self, snapshot: Snapshot, *, check_files: bool) -> None:
        self._snapshot, self._check_files = snapshot, check_files
        self._seen = snapshot.sources_seen()
        self._stale: dict[str, bool | None] = {}

    def fields(self, row: ChunkRow) -> FreshFields:
        """The fields of the hit that shows a chunk."""
        uri = row["uri"]
        if self._check_files and uri not in self._stale:
            self._stale[uri] = _is_stale(self._snapshot, row)
        return {"source_seen": self._seen.get(row["source"]), "stale": self._stale.get(uri)}


def _is_stale(snapshot: Snapshot, row: ChunkRow) -> bool | None:
    """Whether the file of a chunk is gone or has another content; None if that cannot be said."""
    path = _file(row["uri"])
    if not path or row["modified"] is None:
        return None
    try:
        status = os.stat(path)  # with pathlib, that takes twice as long
        if file_moment(status.st_mtime_ns) == row["modified"]:
            return False
        if status.st_size > MAX_HASHED_BYTES:
            return None
        stored = snapshot.documents(["content_hash"], equals("doc_id", row["doc_id"]))
        return content_hash(Path(path).read_bytes()) != stored[0]["content_hash"] if stored else None
    except FileNotFoundError:
        return True if Path(path).parent.is_dir() else None  # a folder that is not there may only be not mounted
    except (OSError, ValueError):
        return None


@lru_cache(maxsize=1 << 10)
def _file(uri: str) -> str:
    """The path of a file that a URI names; "" for another URI."""
    parts = urlsplit(uri)
    return unquote(parts.path) if parts.scheme == "file" else ""
