"""The example for GitHub Actions: its steps are executed here as a runner executes them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import yaml

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "checks.md").read_text("utf-8")
NEED_A_NETWORK = ("pip install ", "omni model pull")


def steps() -> list[str]:
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    runs = [step["run"] for step in yaml.safe_load(block)["jobs"]["check"]["steps"] if "run" in step]
    return [line for line in runs if not line.startswith(NEED_A_NETWORK)]


def test_the_steps_of_the_example_pass_and_write_their_reports(models: None, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "otter.md").write_text("# Otter\n\nOtters sleep holding hands.\n")
    (tmp_path / "omni").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m omni_pipelines.cli.main "$@"\n')
    (tmp_path / "omni").chmod(0o755)
    summary = tmp_path / "summary.md"
    path = os.pathsep.join([str(tmp_path), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "GITHUB_STEP_SUMMARY": str(summary)}
    assert len(steps()) == 2
    for step in steps():
        command = ["bash", "-e", "-o", "pipefail", "-c", step]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=240, check=False
        )
        assert done.returncode == 0, done.stderr
    cases = [case.get("name") for case in ElementTree.parse(tmp_path / "checks.xml").iter("testcase")]
    assert {"schema", "ndcg_10", "freshness"} <= set(cases)
    assert summary.read_text().count("\n| ") == len(cases)
