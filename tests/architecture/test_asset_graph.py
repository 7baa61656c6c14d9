"""The asset graph: pinned by a snapshot, and what every part of it must have.

After a change that is meant: `python -m pytest tests/architecture/test_asset_graph.py --snapshot-update`, and read
the difference.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from pathlib import Path
from typing import Any, get_type_hints

import dagster as dg
import pytest
from syrupy.assertion import SnapshotAssertion

import assets
from omni_pipelines.definitions import defs
from omni_pipelines.schemas import TABLES

MAX_LINES = 15
SPECS = dict(sorted((spec.key.to_user_string(), spec) for spec in defs.resolve_all_asset_specs()))
JOBS = {job.name: job for job in defs.resolve_all_job_defs() if not job.name.startswith("__")}
CHECKS = [spec for check in defs.asset_checks or [] for spec in check.check_specs]
MODULES = [importlib.import_module(f"assets.{found.name}") for found in pkgutil.iter_modules(assets.__path__)]


def sensors() -> list[dg.SensorDefinition]:
    return list(defs.sensors or [])


def schedules() -> list[dg.ScheduleDefinition]:
    return [each for each in defs.schedules or [] if isinstance(each, dg.ScheduleDefinition)]


def functions() -> list[ast.FunctionDef]:
    """Assets and checks, as they are written."""
    nodes = [node for module in MODULES for node in ast.parse(inspect.getsource(module)).body]
    return [node for node in nodes if isinstance(node, ast.FunctionDef) and node.decorator_list]


def test_the_definitions_can_be_loaded() -> None:
    dg.Definitions.validate_loadable(defs)


def test_the_graph_is_the_one_we_know(snapshot: SnapshotAssertion) -> None:
    graph: dict[str, Any] = {
        "assets": {
            name: {"group": spec.group_name, "deps": sorted(dep.asset_key.to_user_string() for dep in spec.deps)}
            for name, spec in SPECS.items()
        },
        "checks": sorted(f"{spec.asset_key.to_user_string()}: {spec.name}" for spec in CHECKS),
        "jobs": {name: sorted(node.name for node in job.nodes) for name, job in JOBS.items()},
        "sensors": {sensor.name: sorted(job.name for job in sensor.jobs) for sensor in sensors()},
        "schedules": {each.name: [each.job_name, each.cron_schedule] for each in schedules()},
    }
    assert graph == snapshot


@pytest.mark.parametrize("name", SPECS)
def test_every_asset_has_what_a_person_looks_for(name: str) -> None:
    spec = SPECS[name]
    assert spec.group_name != "default"
    assert spec.kinds
    assert spec.owners
    assert spec.description
    assert spec.description.endswith(".")


@pytest.mark.parametrize("name", [name for name in SPECS if name in TABLES])
def test_every_table_shows_its_columns_and_what_they_hold(name: str) -> None:
    schema = SPECS[name].metadata["dagster/column_schema"]
    assert [column.name for column in schema.columns] == TABLES[name].schema.names
    assert all(column.description for column in schema.columns)
    assert [column.name for column in schema.columns if column.constraints.unique] == [TABLES[name].key]


def test_jobs_sensors_schedules_and_checks_are_described() -> None:
    for each in (*JOBS.values(), *sensors(), *schedules(), *CHECKS):
        assert each.description, each
        assert each.description.endswith("."), each


def test_every_check_blocks_what_is_behind_it() -> None:
    assert CHECKS
    assert [spec.key for spec in CHECKS if not spec.blocking] == []


def test_every_asset_that_others_stand_on_is_checked() -> None:
    below = {dep.asset_key for spec in SPECS.values() for dep in spec.deps}
    assert below == {spec.asset_key for spec in CHECKS}


def test_sensors_and_schedules_run_without_being_switched_on() -> None:
    assert {each.default_status for each in sensors()} == {dg.DefaultSensorStatus.RUNNING}
    assert {each.default_status for each in schedules()} == {dg.DefaultScheduleStatus.RUNNING}


def test_a_run_is_one_process_that_can_be_cancelled() -> None:
    """A retry policy makes Dagster swallow a cancellation (dagster issue 15026); attempts are the sensors' matter."""
    assert defs.executor is dg.in_process_executor
    operations = [node.definition for job in JOBS.values() for node in job.nodes]
    assert [each.name for each in operations if getattr(each, "retry_policy", None)] == []
    assert [name for name, job in JOBS.items() if "dagster/max_runtime" not in job.tags] == []


def test_index_builds_take_turns() -> None:
    pools = {
        node.name: getattr(node.definition, "pool", None) for node in JOBS["refresh_job"].nodes if node.name in SPECS
    }
    assert {name for name, pool in pools.items() if pool == "index_build"} == {
        "keyword_index",
        "vector_index",
        "retrieval_quality",
        "release",
    }


@pytest.mark.parametrize("function", functions(), ids=lambda node: node.name)
def test_an_asset_only_wires(function: ast.FunctionDef) -> None:
    body = function.body[1:] if ast.get_docstring(function) else function.body
    assert function.end_lineno is not None
    assert function.end_lineno - body[0].lineno + 1 <= MAX_LINES


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_resources_are_what_the_annotations_say(module: Any) -> None:
    given = dict(defs.resources or {})
    for value in vars(module).values():
        if isinstance(value, dg.AssetsDefinition):
            function = value.op.compute_fn.decorated_fn  # type: ignore[union-attr]
            for name, kind in get_type_hints(function).items():
                if name in given:
                    assert isinstance(given[name], kind), f"{value.op.name}: {name}"


def test_the_rooms_are_those_of_this_checkout() -> None:
    """`assets` is a common name: another package of that name must not come first."""
    root = Path(__file__).parents[2]
    assert {Path(inspect.getfile(module)).parent for module in MODULES} == {root / "assets"}
