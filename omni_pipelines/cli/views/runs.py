"""What `omni runs` prints."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from logging import getLevelName

import dagster as dg

from omni_pipelines.cli.command import Fields, Rows
from omni_pipelines.cli.output import local_time, narrate, say
from omni_pipelines.cli.text import say_table
from resources.run_history import RunSummary

SHORT_ID = 8


@dataclass(frozen=True)
class StepSummary:
    """One step of a run."""

    step: str
    status: str
    seconds: float | None


@dataclass(frozen=True)
class RunDetails:
    """A run with its steps."""

    run: RunSummary
    steps: Sequence[StepSummary]
    failed_checks: Sequence[str]

    def as_json(self) -> Fields:
        """The fields of the run, its steps and failed checks."""
        return {**vars(self.run), "steps": self.steps, "failed_checks": self.failed_checks}


@dataclass(frozen=True)
class RunMessage:
    """A line of the log of a run."""

    at: datetime
    level: str
    step: str
    message: str

    @classmethod
    def of(cls, entry: dg.EventLogEntry) -> "RunMessage":
        """The message of an event, with that of the error if it tells one."""
        message = entry.user_message
        event = entry.dagster_event
        if event is not None and event.is_step_failure and event.step_failure_data.error is not None:
            error = event.step_failure_data.error
            while error.cause is not None and str(error.cls_name).startswith("Dagster"):
                error = error.cause
            message = f"{message} {error.message}"
        moment = datetime.fromtimestamp(entry.timestamp, UTC)
        return cls(moment, str(getLevelName(entry.level)), entry.step_key or "", " ".join(message.split()))


def show_runs(runs: Rows[RunSummary]) -> None:
    """Print one line per run."""
    if not runs.rows:
        narrate("no run yet; run: omni ingest, or omni launch refresh_job")
    rows = [
        (
            run.run_id[:SHORT_ID],
            local_time(run.created_at),
            run.job,
            run.status,
            f"{run.seconds:.1f} s" if run.seconds is not None else "",
            run.origin,
            f"release {run.release}" if run.release is not None else "",
        )
        for run in runs.rows
    ]
    say_table(("run", "created", "job", "status", "took", "started by", "published"), rows)


def show_details(details: RunDetails) -> None:
    """Print a run, its steps, and its checks that failed."""
    run = details.run
    took = f", {run.seconds:.1f} s" if run.seconds is not None else ""
    say(f"run {run.run_id}: {run.job} {run.status}, {local_time(run.created_at)}{took}, started by {run.origin}")
    if run.release is not None:
        say(f"  published release {run.release}; see: omni releases show {run.release}")
    for step in details.steps:
        say(f"  {step.step}: {step.status}" + (f", {step.seconds:.1f} s" if step.seconds is not None else ""))
    for check in details.failed_checks:
        say(f"  check {check}")
    if run.status == "failure":
        narrate(f"next: omni runs logs {run.run_id[:SHORT_ID]}")


def show_messages(messages: Rows[RunMessage]) -> None:
    """Print one line per message."""
    for entry in messages.rows:
        step = f" {entry.step}:" if entry.step else ""
        say(f"{local_time(entry.at)} {entry.level}{step} {entry.message}")
