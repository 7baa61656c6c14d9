"""`omni runs`: all runs in the Dagster instance of the home."""

from enum import StrEnum
from typing import Annotated

import dagster as dg
from typer import Argument, Option

from omni_pipelines.cli.command import Fields, Rows, command
from omni_pipelines.cli.dependencies import ExistingHome, HomeSettings
from omni_pipelines.cli.text import line
from omni_pipelines.cli.views.runs import RunDetails, RunMessage, StepSummary, show_details, show_messages, show_runs
from resources.instance import open_instance
from resources.run_history import RunSummary, cancel_run, deletable_runs, delete_runs, find_run, summary_of
from resources.runs import fail_orphaned_runs
from sensors.maintenance import OUR_JOBS

RunArgument = Annotated[str, Argument(metavar="RUN", help="The id of a run, or its beginning.")]


class RunStatus(StrEnum):
    """The states in which a run can be."""

    QUEUED = "queued"
    STARTED = "started"
    SUCCESS = "success"
    FAILURE = "failure"
    CANCELED = "canceled"


@command(show_runs)
def list_(
    home: ExistingHome,
    job: Annotated[str | None, Option(help="Only runs of this job.")] = None,
    status: Annotated[RunStatus | None, Option(help="Only runs in this state.")] = None,
    limit: Annotated[int, Option("--limit", "-n", min=1, help="How many runs at most.")] = 20,
) -> Rows[RunSummary]:
    """List the runs, the newest first, with what started each and the release it published."""
    statuses = [dg.DagsterRunStatus(status.value.upper())] if status is not None else []
    with open_instance(home) as instance:
        fail_orphaned_runs(instance)
        records = instance.get_run_records(dg.RunsFilter(job_name=job, statuses=statuses), limit=limit)
        return Rows("runs", [summary_of(record) for record in records])


@command(show_details)
def show(home: ExistingHome, run: RunArgument) -> RunDetails:
    """Show the steps of a run, and its checks that failed."""
    with open_instance(home) as instance:
        record = find_run(instance, run)
        logs = instance.all_logs(record.dagster_run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
        checks = [entry.get_dagster_event().asset_check_evaluation_data for entry in logs]
        failed = [
            f"{check.asset_key.to_user_string()}.{check.check_name}: {check.description}"
            for check in checks
            if not check.passed
        ]
        steps = [
            StepSummary(
                each.step_key,
                each.status.value.lower() if each.status is not None else "",
                round(each.end_time - each.start_time, 1) if each.start_time and each.end_time else None,
            )
            for each in instance.get_run_step_stats(record.dagster_run.run_id)
        ]
        return RunDetails(summary_of(record), steps, failed)


@command(show_messages)
def logs(home: ExistingHome, run: RunArgument) -> Rows[RunMessage]:
    """Print the log of a run, the oldest line first."""
    with open_instance(home) as instance:
        run_id = find_run(instance, run).dagster_run.run_id
        return Rows("messages", [RunMessage.of(entry) for entry in instance.all_logs(run_id)], run_id=run_id)


@command(line("run {run_id} {status}"))
def cancel(home: ExistingHome, run: RunArgument) -> RunSummary:
    """Stop a run. What its steps have finished is kept."""
    with open_instance(home) as instance:
        fail_orphaned_runs(instance)
        return summary_of(cancel_run(instance, find_run(instance, run)))


@command(line("{deleted:,} runs deleted", "{note}"))
def prune(
    home: ExistingHome,
    settings: HomeSettings,
    keep: Annotated[
        int | None, Option(min=0, help="Keep this many of the newest runs. Default: the setting keep_runs.")
    ] = None,
    days: Annotated[
        float | None,
        Option(min=0, help="Delete runs that are older than this many days. Default: the setting keep_run_days."),
    ] = None,
    dry_run: Annotated[bool, Option("--dry-run", help="Only count them.")] = False,
) -> Fields:
    """Delete old finished runs.

    It keeps the runs of the last day and, for each asset, the run that made it last.
    """
    keep_runs = settings.keep_runs if keep is None else keep
    with open_instance(home) as instance:
        old = deletable_runs(instance, OUR_JOBS, keep_runs, settings.keep_run_days if days is None else days)
        if not dry_run:
            delete_runs(instance, old)
    return {"deleted": 0 if dry_run else len(old), "deletable": len(old), "note": f"{len(old):,} runs are old"}
