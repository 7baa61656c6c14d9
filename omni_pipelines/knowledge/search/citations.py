"""From a citation to the exact lines it names."""

from __future__ import annotations

import itertools
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit
from urllib.request import url2pathname

from omni_pipelines.errors import CitationNotFound
from omni_pipelines.ids import content_hash
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.refusals import Unreadable
from omni_pipelines.text.decoding import decode, newline_offsets
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.document_rows import parsed_document
from omni_pipelines.text.secrets.masking import Masking, masked_text

_PAGE = re.compile(r", page (\d+)$")
_LINES = re.compile(r"(?::|#L)(\d+)(?:-L?(\d+))?$")
_CHUNK_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Passage:
    """Lines of a document."""

    uri: str
    path: str
    start_line: int
    end_line: int
    lines: tuple[str, ...]
    """Without line ends."""
    from_file: bool
    """Whether the file still says so; else it changed or is gone, and these are the lines of the release's text."""
    page: int | None = None
    """The page they stand on; then the lines are counted in the text of the whole document."""

    @property
    def note(self) -> str:
        """What a person should know about these lines; "" if nothing."""
        if self.from_file:
            return ""
        changed = "the file changed since this release; " if self.uri.startswith("file:") else ""
        return f"{changed}these are the lines that were indexed"


def open_citation(snapshot: Snapshot, citation: str) -> Passage:
    """The lines of `PATH:LINE`, `PATH:LINE-LINE`, `PATH, page N`, `file://…#L1-L9`, or of a chunk id.

    Raises:
        CitationNotFound: no such document, or fewer lines or pages than that; or a path that fits several documents.
    """
    if _CHUNK_ID.fullmatch(citation):
        row = snapshot.chunks([citation]).get(citation)
        if row is None:
            raise CitationNotFound(f"no chunk {citation} in release {snapshot.release.release}", cure="search again")
        return _passage(snapshot, row["doc_id"], row["start_line"], row["end_line"])
    page = _PAGE.search(citation)
    if page:
        return _page(snapshot, find_document(snapshot, citation[: page.start()]), int(page[1]))
    place = _LINES.search(citation)
    start, end = (int(place[1]), int(place[2] or place[1])) if place else (1, 0)
    return _passage(snapshot, find_document(snapshot, citation[: place.start()] if place else citation), start, end)


def find_document(snapshot: Snapshot, name: str) -> str:
    """The id of the document with this URI, path, or end of a path.

    Raises:
        CitationNotFound: none, or several.
    """
    wanted = _uri(name)
    names = snapshot.document_names()
    exact = [row["doc_id"] for row in names if row["uri"] == wanted]
    if exact:
        return str(exact[0])
    ends = [row for row in names if f"/{row['path']}".endswith(f"/{name.lstrip('/')}")]
    if len(ends) == 1:
        return str(ends[0]["doc_id"])
    if ends:
        some = ", ".join(sorted(row["path"] for row in ends)[:3])
        raise CitationNotFound(f"{name} fits {len(ends)} documents: {some}", cure="give more of the path")
    raise CitationNotFound(f"{name} is not in release {snapshot.release.release}", cure="see: omni search")


def file_of(uri: str) -> Path:
    """The file that a `file:` URI names. One whose name is no text stands in it as it is shown, with `%FF`."""
    path = Path(url2pathname(urlsplit(uri).path))
    if "%" in str(path) and not path.exists():
        real = Path(os.fsdecode(unquote_to_bytes(str(path))))
        return real if real.exists() else path
    return path


def _uri(name: str) -> str:
    if name.startswith("file:"):
        return Path(url2pathname(urlsplit(name).path)).as_uri()
    if "://" in name:  # in a repository or an archive
        return name
    return Path(name).expanduser().absolute().as_uri()


def _passage(snapshot: Snapshot, document: str, start: int, end: int) -> Passage:
    row = _row(snapshot, document)
    parsed = parsed_document(row)
    raw = _unchanged(row)
    lines = _lines(_file_text(parsed, raw, row["masking"]))
    last = len(lines) if end == 0 else end
    if not 1 <= start <= last <= len(lines):
        raise CitationNotFound(f"{row['path']} has {len(lines)} lines, not {start}-{last}", cure="check the lines")
    page = parsed.page(_starts(parsed.text)[start - 1]) if parsed.page_marks else None
    wanted = tuple(lines[start - 1 : last])
    return Passage(row["uri"], row["path"], start, last, wanted, from_file=raw is not None, page=page)


def _page(snapshot: Snapshot, document: str, number: int) -> Passage:
    """All lines of a page."""
    row = _row(snapshot, document)
    parsed = parsed_document(row)
    marks = [*parsed.page_marks, (len(parsed.text), 0)]
    found = [(start, end) for (start, page), (end, _) in itertools.pairwise(marks) if page == number]
    if not found:
        pages = f"has no text on page {number}" if parsed.page_marks else "has no pages"
        raise CitationNotFound(f"{row['path']} {pages}", cure="check the page")
    start, end = found[0]
    first = parsed.line(start)
    wanted = tuple(_lines(parsed.text[start:end].rstrip()))
    last = first + len(wanted) - 1
    unchanged = _unchanged(row) is not None
    return Passage(row["uri"], row["path"], first, last, wanted, from_file=unchanged, page=number)


def _row(snapshot: Snapshot, document: str) -> dict[str, Any]:
    row = snapshot.document(document)
    if row is None:
        raise CitationNotFound(f"its document is not in release {snapshot.release.release}", cure="search again")
    return row


def _unchanged(row: dict[str, Any]) -> bytes | None:
    """The file's bytes, if they are those that were indexed."""
    if not row["uri"].startswith("file:"):
        return None
    try:
        raw = file_of(row["uri"]).read_bytes()
    except OSError:
        return None
    return raw if content_hash(raw) == row["content_hash"] else None


def _file_text(parsed: Parsed, raw: bytes | None, masking: str) -> str:
    """The text whose lines are counted: the file's own where it has lines, else what was taken out of it.

    What was masked in the release is masked here as well.
    """
    if raw is None or parsed.verbatim or not parsed.line_marks:
        return parsed.text
    try:
        text = decode(raw).text
    except Unreadable:
        return parsed.text
    return masked_text(text, Masking.of(masking))


def _starts(text: str) -> list[int]:
    return [0, *newline_offsets(text)]


def _lines(text: str) -> list[str]:
    ends = [*newline_offsets(text), len(text)]
    begins = _starts(text)
    lines = [text[begin:end].rstrip("\r\n") for begin, end in zip(begins, ends, strict=True)]
    return lines[:-1] if lines and not lines[-1] else lines
