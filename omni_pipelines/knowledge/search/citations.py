"""Open a citation: from what it names to the exact text."""

import os
import re
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit
from urllib.request import url2pathname

from pydantic import BaseModel

from omni_pipelines.errors import CitationNotFound
from omni_pipelines.ids import content_hash
from omni_pipelines.knowledge.search.citation_names import (
    CitedPart,
    DocumentName,
    cited_name,
    cited_place,
    named_documents,
    readings,
)
from omni_pipelines.knowledge.search.hits import doubt
from omni_pipelines.knowledge.search.unread_names import no_document
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.rows import DocumentRow
from omni_pipelines.text.document import Parsed, Part
from omni_pipelines.text.document_rows import parsed_document
from omni_pipelines.text.lines import Place

_CHUNK_ID = re.compile(r"[0-9a-f]{32}")


class Passage(BaseModel, frozen=True):
    """A part of a document, exactly as far as a citation says."""

    citation: str
    """In the form of citations, whatever the part was asked for by."""
    uri: str
    source: str
    path: str
    text: str
    """The cited text: the characters from `start_byte` to `end_byte`."""
    start_byte: int
    """Offset in the file if `verbatim`, else in its parsed text as UTF-8; `end_byte` likewise."""
    end_byte: int
    start_line: int
    end_line: int
    lines: tuple[str, ...]
    """The text by lines, without line ends."""
    line_numbers: tuple[int, ...]
    """The number of each line: in the file, on the page, or in the parsed text. A page on the web can have several
    lines of text in one line."""
    encoding: str
    verbatim: bool
    from_file: bool
    """Whether the file is on this machine and has the bytes that were indexed."""
    page: int | None = None
    """The page of the first line, in documents that have pages."""
    confidence: float = 1.0
    """How sure the words are, 0 to 1: below 1 if they were recognised in a scan or picture."""

    @property
    def note(self) -> str:
        """What a person should know about this text; "" if nothing."""
        is_changed = not self.from_file and self.uri.startswith("file:")
        changed = "the file changed since this release, or is gone; this is the text that was indexed"
        return "; ".join(filter(None, [changed if is_changed else "", doubt(self.confidence)]))


def open_citation(snapshot: Snapshot, citation: str) -> Passage:
    """The text that a citation names, or the text of a chunk by its id.

    Raises:
        CitationNotFound: the document, the lines or the page do not exist, or the name fits several documents.
    """
    if _CHUNK_ID.fullmatch(citation):
        chunk = snapshot.chunks([citation], ["doc_id", "start_char", "end_char"]).get(citation)
        if chunk is not None:
            row = _row(snapshot, chunk["doc_id"])
            return _passage(row, parsed_document(row), chunk["start_char"], chunk["end_char"])
    document, part = _cited(snapshot, citation)
    row = _row(snapshot, document.doc_id)
    parsed = parsed_document(row)
    return _passage(row, parsed, *range_of(parsed, part, cited_name(row["source"], row["path"], row["uri"])))


def find_document(snapshot: Snapshot, name: str) -> DocumentName:
    """The document with this name, URI, id, path or end of a path; a citation names one as well.

    Raises:
        CitationNotFound: no document has this name, or several have.
    """
    return _cited(snapshot, name)[0]


def _cited(snapshot: Snapshot, citation: str) -> tuple[DocumentName, CitedPart]:
    known = [DocumentName(row["doc_id"], row["source"], row["path"], row["uri"]) for row in snapshot.document_names()]
    exact = [each for each in known if citation == cited_name(each.source, each.path, each.uri)]
    if exact:
        return exact[0], CitedPart()
    several: list[DocumentName] = []
    for name, part in readings(citation):
        found = named_documents(name, known)
        if len(found) == 1:
            return found[0], part
        several = several or found
    if several:
        examples = ", ".join(sorted(cited_name(each.source, each.path, each.uri) for each in several)[:3])
        raise CitationNotFound(f"{citation} fits {len(several)} documents: {examples}", cure="give more of the path")
    name = next(readings(citation))[0]
    raise no_document(snapshot, name, known)


def file_of(uri: str) -> Path:
    """The file that a `file:` URI names. Bytes of its name that are not text appear in the URI as `%FF`.

    For a document inside a file, such as an attachment, it is that file.
    """
    path = Path(url2pathname(urlsplit(uri).path))
    return _outer_file(path) or _outer_file(Path(os.fsdecode(unquote_to_bytes(str(path))))) or path


def _outer_file(path: Path) -> Path | None:
    """The path, or the file on the way to it; None if neither is there."""
    return next((each for each in (path, *path.parents) if each.is_file()), None)


def citation_of(row: DocumentRow, parsed: Parsed, start: int, end: int) -> str:
    """The citation of the characters from `start` to `end` of a document, which are on one page."""
    part = parsed.part_at(start)
    name = cited_name(row["source"], row["path"], row["uri"])
    return name + cited_place(part.lines.cite(start - part.start, end - part.start), part.page)


