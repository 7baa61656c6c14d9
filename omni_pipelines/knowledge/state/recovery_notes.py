"""Notes on what recovery moved to `quarantine/`: one small file each, beside what it speaks of."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from native.durable import write_whole
from omni_pipelines.home import Home
from omni_pipelines.records import RecoveryNote

_NOTE = ".note.json"


def write_recovery_note(home: Home, note: RecoveryNote) -> None:
    """Write a note, under the name of its table and its moment."""
    home.quarantine.mkdir(exist_ok=True)
    name = f"{note.at:%Y%m%dT%H%M%S%f}-{note.table}{_NOTE}"
    write_whole(home.quarantine / name, note.model_dump_json(indent=2).encode())


def list_set_aside(home: Home) -> list[RecoveryNote]:
    """All notes that can be read, oldest first."""
    found = (_read(path) for path in sorted(home.quarantine.glob(f"*{_NOTE}")))
    return [note for note in found if note is not None]


def _read(path: Path) -> RecoveryNote | None:
    try:
        return RecoveryNote.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
