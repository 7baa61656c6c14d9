"""The Dagster code location: all rooms put together. Imported by no room."""

import warnings
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import dagster as dg
from dagster_shared.libraries import DagsterLibraryRegistry

import assets
from resources.knowledge import KnowledgeHome
from sensors.alerts import alert_sensor
from sensors.changes import SENSORS
from sensors.jobs import JOBS
from sensors.maintenance import maintenance_job
from sensors.schedules import SCHEDULES


def with_code_references(loaded: Sequence[Any]) -> Sequence[Any]:
    """The assets, each with the file and line of its function, which the page of an asset opens."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        return dg.with_source_code_references(loaded)


def _new_session(_context: dg.InitResourceContext) -> object:
    from omni_pipelines.sources.session import SourceSession

    return SourceSession()


# The page shows it at the code location, under "View Dagster libraries".
DagsterLibraryRegistry.register("omni-pipelines", version("omni-pipelines"), is_dagster_package=False)
defs = dg.Definitions(
    assets=with_code_references(dg.load_assets_from_package_module(assets)),
    asset_checks=dg.load_asset_checks_from_package_module(assets),
    jobs=[*JOBS, maintenance_job],
    sensors=[*SENSORS, alert_sensor],
    schedules=SCHEDULES,
    resources={
        "knowledge": KnowledgeHome(),
        "session": dg.ResourceDefinition(_new_session),  # a new one for each run
    },
    # A run has a process of its own already; a process per step would import Dagster again for each step.
    executor=dg.in_process_executor,
)
