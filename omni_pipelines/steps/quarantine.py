"""Files that could not be read, or only in part: one row each, with the reason. Such a file never stops a run."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from native.filters import equals, is_in
from omni_pipelines import ids
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.table_files import read_quarantine
from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.rows import QuarantineRow
from omni_pipelines.schemas import QUARANTINE
from omni_pipelines.sources.model.listing import SourceFile
from omni_pipelines.sources.registry import load_sources
from omni_pipelines.steps.step_records import amend_step_record, read_step_record
from omni_pipelines.tables import open_table
from omni_pipelines.text.secrets.masking import Masking, masked_text

_TRANSIENT = (RefusalCode.CHANGED, RefusalCode.VANISHED, RefusalCode.PERM, RefusalCode.IO, RefusalCode.TIMEOUT)
"""The file itself may be fine: the stored document is kept."""
_RETRIED = (RefusalCode.CHANGED, RefusalCode.VANISHED, RefusalCode.IO)
"""The next run tries again, even if the file did not change."""
_READ_CODES = {
    RefusalCode.BINARY, RefusalCode.CHANGED, RefusalCode.EMPTY, RefusalCode.ENCODING, RefusalCode.GONE,
    RefusalCode.IO, RefusalCode.KIND, RefusalCode.NOT_REGULAR, RefusalCode.PERM, RefusalCode.POINTER,
    RefusalCode.SYMLINK, RefusalCode.TOO_LARGE, RefusalCode.VANISHED,
}  # fmt: skip
MAX_DETAIL_LENGTH = 500


@dataclass(frozen=True)
class Refusal:
    """A file, and why it was not read, or only in part."""

    file: SourceFile
    parser: str
    """The reader that refused it or read a part of it, as the column `parser` names it."""
    error: Unreadable

    @property
    def replaces_content(self) -> bool:
        """Whether the stored text is certainly outdated."""
        return self.error.code not in _TRANSIENT


def quarantined(home: Home, name: str = "") -> list[QuarantineRow]:
    """Rows of the table, by source and path; with `name`, those of files that it names.

    Files of a kind that no reader reads are left out: nothing is wrong with them.

    A name is a path in its source, or the end of one, also behind the name of the source as in a list; or the path of
    a file here. White space counts as a list prints it.

    Raises:
        ConfigurationError: no path matches.
    """
    rows = sorted(
        read_quarantine(home, QUARANTINE.schema.names),
        key=lambda row: (row["source"], row["path"]),
    )
    rows = [row for row in rows if row["code"] != RefusalCode.KIND]  # `omni status --files` names them
    if not name:
        return rows
    roots = {source.name: source for source in load_sources(home)}
    here = Path(os.path.abspath(Path(name).expanduser())).as_uri()
    uris = {row["quarantine_id"]: roots[row["source"]].uri(row["path"]) for row in rows if row["source"] in roots}
    end = "/" + " ".join(name.strip("/").split())
    chosen = [row for row in rows if uris.get(row["quarantine_id"]) in (here, name)] or [
        row for row in rows if " ".join(f"/{row['source']}/{row['path']}".split()).endswith(end)
    ]
    if not chosen:
        raise ConfigurationError(f"{name} is not in quarantine", cure="list the quarantine: omni quarantine list")
    return chosen


def count_unread(home: Home) -> int:
    """The number of files in quarantine without a document.

    Those that were read in part do not count, nor those of a kind that no reader reads.
    """
    rows = read_quarantine(home, ["code"])
    return sum(row["code"] not in (RefusalCode.PARTIAL, RefusalCode.KIND) for row in rows)


def release_for_retry(home: Home, rows: Sequence[QuarantineRow]) -> None:
    """Make the next run read these files again, although they did not change. Hold the writer lock."""
    if not rows:
        return
    unmarked = [{**row, "stat": ""} for row in rows]
    open_table(home, QUARANTINE).upsert(QUARANTINE.key, pa.Table.from_pylist(unmarked, schema=QUARANTINE.schema))
    record = read_step_record(home, "documents")
    if record is not None:  # otherwise the unchanged sources would leave nothing to do
        inputs = {**record.inputs, **{row["source"]: "" for row in rows}}
        amend_step_record(home, record, inputs=inputs)


def record_refusals(home: Home, source: str, refused: Sequence[Refusal]) -> None:
    """Write a row for each refused file of a source."""
    if not refused:
        return
    before = {row["path"]: row for row in _stored(home, source)}
    rows = [_row(source, refusal, before.get(refusal.file.path)) for refusal in refused]
    quarantine = open_table(home, QUARANTINE)
    quarantine.upsert(QUARANTINE.key, pa.Table.from_pylist(rows, schema=QUARANTINE.schema))


def forget_refusals(home: Home, source: str, is_over: Callable[[str], bool]) -> None:
    """Delete the rows of those paths of a source that can be read now, or that are gone."""
    quarantine = open_table(home, QUARANTINE)
    gone = [ids.document_id(source, row["path"]) for row in _stored(home, source) if is_over(row["path"])]
    if gone:
        quarantine.delete(is_in(QUARANTINE.key, gone))


def _stored(home: Home, source: str) -> list[QuarantineRow]:
    return read_quarantine(home, ["path", "first_seen", "attempts"], equals("source", source))


def _row(source: str, refusal: Refusal, before: QuarantineRow | None) -> QuarantineRow:
    file, error = refusal.file, refusal.error
    return QuarantineRow(
        quarantine_id=ids.document_id(source, file.path),
        source=source,
        path=file.path,
        stat="" if error.code in _RETRIED else file.version_mark,
        code=error.stored_code,
        stage="read" if error.code in _READ_CODES else "parse",
        parser=refusal.parser,
        # A parser may quote what it could not read, so the detail is masked like the text of documents.
        detail=masked_text(error.detail[:MAX_DETAIL_LENGTH], Masking()),
        first_seen=before["first_seen"] if before else datetime.now(UTC),
        attempts=before["attempts"] + 1 if before else 1,
    )
