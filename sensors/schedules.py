"""The schedules: a full pass every night for whatever the sensors missed, then all checks; weekly maintenance."""

import dagster as dg

from sensors.jobs import quality_job, refresh_job
from sensors.maintenance import maintenance_job

nightly_refresh = dg.ScheduleDefinition(
    name="nightly_refresh",
    job=refresh_job,
    cron_schedule="30 2 * * *",
    description="Runs every step from the sources to a release, at 02:30 UTC, to catch what the sensors missed.",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
nightly_checks = dg.ScheduleDefinition(
    name="nightly_checks",
    job=quality_job,
    cron_schedule="30 4 * * *",
    description="Runs every check at 04:30 UTC, also those that no other job runs.",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
weekly_maintenance = dg.ScheduleDefinition(
    name="weekly_maintenance",
    job=maintenance_job,
    cron_schedule="30 5 * * 0",
    description="Maintains tables and indexes, and deletes old releases and old runs, on Sundays at 05:30 UTC.",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
SCHEDULES = [nightly_refresh, nightly_checks, weekly_maintenance]
