"""Files that could not become documents: one row each, with the reason. They never stop a run."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa

from native.lance_tables import equals, is_in
from omni_pipelines import ids
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import Home
from omni_pipelines.rows import QuarantineRow
from omni_pipelines.schemas import QUARANTINE
from omni_pipelines.sources.source import Found
from omni_pipelines.steps.step_records import read_step_record, write_step_record
from omni_pipelines.tables import open_table, read_rows
from omni_pipelines.text.decoding import Unreadable
from omni_pipelines.text.readers.registry import Reader, parser_mark
from omni_pipelines.text.secrets.masking import Masking, masked_text

_TRANSIENT = ("E_CHANGED", "E_VANISHED", "E_PERM", "E_IO", "E_TIMEOUT")
"""The file may be as good as ever: what was stored of it stays."""
_PASSING = ("E_CHANGED", "E_VANISHED", "E_IO")
"""Says nothing about the file itself: the next pass tries again, changed or not."""
_READ_CODES = {
    "E_BINARY", "E_CHANGED", "E_EMPTY", "E_ENCODING", "E_GONE", "E_IO", "E_NOT_REGULAR", "E_PERM", "E_SYMLINK",
    "E_TOO_LARGE", "E_VANISHED",
}  # fmt: skip
MAX_DETAIL = 500


@dataclass(frozen=True)
class Refusal:
    """A file, and why it was not read."""

    found: Found
    reader: Reader
    """The one that refused it, which its content may have chosen against its name."""
    error: Unreadable

    @property
    def replaces_content(self) -> bool:
        """Whether the file's old text is surely not its text any more."""
        return self.error.code not in _TRANSIENT


def quarantined(home: Home, name: str = "") -> list[QuarantineRow]:
    """Rows of the table, by source and path; only those whose path is, or ends in, `name`.

    Raises:
        ConfigurationError: there is none of that name.
    """
    rows = sorted(
        read_rows(home, QUARANTINE, QuarantineRow, QUARANTINE.schema.names),
        key=lambda row: (row["source"], row["path"]),
    )
    found = [row for row in rows if f"/{row['path']}".endswith(f"/{name.lstrip('/')}")] if name else rows
    if name and not found:
        raise ConfigurationError(f"{name} is not in quarantine", cure="see what is: omni quarantine list")
    return found


def release_for_retry(home: Home, rows: Sequence[QuarantineRow]) -> None:
    """Let the next pass read these files again, though they did not change. Call it under the writer's lock."""
    again = [{**row, "stat": ""} for row in rows]
    if not again:
        return
    open_table(home, QUARANTINE).upsert(QUARANTINE.key, pa.Table.from_pylist(again, schema=QUARANTINE.schema))
    built = read_step_record(home, "documents")
    if built is not None:  # else the sources, which did not change, would leave nothing to do
        inputs = {**built.inputs, **{row["source"]: "" for row in rows}}
        write_step_record(home, "documents", built.output, inputs, built.fingerprint, built.seen)


def record_refusals(home: Home, source: str, refused: Sequence[Refusal], healed: Collection[str]) -> None:
    """Write a row for each refused file of a source, and drop the rows of `healed` paths."""
    quarantine = open_table(home, QUARANTINE)
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
        "parser": parser_mark(found.reader, refusal.reader),
        "detail": masked_text(error.detail[:MAX_DETAIL], Masking()),  # a parser may quote what it choked on
        "first_seen": before["first_seen"] if before else datetime.now(UTC),
        "attempts": int(str(before["attempts"])) + 1 if before else 1,
    }
