"""How fresh hits are: when their source was last listed, and whether their file has changed since it was read."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from native.filters import equals
from omni_pipelines.ids import content_hash
from omni_pipelines.knowledge.search.hits import Hit
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.record_fields import file_moment

MAX_HASHED_BYTES = 64 << 20
"""Size of a file up to which it is hashed if its time has changed."""


def with_freshness(snapshot: Snapshot, hits: Sequence[Hit], *, check_files: bool) -> list[Hit]:
    """The hits with the time at which their source was last seen; with `check_files`, also whether they are stale.

    A file whose time is that of the release is not opened, so this costs a few microseconds a hit.
    """
    seen = snapshot.sources_seen()
    stale: dict[str, bool | None] = {}
    for hit in hits if check_files else ():
        if hit.uri not in stale:
            stale[hit.uri] = _is_stale(snapshot, hit)
    return [hit.model_copy(update={"source_seen": seen.get(hit.source), "stale": stale.get(hit.uri)}) for hit in hits]


def _is_stale(snapshot: Snapshot, hit: Hit) -> bool | None:
    """Whether the file of a hit is gone or has another content; None if that cannot be said."""
    parts = urlsplit(hit.uri)
    if parts.scheme != "file" or hit.modified is None:
        return None
    path = Path(unquote(parts.path))
    try:
        status = path.stat()
        if file_moment(status.st_mtime_ns) == hit.modified:
            return False
        if status.st_size > MAX_HASHED_BYTES:
            return None
        stored = snapshot.documents(["content_hash"], equals("doc_id", hit.doc_id))
        return content_hash(path.read_bytes()) != stored[0]["content_hash"] if stored else None
    except FileNotFoundError:
        return True if path.parent.is_dir() else None  # a folder that is not there may only be not mounted
    except (OSError, ValueError):
        return None
