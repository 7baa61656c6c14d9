"""The jobs: ingest (sources to tables), index (tables to a release), refresh (both in one run), quality (checks)."""

import dagster as dg

from assets.catalog import ONLY_IN_QUALITY_JOB
from omni_pipelines.steps.step import StepGroup, Steps
from omni_pipelines.steps.step_table import STEPS

TAGS = {"dagster/max_runtime": str(6 * 3600), "dagster/max_retries": "0"}
"""Tags of every job. The sensors repeat what failed; an instance that repeats runs itself would multiply that."""


def assets_of(group: StepGroup, steps: Steps = STEPS) -> list[str]:
    """The assets of the steps of a group."""
    return [step.name for step in steps.in_group(group)]


def with_quick_checks(selected: dg.AssetSelection) -> dg.AssetSelection:
    """The assets with their checks, without those that only `quality_job` makes."""
    dear = [dg.AssetCheckKey(dg.AssetKey(asset), name) for asset, name in ONLY_IN_QUALITY_JOB]
    return selected - dg.AssetSelection.checks(*dear)


ingest_job = dg.define_asset_job(
    "ingest_job",
    selection=with_quick_checks(dg.AssetSelection.assets(*assets_of(StepGroup.INGEST))),
    description="Updates the tables from the sources: reads, chunks and embeds what changed. Publishes nothing.",
    tags=TAGS,
)
index_job = dg.define_asset_job(
    "index_job",
    selection=dg.AssetSelection.assets(*assets_of(StepGroup.INDEX), "retrieval_quality", "release"),
    description="Builds the indexes from the tables, runs the quality gate, and publishes a release.",
    tags={**TAGS, "dagster/priority": "-5"},
)
refresh_job = dg.define_asset_job(
    "refresh_job",
    selection=with_quick_checks(dg.AssetSelection.all()),
    description="Does what ingest_job and index_job do, in one run: from the sources to a release.",
    tags=TAGS,
)
quality_job = dg.define_asset_job(
    "quality_job",
    selection=dg.AssetSelection.all_asset_checks(),
    description="Runs every check, without building anything.",
    tags={**TAGS, "dagster/priority": "-10"},
)
JOBS = [ingest_job, index_job, refresh_job, quality_job]
