"""Dagster's own commands find and load the code from a checkout, without an instance and without a knowledge base."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
DG = "from dagster_dg_cli.cli import main; main()"
VALIDATE = ["-m", "dagster", "definitions", "validate", "-w", str(ROOT / "workspace.yaml")]


def run(arguments: list[str], folder: Path, home: Path) -> subprocess.CompletedProcess[str]:
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    environment = {
        **os.environ,
        "HOME": str(home),
        "DAGSTER_HOME": str(home),
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "NO_COLOR": "1",
    }
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def test_dg_check_defs_passes(tmp_path: Path) -> None:
    done = run(["-c", DG, "check", "defs"], ROOT, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All definitions loaded successfully" in done.stdout + done.stderr


def test_the_workspace_file_works_from_any_folder(tmp_path: Path) -> None:
    done = run(VALIDATE, tmp_path, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Validation successful for code location omni_pipelines" in done.stdout + done.stderr
