"""The Dagster instance of a home: written once, the same for everyone, and nobody's environment is changed."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest
from alembic.script import ScriptDirectory
from dagster._core.storage.runs.sqlite import sqlite_run_storage
from dagster._core.storage.sql import get_alembic_config

from native.errors import EngineError
from omni_pipelines.configuration import trust_settings
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import Home
from resources.instance import INSTANCE_YAML, open_instance, prepare_instance
from resources.sqlite_storage import close_databases, kept_engine, quoted_address
from tests.integration.pipeline.prepared_often import prepare_often

SPAWN = multiprocessing.get_context("spawn")


def configuration(home: Home) -> Path:
    return home.instance_file


def test_it_is_written_when_missing_and_left_alone_when_right(home: Home) -> None:
    prepare_instance(home)
    first = configuration(home).stat()
    prepare_instance(home)
    assert configuration(home).read_text().startswith(INSTANCE_YAML)
    assert (configuration(home).stat().st_ino, configuration(home).stat().st_mtime_ns) == (
        first.st_ino,
        first.st_mtime_ns,
    )


@pytest.mark.parametrize("damaged", [range(16), range(4096, 12_288)], ids=["the head", "the pages"])
def test_a_damaged_database_of_runs_is_named_with_its_cure(tmp_path: Path, damaged: range) -> None:
    path = tmp_path / "runs.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("create table runs (body text)")
        database.executemany("insert into runs values (?)", [("x" * 1_000,)] * 20)
        database.commit()
    raw = bytearray(path.read_bytes())
    for place in damaged:
        raw[place] ^= 0x55
    path.write_bytes(raw)
    with pytest.raises(EngineError, match=r"runs\.db is damaged; it holds the history of runs") as caught:
        with kept_engine(quoted_address(str(tmp_path), "runs")).connect() as connection:
            connection.exec_driver_sql("select sum(length(body)) from runs").all()
    assert caught.value.cure == "move it away"
    close_databases(tmp_path)


@pytest.mark.parametrize("text", ["", "# Written by omni. Another storage: …\ntelemetry: {enabled: true}\n"])
def test_what_an_earlier_version_wrote_is_replaced(home: Home, text: str) -> None:
    configuration(home).write_text(text)
    prepare_instance(home)
    assert configuration(home).read_text().startswith(INSTANCE_YAML)


def test_a_later_version_replaces_what_nobody_changed(home: Home) -> None:
    older = "# Written by omni, some versions ago.\ntelemetry: {enabled: false}\n"
    checksum = hashlib.sha256(older.encode()).hexdigest()
    configuration(home).write_text(f"{older}# sha256 of the lines above: {checksum}\n")
    prepare_instance(home)
    assert configuration(home).read_text().startswith(INSTANCE_YAML)


@pytest.mark.parametrize("old", ["max_concurrent_runs: 2", "purge_after_days", "# sha256"])
def test_what_a_person_changed_and_trusts_is_left_alone(home: Home, old: str) -> None:
    prepare_instance(home)
    changed = configuration(home).read_text().replace(old, "# mine")
    configuration(home).write_text(changed)
    assert trust_settings(home) == {"dagster.yaml": str(configuration(home))}
    prepare_instance(home)
    assert configuration(home).read_text() == changed


def test_configuration_that_came_with_the_folder_is_refused_until_a_person_trusts_exactly_it(home: Home) -> None:
    """It names modules that Dagster imports, and servers to which it sends logs."""
    configuration(home).write_text("run_launcher: {module: antigravity, class: Evil}\n")
    with pytest.raises(ConfigurationError, match=r"dagster.yaml was changed, .*omni trust"):
        prepare_instance(home)
    trust_settings(home)
    prepare_instance(home)
    configuration(home).write_text("run_launcher: {module: this, class: Evil}\n")
    with pytest.raises(ConfigurationError, match="omni trust"):
        prepare_instance(home)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that DAGSTER_HOME names; it is not there yet."""
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "my dagster"))
    return tmp_path / "my dagster"


