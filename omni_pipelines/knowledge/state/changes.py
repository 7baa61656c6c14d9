"""What changed between two releases: documents added, removed and changed, with a diff of their texts."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from native.filters import is_in
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.access import Reader
from omni_pipelines.knowledge.state.releases import require_release
from omni_pipelines.knowledge.state.snapshot import Snapshot

MAX_DIFF_LINES = 200
"""Lines of one document's diff."""
MAX_LINE = 400
"""Characters of one line of a diff."""
MAX_COMPARED = 10_000
"""Lines of a text; comparing longer ones line by line can take minutes."""
_BATCH = 200
_NAMES = ("doc_id", "source", "path", "content_hash")


class Change(BaseModel):
    """One document that is not what it was."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["added", "changed", "removed"]
    source: str
    path: str
    diff: tuple[str, ...] = ()
    """Unified, without line ends; of changed documents, where it was asked for."""
    cut: bool = False
    """Whether there is more to the diff than is given."""


class Changes(BaseModel):
    """The way from one release to another, by path."""

    model_config = ConfigDict(frozen=True)

    before: int
    after: int
    changes: tuple[Change, ...]
    fingerprints: dict[str, tuple[str, str]]
    """What was read, cut, embedded or indexed in another way: from, to."""

    @property
    def summary(self) -> dict[str, int]:
        """Number of documents by kind of change."""
        return {kind: sum(each.kind == kind for each in self.changes) for kind in ("added", "changed", "removed")}


def changes(
    home: Home, before: int, after: int | None = None, *, diffs: bool = True, reader: Reader | None = None
) -> Changes:
    """What changed from release `before` to `after`, by default the newest, of what a reader may see.

    Raises:
        ConfigurationError: one of them is not kept.
        EngineError: its files are gone or damaged.
    """
    old = Snapshot(home, require_release(home, before), reader)
    new = Snapshot(home, require_release(home, after), reader)
    a, b = _documents(old), _documents(new)
    changed = [key for key in a.keys() & b.keys() if a[key]["content_hash"] != b[key]["content_hash"]]
    found = [
        *(_change("added", b[key]) for key in b.keys() - a.keys()),
        *(_change("removed", a[key]) for key in a.keys() - b.keys()),
        *(_with_diffs(old, new, changed) if diffs else (_change("changed", b[key]) for key in changed)),
    ]
    marks, marks_after = old.release.fingerprints, new.release.fingerprints
    differing = sorted(name for name in marks.keys() | marks_after.keys() if marks.get(name) != marks_after.get(name))
    return Changes(
        before=old.release.release,
        after=new.release.release,
        changes=tuple(sorted(found, key=lambda change: (change.source, change.path))),
        fingerprints={name: (marks.get(name, ""), marks_after.get(name, "")) for name in differing},
    )


def _documents(snapshot: Snapshot) -> dict[str, dict[str, Any]]:
    return {row["doc_id"]: row for row in snapshot.documents(_NAMES)}


def _change(kind: Literal["added", "changed", "removed"], row: dict[str, Any]) -> Change:
    return Change(kind=kind, source=row["source"], path=row["path"])


def _with_diffs(old: Snapshot, new: Snapshot, keys: list[str]) -> Iterator[Change]:
    for at in range(0, len(keys), _BATCH):
        where = is_in("doc_id", keys[at : at + _BATCH])
        texts = {row["doc_id"]: row["text"] for row in old.documents(("doc_id", "text"), where)}
        for row in new.documents((*_NAMES, "text"), where):
            lines, cut = text_diff(texts[row["doc_id"]], row["text"], row["path"])
            yield _change("changed", row).model_copy(update={"diff": lines, "cut": cut})


def text_diff(before: str, after: str, path: str) -> tuple[tuple[str, ...], bool]:
    """A unified diff with three lines around each change, and whether it had to be cut."""
    a, b = before.splitlines(), after.splitlines()
    if max(len(a), len(b)) > MAX_COMPARED:
        return (f"too long to be compared line by line: {len(a):,} lines before, {len(b):,} after",), True
    lines = [line[:MAX_LINE] for line in difflib.unified_diff(a, b, path, path, lineterm="")]
    return tuple(lines[:MAX_DIFF_LINES]), len(lines) > MAX_DIFF_LINES
