"""Open a citation: from what it names to the exact lines."""

import itertools
import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit
from urllib.request import url2pathname

from omni_pipelines.errors import CitationNotFound
from omni_pipelines.ids import content_hash
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.refusals import Unreadable
from omni_pipelines.rows import DocumentRow
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
    """Whether these are lines of the unchanged file; otherwise they are lines of the indexed text."""
    page: int | None = None
    """The page of the lines; line numbers then count in the text of the whole document."""

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
        CitationNotFound: the document, the lines or the page do not exist, or the path fits several documents.
    """
    if _CHUNK_ID.fullmatch(citation):
        row = snapshot.chunks([citation]).get(citation)
        if row is None:
            raise CitationNotFound(f"no chunk {citation} in release {snapshot.release.release}", cure="search again")
        return _passage(snapshot, row["doc_id"], row["start_line"], row["end_line"])
    page = _PAGE.search(citation)
    if page:
        return _page(snapshot, find_document(snapshot, citation[: page.start()]), int(page[1]))
    lines = _LINES.search(citation)
    document = find_document(snapshot, citation[: lines.start()] if lines else citation)
    first, last = (int(lines[1]), int(lines[2] or lines[1])) if lines else (1, 0)
    return _passage(snapshot, document, first, last)


def find_document(snapshot: Snapshot, name: str) -> str:
    """The id of the document with this URI, path, or end of a path.

    Raises:
        CitationNotFound: no document has this name, or several have.
    """
    if name.startswith("file:"):
        uri = Path(url2pathname(urlsplit(name).path)).as_uri()
    else:  # a name with "://" is in a repository or an archive
        uri = name if "://" in name else Path(name).expanduser().absolute().as_uri()
    rows = snapshot.document_names()
    exact = next((row["doc_id"] for row in rows if row["uri"] == uri), None)
    if exact is not None:
        return exact
    matches = [row for row in rows if f"/{row['path']}".endswith(f"/{name.lstrip('/')}")]
    if len(matches) == 1:
        return matches[0]["doc_id"]
    if matches:
        examples = ", ".join(sorted(row["path"] for row in matches)[:3])
        raise CitationNotFound(f"{name} fits {len(matches)} documents: {examples}", cure="give more of the path")
    raise CitationNotFound(f"{name} is not in release {snapshot.release.release}", cure="see: omni search")


def file_of(uri: str) -> Path:
    """The file that a `file:` URI names. Bytes of its name that are not text appear in the URI as `%FF`."""
    path = Path(url2pathname(urlsplit(uri).path))
    if "%" in str(path) and not path.exists():
        real = Path(os.fsdecode(unquote_to_bytes(str(path))))
        return real if real.exists() else path
    return path


def _passage(snapshot: Snapshot, document: str, start: int, end: int) -> Passage:
    """Lines `start` to `end`, from 1; 0 is the last line."""
    row = _row(snapshot, document)
    parsed = parsed_document(row)
    raw = unchanged_bytes(row)
    lines = _lines(_file_text(parsed, raw, row["masking"]))
    last = len(lines) if end == 0 else end
    if not 1 <= start <= last <= len(lines):
        raise CitationNotFound(f"{row['path']} has {len(lines)} lines, not {start}-{last}", cure="check the lines")
    page = parsed.page([0, *newline_offsets(parsed.text)][start - 1]) if parsed.page_marks else None
    cited = tuple(lines[start - 1 : last])
    return Passage(row["uri"], row["path"], start, last, cited, from_file=raw is not None, page=page)


def _page(snapshot: Snapshot, document: str, number: int) -> Passage:
    row = _row(snapshot, document)
    parsed = parsed_document(row)
    marks = [*parsed.page_marks, (len(parsed.text), 0)]
    ranges = [(start, end) for (start, page), (end, _) in itertools.pairwise(marks) if page == number]
    if not ranges:
        problem = f"has no text on page {number}" if parsed.page_marks else "has no pages"
        raise CitationNotFound(f"{row['path']} {problem}", cure="check the page")
    start, end = ranges[0]
    first, lines = parsed.line(start), tuple(_lines(parsed.text[start:end].rstrip()))
    unchanged = unchanged_bytes(row) is not None
    return Passage(row["uri"], row["path"], first, first + len(lines) - 1, lines, from_file=unchanged, page=number)


def _row(snapshot: Snapshot, document: str) -> DocumentRow:
    row = snapshot.document(document)
    if row is None:
        raise CitationNotFound(f"its document is not in release {snapshot.release.release}", cure="search again")
    return row


def unchanged_bytes(row: DocumentRow) -> bytes | None:
    """The bytes of the file, if they are those that were indexed."""
    if not row["uri"].startswith("file:"):
        return None
    try:
        path = file_of(row["uri"])
        raw = path.read_bytes() if path.is_file() else None
    except OSError:
        return None
    return raw if raw is not None and content_hash(raw) == row["content_hash"] else None


def _file_text(parsed: Parsed, raw: bytes | None, masking: str) -> str:
    """The text whose lines are counted: the file's own text if it has lines, otherwise the text extracted from it.

    What is masked in the release is masked here as well.
    """
    if raw is None or parsed.verbatim or not parsed.line_marks:
        return parsed.text
    try:
        text = decode(raw).text
    except Unreadable:
        return parsed.text
    return masked_text(text, Masking.of(masking))


def _lines(text: str) -> list[str]:
    bounds = itertools.pairwise([0, *newline_offsets(text), len(text)])
    lines = [text[start:end].rstrip("\r\n") for start, end in bounds]
    return lines if lines[-1] else lines[:-1]
