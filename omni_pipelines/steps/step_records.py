"""What each step last built and from what: one small file a step, replaced whole."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from pydantic import ValidationError

from native.durable import write_whole
from omni_pipelines.home import Home
from omni_pipelines.records import StepRecord

STEPS = ("documents", "chunks", "embeddings", "keyword_index", "vector_index")
GENERATION, UNFINISHED = "gen-", "tmp-"
"""How folders of keyword generations begin, and of those that are being built or put in place."""


def read_step_record(home: Home, step: str) -> StepRecord | None:
    """The record of a step; None if it never finished or its file is torn: then it is done again."""
    try:
        return StepRecord.model_validate_json((home.step_records / f"{step}.json").read_bytes())
    except (OSError, ValidationError):
        return None


def write_step_record(
    home: Home,
    step: str,
    output: str,
    inputs: Mapping[str, str],
    fingerprint: str,
    seen: Mapping[str, datetime] | None = None,
) -> StepRecord:
    """Record that a step is done."""
    record = StepRecord(
        step=step,
        output=output,
        inputs=dict(inputs),
        fingerprint=fingerprint,
        at=datetime.now(UTC),
        seen=dict(seen or {}),
    )
    write_whole(home.step_records / f"{step}.json", record.model_dump_json(indent=2).encode())
    return record


def reset_steps(home: Home) -> None:
    """Drop all records, for the tables they speak of were changed by hand or by recovery."""
    for step in STEPS:
        (home.step_records / f"{step}.json").unlink(missing_ok=True)
