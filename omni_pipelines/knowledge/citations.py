"""From a citation to the exact lines it names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from omni_pipelines.errors import CitationNotFound
from omni_pipelines.ids import content_hash
from omni_pipelines.knowledge.snapshot import Snapshot
from omni_pipelines.text.decoding import Unreadable, decode, newline_offsets
from omni_pipelines.text.stored import parsed_document

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
    """Whether these are the file's lines; else the release's text, for the file changed or is gone."""

    @property
    def note(self) -> str:
        """What a person should know about these lines; "" if nothing."""
        return "" if self.from_file else "the file changed since this release; these are the lines that were indexed"


def open_citation(snapshot: Snapshot, citation: str) -> Passage:
    """The lines of `PATH:LINE`, `PATH:LINE-LINE`, `file://…#L1-L9`, or of a chunk id.

    Raises:
        CitationNotFound: no such document, or fewer lines than that; or a path that fits several documents.
    """
    if _CHUNK_ID.fullmatch(citation):
        row = snapshot.chunks([citation]).get(citation)
        if row is None:
            raise CitationNotFound(f"no chunk {citation} in release {snapshot.release.release}", cure="search again")
        return _passage(snapshot, row["doc_id"], row["start_line"], row["end_line"])
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


def _uri(name: str) -> str:
    if name.startswith("file:"):
        return Path(url2pathname(urlsplit(name).path)).as_uri()
    return Path(name).expanduser().absolute().as_uri()


def _passage(snapshot: Snapshot, document: str, start: int, end: int) -> Passage:
    row = snapshot.document(document)
    if row is None:
        raise CitationNotFound(f"its document is not in release {snapshot.release.release}", cure="search again")
    text = _unchanged_text(row["uri"], row["content_hash"])
    stored = parsed_document(row).text
    lines = _lines(text if text is not None else stored)
    last = len(lines) if end == 0 else end
    if not 1 <= start <= last <= len(lines):
        raise CitationNotFound(f"{row['path']} has {len(lines)} lines, not {start}-{last}", cure="check the lines")
    return Passage(row["uri"], row["path"], start, last, tuple(lines[start - 1 : last]), from_file=text is not None)


def _unchanged_text(uri: str, expected: str) -> str | None:
    try:
        raw = Path(url2pathname(urlsplit(uri).path)).read_bytes()
        return decode(raw).text if content_hash(raw) == expected else None
    except (OSError, Unreadable):
        return None


def _lines(text: str) -> list[str]:
    ends = [*newline_offsets(text), len(text)]
    begins = [0, *newline_offsets(text)]
    lines = [text[begin:end].rstrip("\r\n") for begin, end in zip(begins, ends, strict=True)]
    return lines[:-1] if lines and not lines[-1] else lines
