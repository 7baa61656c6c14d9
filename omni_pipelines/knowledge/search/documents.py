"""The documents of a release by their names: which there are, and which a pattern names."""

import os
import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel

from omni_pipelines.ignore_rules import IgnoreRules
from omni_pipelines.knowledge.search.citation_names import DocumentName, path_named
from omni_pipelines.knowledge.search.citations import file_of
from omni_pipelines.knowledge.search.unread_names import no_document
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.rows import DocumentRow

_SIGNS = re.compile(r"[\\*?\[\]]")
"""What has a meaning in a pattern."""
_COLUMNS = ("doc_id", "source", "path", "uri", "kind", "language", "title", "size", "mtime_ns")


class ListedDocument(BaseModel, frozen=True):
    """A document of a release, without its text."""

    doc_id: str
    source: str
    path: str
    uri: str
    kind: str
    language: str
    title: str
    size: int
    """Bytes of the file."""
    modified: datetime
    chunks: int


def list_documents(snapshot: Snapshot, patterns: Sequence[str] = ()) -> list[ListedDocument]:
    """The documents that a pattern names, or all, by source and path.

    A pattern is a path in a source, also with the name of the source before it, or the path or URI of a file. `*`,
    `?` and `[…]` stand for parts of a name and `**` for folders; a pattern without `/` matches in every folder, and
    that of a folder all in it, as in .gitignore.

    Raises:
        CitationNotFound: a pattern names no document.
    """
    rows = sorted(snapshot.documents(_COLUMNS), key=lambda row: (row["source"], row["path"]))
    chosen: set[str] = set()
    for pattern in patterns:
        found = _named(rows, pattern)
        if not found:
            names = [DocumentName(row["doc_id"], row["source"], row["path"], row["uri"]) for row in rows]
            raise no_document(snapshot, pattern, names)
        chosen.update(found)
    counts = Counter(row["doc_id"] for row in snapshot.all_chunks(["doc_id"]))
    return [_listed(row, counts[row["doc_id"]]) for row in rows if not patterns or row["doc_id"] in chosen]


def _listed(row: DocumentRow, chunks: int) -> ListedDocument:
    return ListedDocument(
        doc_id=row["doc_id"],
        source=row["source"],
        path=row["path"],
        uri=row["uri"],
        kind=row["kind"],
        language=row["language"],
        title=row["title"],
        size=row["size"],
        modified=datetime.fromtimestamp(row["mtime_ns"] / 1e9, UTC),
        chunks=chunks,
    )


def _named(rows: Sequence[DocumentRow], pattern: str) -> list[str]:
    """Ids of the documents that a pattern names: those with exactly this name, if there are any."""
    uri = pattern if "://" in pattern else path_named(pattern).as_uri()
    exact = [row["doc_id"] for row in rows if pattern in (row["path"], row["doc_id"]) or row["uri"] == uri]
    if exact:
        return exact
    rules = IgnoreRules.of_patterns([pattern.removeprefix("./")])
    on_disk = IgnoreRules.of_patterns([_on_disk(pattern)])
    return [
        row["doc_id"]
        for row in rows
        if rules.matching(row["path"])
        or rules.matching(f"{row['source']}/{row['path']}")
        or (row["uri"].startswith("file:") and on_disk.matching(str(file_of(row["uri"])).lstrip("/")))
    ]


def _on_disk(pattern: str) -> str:
    """A pattern as one of absolute paths; the name of the current folder is no pattern, whatever is in it."""
    given = Path(pattern).expanduser()
    folder = "" if given.is_absolute() else _SIGNS.sub(r"\\\g<0>", f"{Path.cwd()}/")
    return os.path.normpath(f"{folder}{given}")
