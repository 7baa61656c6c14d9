"""What changed between two releases: documents added, removed and changed, with a diff of their texts."""

import difflib
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from pydantic import BaseModel

from native.errors import EngineError
from native.filters import is_in
from native.lance_changes import changed_values
from native.lance_tables import LanceTable, TableVersion
from omni_pipelines.batches import batched
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.access import Viewer
from omni_pipelines.knowledge.state.releases import require_release
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.records import Release
from omni_pipelines.rows import DocumentRow
from omni_pipelines.schemas import DOCUMENTS

MAX_DIFF_LINES = 200
MAX_DIFF_LINE_LENGTH = 400
MAX_COMPARED_LINES = 10_000
"""Longer texts are not compared: line by line that can take minutes."""
_DOCUMENTS_PER_BATCH = 200
_COLUMNS = ("doc_id", "source", "path", "content_hash")

ChangeKind = Literal["added", "changed", "removed"]


class Change(BaseModel, frozen=True):
    """One document that differs between two releases."""

    kind: ChangeKind
    source: str
    path: str
    diff: tuple[str, ...] = ()
    """A unified diff without line ends; empty unless the document was changed and diffs were requested."""
    cut: bool = False
    """Whether the diff has more lines than these."""


class Changes(BaseModel, frozen=True):
    """The differences between two releases, sorted by source and path."""

    before: int
    after: int
    changes: tuple[Change, ...]
    fingerprints: dict[str, tuple[str, str]]
    """Each fingerprint that differs, before and after: readers, chunker, embedder or keyword analysis."""

    @property
    def summary(self) -> dict[str, int]:
        """Number of documents by kind of change."""
        return {kind: sum(each.kind == kind for each in self.changes) for kind in ("added", "changed", "removed")}


def compare_releases(
    home: Home, before: int, after: int | None = None, *, diffs: bool = True, viewer: Viewer | None = None
) -> Changes:
    """What changed from release `before` to release `after`, by default the newest, as far as a viewer may see.

    Raises:
        ConfigurationError: one of the releases is not kept.
        EngineError: files of a release are missing or damaged.
    """
    old = Snapshot(home, require_release(home, before), viewer)
    new = Snapshot(home, require_release(home, after), viewer)
    old_rows, new_rows = ({row["doc_id"]: row for row in each.documents(_COLUMNS)} for each in (old, new))
    common = old_rows.keys() & new_rows.keys()
    changed = [key for key in common if old_rows[key]["content_hash"] != new_rows[key]["content_hash"]]
    changes = [
        *(_change("added", new_rows[key]) for key in new_rows.keys() - old_rows.keys()),
        *(_change("removed", old_rows[key]) for key in old_rows.keys() - new_rows.keys()),
        *(_with_diffs(old, new, changed) if diffs else (_change("changed", new_rows[key]) for key in changed)),
    ]
    first, second = old.release.fingerprints, new.release.fingerprints
    fingerprints = ((name, (first.get(name, ""), second.get(name, ""))) for name in sorted({**first, **second}))
    return Changes(
        before=old.release.release,
        after=new.release.release,
        changes=tuple(sorted(changes, key=lambda change: (change.source, change.path))),
        fingerprints={name: pair for name, pair in fingerprints if pair[0] != pair[1]},
    )


class DocumentChanges(NamedTuple):
    """The number of documents that differ between two releases, and of masked places in those that are new."""

    added: int = 0
    changed: int = 0
    deleted: int = 0
    masked: int = 0


NO_CHANGES = DocumentChanges()


def count_changes(home: Home, before: Release | None, after: Release) -> DocumentChanges:
    """What `after` holds that readers of `before` did not see, whichever run read the files."""
    where = _differing(home, before, after) if before is not None else None
    old = _revisions(home, before, where) if before is not None else {}
    new = _revisions(home, after, where)
    added = new.keys() - old.keys()
    changed = {key for key in new.keys() & old.keys() if new[key][0] != old[key][0]}
    masked = sum(new[key][1] for key in added | changed)
    return DocumentChanges(len(added), len(changed), len(old.keys() - new.keys()), masked)


def _differing(home: Home, before: Release, after: Release) -> str | None:
    """A filter for the documents that may differ between two releases; None if all have to be compared."""
    since, until = (TableVersion.parse(release.tables[DOCUMENTS.name]) for release in (before, after))
    try:
        documents = changed_values(LanceTable(home.table(DOCUMENTS.name)), "doc_id", since, until.version)
    except EngineError:
        return None
    return None if documents is None else is_in("doc_id", documents)


def _revisions(home: Home, release: Release, where: str | None) -> dict[str, tuple[str, int]]:
    """Id of each document to its revision and the number of masked places; none if the files are gone or damaged."""
    table, version = LanceTable(home.table(DOCUMENTS.name)), TableVersion.parse(release.tables[DOCUMENTS.name])
    try:
        if table.version(version.version) != version:
            return {}
        rows = table.read(["doc_id", "revision", "masked"], where, version.version).to_pydict()
    except EngineError:
        return {}
    return dict(zip(rows["doc_id"], zip(rows["revision"], rows["masked"], strict=True), strict=True))


def _change(kind: ChangeKind, row: DocumentRow) -> Change:
    return Change(kind=kind, source=row["source"], path=row["path"])


def _with_diffs(old: Snapshot, new: Snapshot, documents: Sequence[str]) -> Iterator[Change]:
    for batch in batched(documents, _DOCUMENTS_PER_BATCH):
        where = is_in("doc_id", batch)
        texts = {row["doc_id"]: row["text"] for row in old.documents(("doc_id", "text"), where)}
        for row in new.documents((*_COLUMNS, "text"), where):
            lines, cut = text_diff(texts[row["doc_id"]], row["text"], row["path"])
            yield _change("changed", row).model_copy(update={"diff": lines, "cut": cut})


def text_diff(before: str, after: str, path: str) -> tuple[tuple[str, ...], bool]:
    """A unified diff with three lines of context around each change, and whether it was cut."""
    old_lines, new_lines = before.splitlines(), after.splitlines()
    if max(len(old_lines), len(new_lines)) > MAX_COMPARED_LINES:
        counts = f"{len(old_lines):,} lines before, {len(new_lines):,} after"
        return (f"too long to compare line by line: {counts}",), True
    diff = difflib.unified_diff(old_lines, new_lines, path, path, lineterm="")
    lines = [line[:MAX_DIFF_LINE_LENGTH] for line in diff]
    return tuple(lines[:MAX_DIFF_LINES]), len(lines) > MAX_DIFF_LINES
