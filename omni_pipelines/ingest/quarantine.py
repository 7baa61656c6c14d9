"""Files that could not become documents: one row each, with the reason. They never stop a run."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa

from native.lance_tables import equals, is_in
from omni_pipelines import ids
from omni_pipelines.ingest.sources import Found
from omni_pipelines.ingest.tables import table
from omni_pipelines.schemas import QUARANTINE
from omni_pipelines.settings import Home
from omni_pipelines.text.decoding import Unreadable

_TRANSIENT = ("E_CHANGED", "E_VANISHED", "E_PERM", "E_IO")
"""The file may be as good as ever: what was stored of it stays."""
_PASSING = ("E_CHANGED", "E_VANISHED", "E_IO")
"""Says nothing about the file itself: the next pass tries again, changed or not."""
_READ_CODES = {
    "E_BINARY", "E_CHANGED", "E_EMPTY", "E_ENCODING", "E_IO", "E_NOT_REGULAR", "E_PERM", "E_SYMLINK", "E_TOO_LARGE",
    "E_VANISHED",
}  # fmt: skip
MOST_DETAIL = 500


@dataclass(frozen=True)
class Refusal:
    """A file, and why it was not read."""

    found: Found
    error: Unreadable

    @property
    def replaces_content(self) -> bool:
        """Whether the file's old text is surely not its text any more."""
        return self.error.code not in _TRANSIENT


def record_refusals(home: Home, source: str, refused: Sequence[Refusal], healed: Collection[str]) -> None:
    """Write a row for each refused file of a source, and drop the rows of `healed` paths."""
    quarantine = table(home, QUARANTINE)
    known = quarantine.read(["path", "first_seen", "attempts"], equals("source", source)).to_pylist()
    before = {row["path"]: row for row in known}
    rows = [_row(source, refusal, before.get(refusal.found.path)) for refusal in refused]
    if rows:
        quarantine.upsert(QUARANTINE.key, pa.Table.from_pylist(rows, schema=QUARANTINE.schema))
    gone = [ids.document_id(source, path) for path in before if path in healed]
    if gone:
        quarantine.delete(is_in(QUARANTINE.key, gone))


def _row(source: str, refusal: Refusal, before: dict[str, object] | None) -> dict[str, object]:
    found, error = refusal.found, refusal.error
    return {
        "quarantine_id": ids.document_id(source, found.path),
        "source": source,
        "path": found.path,
        "stat": "" if error.code in _PASSING else found.stat,
        "code": error.code,
        "stage": "read" if error.code in _READ_CODES else "parse",
        "parser": found.reader.fingerprint,
        "detail": error.detail[:MOST_DETAIL],
        "first_seen": before["first_seen"] if before else datetime.now(UTC),
        "attempts": int(str(before["attempts"])) + 1 if before else 1,
    }
