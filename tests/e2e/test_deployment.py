"""The whole line as a server has it: run history in PostgreSQL, releases in a bucket, the work on a Ray cluster."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from native.ray_workers import LEAST_ITEMS
from tests.command import told
from tests.dev_server import Server, descendants, serving, wait_for
from tests.object_server import make_bucket, point_aws_at, s3_server
from tests.postgres_server import instance_folder, postgres_server, use_instance
from tests.ray_cluster import ray_cluster


def omni(folder: Path, *arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "omni_pipelines.cli.main", *arguments, "--json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return json.loads(done.stdout)


def test_a_server_ingests_on_a_cluster_and_another_machine_answers_from_the_bucket(
    models: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with postgres_server() as port, s3_server() as address, ray_cluster() as cluster:
        import ray
        from ray._private.state import jobs

        use_instance(instance_folder(tmp_path / "dagster", port), monkeypatch)
        point_aws_at(address, monkeypatch)
        store = make_bucket(address, "deployed")
        server, reader = tmp_path / "server", tmp_path / "reader"
        for number in range(LEAST_ITEMS + 8):
            path = server / "documents" / f"{number}.md"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"# Machine {number}\n\nMachine {number} is oiled by shift {number % 5}.\n")
        settings = f'store = "{store}"\nengine = "ray"\nray_address = "{cluster.address}"\n'
        (server / "omni.toml").write_text(f'{settings}[sources.documents]\nlocation = "documents"\n')
        omni(server, "trust")
        assert omni(server, "ingest")["release"] == 1
        (run,) = omni(server, "runs", "list")["runs"]
        assert (run["status"], run["release"]) == ("success", 1)
        assert not list(tmp_path.glob("server/.omni/dagster/**/*.db")), "the history is in the server"
        ray.init(cluster.address, log_to_driver=False)
        assert len(jobs()) >= 2, "this test, and the ingest"
        reader.mkdir()
        (reader / "omni.toml").write_text(f'store = "{store}"\n')
        omni(reader, "trust")
        hits = omni(reader, "search", "who oils machine 17")["hits"]
        assert hits[0]["path"] == "17.md"


@pytest.mark.timeout(600)
@pytest.mark.skipif(os.environ.get("OMNI_STRESS") != "long", reason="takes two minutes: OMNI_STRESS=long")
def test_omni_dev_on_postgresql_releases_a_change_although_its_run_was_killed(
    models: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, note = tmp_path / ".omni", tmp_path / "notes" / "otter.md"
    note.parent.mkdir()
    note.write_text("# Otter\n\nOtters sleep holding hands.\n")
    with postgres_server() as port:
        use_instance(instance_folder(tmp_path / "dagster", port), monkeypatch)
        told("ingest", str(note.parent), "--home", str(home), cwd=tmp_path)
        with serving(home) as server:
            idle = descendants(server.process.pid)
            note.write_text("# Otter\n\nA romp is a group of playing otters.\n")
            wait_for("a run", lambda: "started" in _statuses(server), 240)
            for pid in descendants(server.process.pid) - idle:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            wait_for("a release", lambda: server.release > 1, 240)
            wait_for("the end of all runs", lambda: _statuses(server) <= {"success", "failure"})
        hits = told("search", "romp of otters", "--home", str(home), cwd=tmp_path)["hits"]
    assert "romp" in hits[0]["text"]
    assert not list(home.rglob("*.db")), "the history is in the server"


def _statuses(server: Server) -> set[str]:
    return {run["status"] for run in server.look("runs", "list")["runs"]}