def test_an_instance_of_a_person_is_used_and_never_written_to(home: Home, own: Path) -> None:
    own.mkdir()
    (own / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    with open_instance(home) as instance:
        assert instance.root_directory == str(own)
        instance.report_runless_asset_event(dg.AssetMaterialization("chunks"))
    assert (own / "dagster.yaml").read_text() == "telemetry: {enabled: false}\n"
    assert (own / "history").is_dir()
    assert list(home.dagster.iterdir()) == []


def test_an_instance_that_is_not_there_is_refused(home: Home, own: Path) -> None:
    with pytest.raises(ConfigurationError, match="is not there"):
        prepare_instance(home)
    assert not own.exists()


@pytest.mark.parametrize("name", ["what next?", "my%20files", "%", "?a=1&b=2#c", "100%25 [x]*"])
def test_an_instance_in_a_folder_of_any_name_keeps_its_runs_there(tmp_path: Path, name: str) -> None:
    home = Home(tmp_path / name / ".omni")
    for run in ("first", "second"):
        with open_instance(home) as instance:
            instance.add_dynamic_partitions("runs", [run])
            instance.report_runless_asset_event(dg.AssetMaterialization("documents"))
    with open_instance(home) as instance:
        assert not instance.telemetry_enabled
        assert sorted(instance.get_dynamic_partitions("runs")) == ["first", "second"]
        assert instance.get_latest_materialization_event(dg.AssetKey("documents")) is not None
    assert (home.dagster / "history" / "runs.db").is_file()
    assert [path.name for path in tmp_path.iterdir()] == [name], "nothing is written beside it"


def test_a_home_that_is_not_there_is_made(tmp_path: Path) -> None:
    home = Home(tmp_path / "new" / ".omni")
    prepare_instance(home)
    assert configuration(home).is_file()


def test_two_processes_may_prepare_at_once(home: Home) -> None:
    """Each reads it whole at any time, while both replace what someone keeps breaking."""
    broken = home.root / "broken.yaml"
    prepare_instance(home)
    whole = configuration(home).read_text()
    workers = [SPAWN.Process(target=prepare_often, args=(str(home.root),)) for _ in range(2)]
    for worker in workers:
        worker.start()
    seen = set()
    while any(worker.is_alive() for worker in workers):
        broken.write_text("")
        os.replace(broken, configuration(home))
        seen.add(configuration(home).read_text())
        time.sleep(0.001)
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert seen <= {whole, ""}
    prepare_instance(home)
    assert [path.name for path in home.dagster.iterdir()] == ["dagster.yaml"]


def test_the_configuration_means_what_it_says(home: Home) -> None:
    with open_instance(home) as instance:
        assert instance.root_directory == str(home.dagster)
        assert not instance.telemetry_enabled
        assert not instance.nux_enabled
        assert instance.run_monitoring_enabled
        assert instance.run_monitoring_start_timeout_seconds == 600
        assert instance.run_retries_enabled
        assert instance.run_retries_max_retries == 0
        assert instance.get_concurrency_config().run_queue_config.max_concurrent_runs == 2  # type: ignore[union-attr]
        pools = instance.get_concurrency_config().pool_config
        assert pools.default_pool_limit == 1
        assert pools.pool_granularity is not None
        assert pools.pool_granularity.value == "op"


def test_nobodys_environment_is_changed(home: Home) -> None:
    before = dict(os.environ)
    with open_instance(home):
        assert dict(os.environ) == before
    assert dict(os.environ) == before


def test_what_one_opening_records_the_next_one_reads(home: Home) -> None:
    with open_instance(home) as instance:
        instance.report_runless_asset_event(dg.AssetMaterialization("chunks"))
    with open_instance(home) as instance:
        assert instance.get_latest_materialization_event(dg.AssetKey("chunks")) is not None


def test_its_databases_have_the_newest_revision_of_dagster(home: Home) -> None:
    scripts = ScriptDirectory.from_config(get_alembic_config(sqlite_run_storage.__file__))
    with open_instance(home) as instance:
        instance.report_engine_event("a run of its own has a database of its own", run_id="run", job_name="job")
        assert instance.event_log_storage.alembic_version() == (
            scripts.get_current_head(),
            scripts.get_current_head(),
        )
    databases = sorted(home.dagster.rglob("*.db"))
    assert [path.name for path in databases] == ["index.db", "run.db", "runs.db", "schedules.db"]
    for path in databases:
        with closing(sqlite3.connect(path)) as database:
            (revision,) = database.execute("select version_num from alembic_version")
            assert revision == (scripts.get_current_head(),)


def test_it_keeps_its_databases_open_and_closes_them_at_the_end(home: Home) -> None:
    with open_instance(home) as instance:
        for run in map(str, range(20)):
            instance.report_engine_event("looked at", run_id=run, job_name="job")
        kept = len(list(home.dagster.rglob("*-wal")))  # SQLite deletes it with the last connection
        assert 3 <= kept <= 10, "the databases that were used last"
    assert list(home.dagster.rglob("*-wal")) == []


def test_two_homes_are_two_instances(tmp_path: Path) -> None:
    one, other = Home(tmp_path / "a" / ".omni"), Home(tmp_path / "b" / ".omni")
    with open_instance(one) as first, open_instance(other) as second:
        first.report_runless_asset_event(dg.AssetMaterialization("chunks"))
        assert second.get_latest_materialization_event(dg.AssetKey("chunks")) is None
