"""What each step last built and from what: one small file per step, always replaced as a whole."""

from collections.abc import Mapping
from datetime import UTC, datetime

from native.durable import write_whole
from omni_pipelines.home import Home
from omni_pipelines.records import MissingSource, StepRecord, opened, sealed

GENERATION, UNFINISHED = "gen-", "tmp-"
"""Prefixes of the folders of keyword generations: of finished ones, and of those still being built or moved."""


def read_step_record(home: Home, step: str) -> StepRecord | None:
    """The record of a step; None if the step never finished or its file is damaged: then the step runs again."""
    try:
        record = opened((home.step_records / f"{step}.json").read_bytes(), StepRecord)
    except (OSError, ValueError):
        return None
    return record if record.step == step else None


def read_step_records(home: Home) -> dict[str, StepRecord]:
    """Step name to record, of all steps that have one."""
    found = {path.stem: read_step_record(home, path.stem) for path in sorted(home.step_records.glob("*.json"))}
    return {name: record for name, record in found.items() if record is not None}


def write_step_record(
    home: Home,
    step: str,
    output: str,
    inputs: Mapping[str, str],
    fingerprint: str,
    seen: Mapping[str, datetime] | None = None,
    missing: Mapping[str, MissingSource] | None = None,
) -> StepRecord:
    """Record that a step is done; `StepRecord` explains the fields."""
    record = StepRecord(
        step=step,
        output=output,
        inputs=dict(inputs),
        fingerprint=fingerprint,
        at=datetime.now(UTC),
        seen=dict(seen or {}),
        missing=dict(missing or {}),
    )
    put_step_record(home, record)
    return record


def amend_step_record(home: Home, record: StepRecord, **fields: object) -> None:
    """Write a record with other values of some fields, and the time of now."""
    put_step_record(home, record.model_copy(update={**fields, "at": datetime.now(UTC)}))


def put_step_record(home: Home, record: StepRecord) -> None:
    """Write a record to disk."""
    write_whole(home.step_records / f"{record.step}.json", sealed(record))


def remove_step_record(home: Home, step: str) -> None:
    """Delete the record of a step, so that the step builds its output from nothing."""
    (home.step_records / f"{step}.json").unlink(missing_ok=True)


def reset_steps(home: Home) -> None:
    """Delete all records, because the tables they describe were changed by hand or by recovery."""
    for path in home.step_records.glob("*.json"):
        path.unlink()
