"""The outline of a release: its documents, or the sections of one document, each with its citation."""

from pydantic import BaseModel

from omni_pipelines.errors import CitationNotFound
from omni_pipelines.knowledge.search.citation_names import cited_name
from omni_pipelines.knowledge.search.citations import citation_of, find_document
from omni_pipelines.knowledge.search.documents import list_documents
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.text.document import HEADING_SEPARATOR
from omni_pipelines.text.document_rows import parsed_document


class OutlineEntry(BaseModel, frozen=True):
    """A document, or a section of one."""

    citation: str
    """Opens the document or the section."""
    title: str
    """The title of the document, or the headings of the section, outermost first."""


class Outline(BaseModel, frozen=True):
    """A part of the list of entries."""

    release: int
    entries: tuple[OutlineEntry, ...]
    total: int
    """Entries in the whole list."""


def outline(snapshot: Snapshot, of: str, start: int, count: int) -> Outline:
    """The sections of the one document that `of` names; else the documents that it names as a pattern; "" is all.

    Raises:
        CitationNotFound: it names nothing.
    """
    try:
        document = find_document(snapshot, of) if of else None
    except CitationNotFound:  # it names no document, or several
        document = None
    if document is not None:
        return _sections(snapshot, document.doc_id, start, count)
    documents = list_documents(snapshot, [of] if of else [])
    entries = [
        OutlineEntry(citation=cited_name(each.source, each.path, each.uri), title=each.title)
        for each in documents[start : start + count]
    ]
    return Outline(release=snapshot.release.release, entries=tuple(entries), total=len(documents))


def _sections(snapshot: Snapshot, document: str, start: int, count: int) -> Outline:
    """The sections of a document that have a heading, in order. A section ends where the next one starts."""
    row = snapshot.document(document)
    assert row is not None, "its name was found in the same release"
    parsed = parsed_document(row)
    ends = [section.start for section in parsed.sections[1:]] + [len(parsed.text)]
    headed = [(each, end) for each, end in zip(parsed.sections, ends, strict=True) if each.path]
    entries = [
        OutlineEntry(
            citation=citation_of(row, parsed, each.start, _last_character(parsed.text, each.start, end)),
            title=HEADING_SEPARATOR.join(each.path),
        )
        for each, end in headed[start : start + count]
    ]
    return Outline(release=snapshot.release.release, entries=tuple(entries), total=len(headed))


def _last_character(text: str, start: int, end: int) -> int:
    """The end of a section without the blank lines after it."""
    return start + len(text[start:end].rstrip())
