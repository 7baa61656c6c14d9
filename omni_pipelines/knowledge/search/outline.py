"""The outline of a release: its documents, or the headings and symbols of one document with their lines."""

from itertools import groupby

from pydantic import BaseModel

from omni_pipelines.knowledge.search.documents import list_documents
from omni_pipelines.knowledge.state.snapshot import Snapshot

MAX_ENTRIES = 200


class OutlineEntry(BaseModel, frozen=True):
    """A document, or a part of one."""

    name: str
    """The path of a document; the heading or symbol of a part, "" for a part without one."""
    citation: str
    """What `knowledge.show` opens: the document or the part."""
    chunks: int


class Outline(BaseModel, frozen=True):
    """The documents that a path names, or the parts of the one that it names."""

    release: int
    document: str = ""
    """The path of the document whose parts these are; "" if these are documents."""
    entries: tuple[OutlineEntry, ...]
    left_out: int = 0
    """Entries beyond the first 200."""


def outline(snapshot: Snapshot, path: str = "") -> Outline:
    """The outline of what a path or pattern names; without one, of the release.

    Raises:
        CitationNotFound: the path names no document.
    """
    documents = list_documents(snapshot, [path] if path else [])
    if path and len(documents) == 1:
        entries = _parts(snapshot, documents[0].doc_id)
        name = documents[0].path
    else:
        entries = [OutlineEntry(name=each.path, citation=each.path, chunks=each.chunks) for each in documents]
        name = ""
    shown = tuple(entries[:MAX_ENTRIES])
    number = snapshot.release.release
    return Outline(release=number, document=name, entries=shown, left_out=len(entries) - len(shown))


def _parts(snapshot: Snapshot, document: str) -> list[OutlineEntry]:
    parts = []
    for heading, group in groupby(snapshot.chunks_of(document), key=lambda row: row["heading"]):
        rows = list(group)
        first, last = rows[0]["start_line"], max(row["end_line"] for row in rows)
        citation = f"{rows[0]['path']}:{first}-{last}"
        parts.append(OutlineEntry(name=heading, citation=citation, chunks=len(rows)))
    return parts