def _passage(row: DocumentRow, parsed: Parsed, start: int, end: int) -> Passage:
    parts = [part for part in parsed.parts if part.start < max(end, start + 1) and start < part.end] or [
        parsed.parts[0]
    ]
    shown = [line for part in parts for line in part.lines.shown(start - part.start, end - part.start)]
    start_byte, end_byte = parsed.byte_offsets([start, end])
    if len(parts) == 1:
        citation = citation_of(row, parsed, start, end)
    else:
        pages = f":p{parts[0].page}-{parts[-1].page}"
        citation = cited_name(row["source"], row["path"], row["uri"]) + pages
    return Passage(
        citation=citation,
        uri=row["uri"],
        source=row["source"],
        path=row["path"],
        text=parsed.text[start:end],
        start_byte=start_byte,
        end_byte=end_byte,
        start_line=parsed.line(start),
        end_line=parsed.line(max(start, end - 1)),
        lines=tuple(text for _, text in shown),
        line_numbers=tuple(number for number, _ in shown),
        encoding=row["encoding"],
        verbatim=row["verbatim"],
        from_file=is_unchanged(row),
        page=parts[0].page,
        confidence=parsed.confidence(start, end),
    )


def range_of(parsed: Parsed, part: CitedPart, name: str) -> tuple[int, int]:
    """The characters of a part of a document."""
    pages = _pages(parsed, part, name)
    if not part.line:
        text = parsed.text[pages[0].start : pages[-1].end]
        return pages[0].start, pages[0].start + len(text.rstrip())
    found = [(page, _range_on(page, part)) for page in pages]
    ranges = [(page.start + span[0], page.start + span[1]) for page, span in found if span is not None]
    if len(ranges) != 1:
        raise _no_lines(pages, part, name, has_several=len(ranges) > 1)
    return ranges[0]


def _pages(parsed: Parsed, part: CitedPart, name: str) -> list[Part]:
    if not part.page:
        return list(parsed.parts)
    last = part.last_page or part.page
    pages = [each for each in parsed.parts if each.page is not None and part.page <= each.page <= last]
    if not pages:
        problem = f"has no text on page {part.page}" if parsed.page_marks else "has no pages"
        raise CitationNotFound(f"{name} {problem}", cure="check the page")
    return pages


def _range_on(page: Part, part: CitedPart) -> tuple[int, int] | None:
    lines = page.lines
    if not part.column and not part.last_column:
        return lines.words_of(part.line, part.last_line) if lines.last >= part.last_line else None
    first = lines.position(Place(part.line, part.column or 1))
    whole_last = lines.words_of(part.last_line, part.last_line)
    if part.last_column:
        last = lines.position(Place(part.last_line, part.last_column))
    else:
        last = whole_last[1] - 1 if whole_last is not None else None
    return (first, last + 1) if first is not None and last is not None and first <= last else None


def _no_lines(pages: list[Part], part: CitedPart, name: str, *, has_several: bool) -> CitationNotFound:
    wanted = f"{part.line}-{part.last_line}" if part.last_line != part.line else f"{part.line}"
    if has_several:
        problem = f"{name} has a line {wanted} on several pages"
        return CitationNotFound(problem, cure=f"name the page as well: {name}:p{pages[0].page}:{wanted}")
    last = max(page.lines.last for page in pages)
    has_columns = part.column or part.last_column
    if part.last_line > last or not has_columns:
        problem = f"has {last} lines, not {wanted}" if part.last_line > last else f"has no text on line {wanted}"
        return CitationNotFound(f"{name} {problem}", cure="check the lines")
    return CitationNotFound(f"{name} has no such columns on line {wanted}", cure="check the columns")


def _row(snapshot: Snapshot, document: str) -> DocumentRow:
    row = snapshot.document(document)
    if row is None:
        raise CitationNotFound(f"its document is not in release {snapshot.release.release}", cure="search again")
    return row


def is_unchanged(row: DocumentRow) -> bool:
    """Whether the file is on this machine and has the bytes that were indexed.

    A document inside a file counts as unchanged while the file has the size and time of its version mark.
    """
    if not is_inside_file(row["uri"]):
        return unchanged_bytes(row) is not None
    try:
        status = file_of(row["uri"]).stat()
    except OSError:
        return False
    return row["stat"].startswith(f"{status.st_size}:{status.st_mtime_ns}:")


def unchanged_bytes(row: DocumentRow) -> bytes | None:
    """The bytes of the file, if they are those that were indexed; None for a document inside a file."""
    if not row["uri"].startswith("file:") or is_inside_file(row["uri"]):
        return None
    try:
        path = file_of(row["uri"])
        raw = path.read_bytes() if path.is_file() else None
    except OSError:
        return None
    return raw if raw is not None and content_hash(raw) == row["content_hash"] else None


def is_inside_file(uri: str) -> bool:
    """Whether a document is inside a file on this machine, such as an attachment or an entry of an archive."""
    return uri.startswith("file:") and len(file_of(uri).parts) < len(Path(url2pathname(urlsplit(uri).path)).parts)
