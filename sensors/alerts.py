"""The alert sensor: it compares what is wrong with what was told, and sends a message for each difference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import dagster as dg
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

from resources.knowledge import KnowledgeHome
from resources.run_history import failure_of
from resources.served_page import page_address
from sensors.maintenance import OUR_JOBS
from sensors.run_requests import found_home_busy

if TYPE_CHECKING:
    from omni_pipelines.operations.alerts import TroubleFound

ALERT_SECONDS = 30
_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]


@dg.sensor(
    minimum_interval_seconds=ALERT_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Sends one message when a job or a check fails, and one when it works again.",
)
def alert_sensor(context: dg.SensorEvaluationContext, knowledge: KnowledgeHome) -> dg.SkipReason:
    """Starts nothing. It compares states, as the other sensors do, so no restart loses or repeats a message."""
    from omni_pipelines.configuration import alert_secrets
    from omni_pipelines.operations.alert_targets import alert_targets
    from omni_pipelines.operations.alerts import tell

    instance, repository = context.instance, context.repository_def
    assert repository is not None
    home, settings = knowledge.home, knowledge.settings
    page = page_address(home, settings.alerts.page)
    keys = sorted(repository.asset_checks_defs_by_key, key=str)
    troubles, unknown = failed_checks(instance, keys, page)
    targets = alert_targets(settings, alert_secrets())
    said = tell(home, [*failed_jobs(instance, page), *troubles], unknown, targets)
    for line in said:
        context.log.warning(line)
    return dg.SkipReason("; ".join(said) or "nothing changed since the last message")


def failed_jobs(instance: dg.DagsterInstance, page: str) -> list[TroubleFound]:
    """The jobs whose last run failed. A job that was cancelled is as it was before.

    Args:
        instance: that has the runs.
        page: the address of its page, for links; "" if it is not known.
    """
    from omni_pipelines.operations.alerts import TroubleFound

    found = []
    for job in OUR_JOBS:
        if job.startswith("__"):
            continue  # a person who materializes an asset sees that it failed
        for record in instance.get_run_records(dg.RunsFilter(job_name=job, statuses=_ENDED), limit=1):
            run = record.dagster_run
            if run.status is dg.DagsterRunStatus.FAILURE and not found_home_busy(instance, record):
                detail = f"run {run.run_id[:8]}: {failure_of(instance, run.run_id)}"
                link = f"{page}/runs/{run.run_id}" if page else ""
                found.append(TroubleFound(key=f"run:{job}", title=f"{job} failed", detail=detail, link=link))
    return found


def failed_checks(
    instance: dg.DagsterInstance, keys: Sequence[dg.AssetCheckKey], page: str
) -> tuple[list[TroubleFound], list[str]]:
    """The checks that failed when they were last made, and the names of those that are being made just now.

    Args:
        instance: that has the results.
        keys: of the checks.
        page: the address of its page, for links; "" if it is not known.
    """
    from omni_pipelines.operations.alerts import TroubleFound

    found: list[TroubleFound] = []
    unknown: list[str] = []
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
    for key, record in latest.items():
        asset = key.asset_key.to_user_string()
        name = f"check:{asset}.{key.name}"
        evaluation = record.evaluation
        if record.status is AssetCheckExecutionRecordStatus.PLANNED:
            unknown.append(name)
        elif evaluation is not None and not evaluation.passed:
            is_error = evaluation.severity is not dg.AssetCheckSeverity.WARN
            title = f"check {key.name} of {asset} {'failed' if is_error else 'warns'}"
            detail = evaluation.description or ""
            link = f"{page}/assets/{asset}?view=checks&checkDetail={key.name}" if page else ""
            found.append(TroubleFound(key=name, title=title, detail=detail, is_error=is_error, link=link))
    return found, unknown
