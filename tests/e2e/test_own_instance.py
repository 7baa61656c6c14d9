"""Commands beside a Dagster instance of a person, which DAGSTER_HOME names: they use it, and keep its files."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from resources.instance import instance_in
from tests.command import told

CONFIGURATION = "# mine\ntelemetry:   {enabled: false}\nconcurrency: {runs: {max_concurrent_runs: 7}}\n"


def test_commands_leave_the_files_of_an_instance_byte_for_byte_and_runs_of_others_in_it(
    models: None, tmp_path: Path
) -> None:
    own, notes, home = tmp_path / "dagster", tmp_path / "notes", str(tmp_path / ".omni")
    for folder in (own, notes):
        folder.mkdir()
    (notes / "heron.md").write_text("# Heron\n\nThe heron stands in cold water at dawn.\n")
    for name in ("dagster.yaml", "workspace.yaml", ".env"):
        (own / name).write_text(CONFIGURATION)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in own.iterdir()}
    with instance_in(own) as instance:
        theirs = dg.DagsterRun(job_name="their_job", status=dg.DagsterRunStatus.SUCCESS)
        instance.add_run(theirs)

    def omni(*arguments: str) -> dict[str, object]:
        return told(*arguments, "--home", home, cwd=tmp_path, DAGSTER_HOME=str(own))

    assert omni("ingest", str(notes))["release"] == 1
    for command in ("check", "status", "scrub", "alerts list", "db health", "runs prune --keep 0"):
        omni(*command.split())
    runs = omni("runs", "list")["runs"]
    omni("forget", "notes", "--yes")

    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in before} == before
    assert not [*Path(home, "dagster").rglob("*.db"), *Path(home, "dagster").rglob("dagster.yaml")]
    assert isinstance(runs, list)
    assert {run["job"] for run in runs} == {"refresh_job", "quality_job", "their_job"}
    with instance_in(own) as instance:
        assert instance.get_run_by_id(theirs.run_id) is not None
