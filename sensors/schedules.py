"""The schedule: a full pass every night, for whatever the sensors missed."""

import dagster as dg

from sensors.jobs import refresh_job

nightly_refresh = dg.ScheduleDefinition(
    name="nightly_refresh",
    job=refresh_job,
    cron_schedule="30 2 * * *",
    description="Everything from the sources to a release, at 02:30 UTC, for whatever the sensors missed.",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
SCHEDULES = [nightly_refresh]
