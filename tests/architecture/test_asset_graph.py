"""The asset graph equals a snapshot, and every part of it is described and guarded.

After an intended change, run `python -m pytest tests/architecture/test_asset_graph.py --snapshot-update` and read the
difference.
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
from assets.lineage import column_lineage
from omni_pipelines.definitions import defs
from omni_pipelines.schemas import TABLES
from omni_pipelines.steps.step import Step
from omni_pipelines.steps.step_table import STEPS

MAX_LINES = 15
SPECS = dict(sorted((spec.key.to_user_string(), spec) for spec in defs.resolve_all_asset_specs()))
JOBS = {job.name: job for job in defs.resolve_all_job_defs() if not job.name.startswith("__")}
CHECKS = [spec for check in defs.asset_checks or [] for spec in check.check_specs]
MODULES = [importlib.import_module(f"assets.{module.name}") for module in pkgutil.iter_modules(assets.__path__)]


def sensors() -> list[dg.SensorDefinition]:
    return list(defs.sensors or [])


def schedules() -> list[dg.ScheduleDefinition]:
    return [schedule for schedule in defs.schedules or [] if isinstance(schedule, dg.ScheduleDefinition)]


def functions() -> list[ast.FunctionDef]:
    """Return the syntax trees of all assets and checks."""
    nodes = [node for module in MODULES for node in ast.parse(inspect.getsource(module)).body]
    return [node for node in nodes if isinstance(node, ast.FunctionDef) and node.decorator_list]


def test_definitions_can_be_loaded() -> None:
    dg.Definitions.validate_loadable(defs)


def test_graph_equals_the_snapshot(snapshot: SnapshotAssertion) -> None:
    graph: dict[str, Any] = {
        "assets": {
            name: {"group": spec.group_name, "deps": sorted(dep.asset_key.to_user_string() for dep in spec.deps)}
            for name, spec in SPECS.items()
        },
        "checks": sorted(f"{spec.asset_key.to_user_string()}: {spec.name}" for spec in CHECKS),
        "jobs": {name: sorted(node.name for node in job.nodes) for name, job in JOBS.items()},
        "sensors": {
            sensor.name: sorted(job.name for job in sensor.jobs) if sensor.targets else [] for sensor in sensors()
        },
        "schedules": {schedule.name: [schedule.job_name, schedule.cron_schedule] for schedule in schedules()},
    }
    assert graph == snapshot


@pytest.mark.parametrize("name", SPECS)
def test_every_asset_has_group_kinds_owners_and_description(name: str) -> None:
    spec = SPECS[name]
    assert spec.group_name != "default"
    assert spec.kinds
    assert spec.owners
    assert spec.description
    assert spec.description.endswith(".")


@pytest.mark.parametrize("name", [name for name in SPECS if name in TABLES])
def test_every_table_asset_describes_its_columns(name: str) -> None:
    schema = SPECS[name].metadata["dagster/column_schema"]
    assert [column.name for column in schema.columns] == TABLES[name].schema.names
    assert all(column.description for column in schema.columns)
    assert [column.name for column in schema.columns if column.constraints.unique] == [TABLES[name].key]


@pytest.mark.parametrize("name", SPECS)
def test_every_asset_opens_its_own_file(name: str) -> None:
    (reference,) = SPECS[name].metadata["dagster/code_references"].code_references
    assert isinstance(reference, dg.LocalFileCodeReference)
    assert Path(reference.file_path) == Path(str(assets.__file__)).parent / f"{name}.py"


@pytest.mark.parametrize("step", STEPS.order, ids=lambda step: step.name)
def test_every_step_has_the_code_version_of_its_asset(step: Step) -> None:
    assert step.code_version
    assert SPECS[step.name].code_version == step.code_version


def test_column_lineage_names_columns_that_exist_and_covers_all_others_than_the_new_ones() -> None:
    assert column_lineage(TABLES["documents"]) == {}
    for table, new in (("chunks", {"ordinal", "chunker", "metadata"}), ("embeddings", {"model"})):
        lineage = column_lineage(TABLES[table])["dagster/column_lineage"].deps_by_column
        assert lineage.keys() == {*TABLES[table].schema.names} - new
        for deps in lineage.values():
            assert all(dep.column_name in TABLES[dep.asset_key.path[-1]].schema.names for dep in deps)


def test_jobs_sensors_schedules_and_checks_are_described() -> None:
    described: list[dg.JobDefinition | dg.SensorDefinition | dg.ScheduleDefinition | dg.AssetCheckSpec]
    described = [*JOBS.values(), *sensors(), *schedules(), *CHECKS]
    for definition in described:
        assert definition.description, definition
        assert definition.description.endswith("."), definition


def test_every_check_but_the_warnings_blocks_the_assets_downstream() -> None:
    assert {spec.name for spec in CHECKS if not spec.blocking} == {
        "sources_present",
        "quarantine_share",
        "duplicate_share",
        "readability",
        "golden_questions",
        "freshness",
    }


def test_every_asset_with_dependents_has_a_check() -> None:
    upstream = {dep.asset_key for spec in SPECS.values() for dep in spec.deps}
    assert upstream < {spec.asset_key for spec in CHECKS}


def test_sensors_and_schedules_run_by_default() -> None:
    assert {sensor.default_status for sensor in sensors()} == {dg.DefaultSensorStatus.RUNNING}
    assert {schedule.default_status for schedule in schedules()} == {dg.DefaultScheduleStatus.RUNNING}


def test_run_is_one_process_without_retry_policy() -> None:
    """With a retry policy, Dagster ignores a cancellation (dagster issue 15026); the sensors start new attempts."""
    assert defs.executor is dg.in_process_executor
    operations = [node.definition for job in JOBS.values() for node in job.nodes]
    assert [operation.name for operation in operations if getattr(operation, "retry_policy", None)] == []
    assert [name for name, job in JOBS.items() if "dagster/max_runtime" not in job.tags] == []


def test_index_builds_share_one_pool() -> None:
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
def test_asset_body_has_at_most_fifteen_lines(function: ast.FunctionDef) -> None:
    body = function.body[1:] if ast.get_docstring(function) else function.body
    assert function.end_lineno is not None
    assert function.end_lineno - body[0].lineno + 1 <= MAX_LINES


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_resources_have_the_annotated_types(module: Any) -> None:
    for value in vars(module).values():
        if isinstance(value, dg.AssetsDefinition):
            function = value.op.compute_fn.decorated_fn  # type: ignore[union-attr]
            for name, kind in get_type_hints(function).items():
                if name in (defs.resources or {}) and kind is not Any:
                    assert isinstance(resource(name), kind), f"{value.op.name}: {name}"


def resource(name: str) -> object:
    """Return the resource that an asset gets under this name."""
    given = dict(defs.resources or {})[name]
    if isinstance(given, dg.ResourceDefinition):
        return given(dg.build_init_resource_context())
    return given
