"""`omni ingest --profile` says where time and memory went."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from omni_pipelines.cli.main import app
from omni_pipelines.cli.views.ingest_profile import (
    REST,
    IngestProfile,
    ReadingProfile,
    StepProfile,
    show_profile,
)

ASSETS = ["documents", "chunks", "embeddings", "keyword_index", "vector_index", "retrieval_quality", "release"]


def test_profile_has_every_asset_and_what_each_source_cost_with_each_reader(tmp_path: Path) -> None:
    for name in ("docs", "code"):
        (tmp_path / name).mkdir()
    (tmp_path / "docs" / "otter.md").write_text("# Otter\n\nOtters hold hands.\n")
    (tmp_path / "docs" / "broken.pdf").write_bytes(b"%PDF-1.7 nothing else")
    (tmp_path / "code" / "swim.py").write_text("def swim() -> None:\n    '''Swim.'''\n")
    words = ["ingest", "--home", str(tmp_path / ".omni"), "--json", "--profile"]
    first = json.loads(CliRunner().invoke(app, [*words, str(tmp_path / "docs"), str(tmp_path / "code")]).stdout)
    steps = first["profile"]["steps"]
    assert [each["step"] for each in steps] == [*ASSETS, REST]
    assert all(each["cpu_seconds"] >= 0 and each["seconds"] >= 0 for each in steps)
    assert steps[0]["cpu_seconds"] > 0
    assert sum(each["cpu_seconds"] for each in steps) <= 2 * first["seconds"] + 1, "no step counts twice"
    read = {(each["source"], each["reader"]): each["files"] for each in first["profile"]["reading"]}
    assert read == {("docs", "markdown"): 1, ("docs", "not read"): 1, ("code", "python"): 1}
    again = CliRunner().invoke(app, words)
    assert json.loads(again.stdout)["profile"] == {"steps": [], "reading": []}, "nothing had changed"
    assert json.loads(CliRunner().invoke(app, words[:-1]).stdout).get("profile") is None


def test_the_dearest_step_is_named_with_what_would_help(capsys: pytest.CaptureFixture[str]) -> None:
    steps = [
        StepProfile(step="documents", seconds=2.0, cpu_seconds=1.0, peak_megabytes=300),
        StepProfile(step="embeddings", seconds=9.0, cpu_seconds=15.0, peak_megabytes=1_700),
    ]
    reading = [ReadingProfile(source="docs", reader="pdf", files=4, megabytes=2.5, seconds=1.0)]
    show_profile(IngestProfile(steps=steps, reading=reading))
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["step", "CPU", "s", "share", "seconds", "memory", "so", "far,", "MB"]
    assert lines[3].split() == ["embeddings", "15.00", "94%", "9.00", "1,700"]
    assert lines[6].split() == ["docs", "pdf", "4", "2.5", "1.00", "250.0"]
    assert lines[-1].startswith("embeddings took 94% of the processor time. To save: embed on more processors")


def test_a_run_without_steps_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    show_profile(IngestProfile())
    assert capsys.readouterr().out == "no step ran: nothing had changed\n"
