"""Looking at sources: what stands there now, told what is stored of it already."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from native.filters import equals
from omni_pipelines.home import Home
from omni_pipelines.rows import FileRow
from omni_pipelines.schemas import DOCUMENTS, QUARANTINE
from omni_pipelines.sources.registry import list_source
from omni_pipelines.sources.source import Listing, Source, SourceKind
from omni_pipelines.tables import read_rows

_SEEN: ContextVar[dict[str, Listing] | None] = ContextVar("seen", default=None)


def list_current(home: Home, source: Source) -> Listing:
    """What stands in a source now.

    Raises:
        SourceMissing: it cannot be listed.
    """
    if source.kind is not SourceKind.WEB:
        return list_source(source)
    seen = _SEEN.get()
    listing = seen.pop(source.name, None) if seen is not None else None
    if listing is not None and listing.source == source:
        return listing
    listing = list_source(source, _marks(home, source))
    if seen is not None:
        seen[source.name] = listing
    return listing


@contextmanager
def cached_listings() -> Iterator[None]:
    """Let the second look at a site inside the block be the first.

    Whether something is to do and then what is asked within a moment, and each look costs a request a page.
    """
    token = _SEEN.set({})
    try:
        yield
    finally:
        _SEEN.reset(token)


def _marks(home: Home, source: Source) -> dict[str, str]:
    """Path to mark of what is stored, as a document or in quarantine."""
    where = equals("source", source.name)
    return {
        row["path"]: row["stat"]
        for definition in (QUARANTINE, DOCUMENTS)
        for row in read_rows(home, definition, FileRow, ["path", "stat"], where)
    }
