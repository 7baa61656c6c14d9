"""Recovery notes: one small file for each damaged table that recovery moved to `quarantine/`, beside the files."""

from datetime import datetime
from pathlib import Path

from native.durable import write_whole
from omni_pipelines.home import Home
from omni_pipelines.records import Record, opened, sealed

_SUFFIX = ".note.json"


class RecoveryNote(Record):
    """Files that recovery moved to `quarantine/` because they could not be read."""

    table: str
    moved: list[str]
    after: int
    """The newest version that was kept; 0 means that the whole table was moved."""
    why: str
    at: datetime


def write_recovery_note(home: Home, note: RecoveryNote) -> None:
    """Write a note; its file is named after its time and its table."""
    home.quarantine.mkdir(exist_ok=True)
    name = f"{note.at:%Y%m%dT%H%M%S%f}-{note.table}{_SUFFIX}"
    write_whole(home.quarantine / name, sealed(note))


def list_recovery_notes(home: Home) -> list[RecoveryNote]:
    """All readable notes, oldest first."""
    notes = (_read(path) for path in sorted(home.quarantine.glob(f"*{_SUFFIX}")))
    return [note for note in notes if note is not None]


def _read(path: Path) -> RecoveryNote | None:
    try:
        return opened(path.read_bytes(), RecoveryNote)
    except (OSError, ValueError):
        return None
