"""A source that cannot be listed keeps its documents, is named, and the other sources are read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from omni_pipelines.cli.main import app
from omni_pipelines.configuration import load_settings
from omni_pipelines.errors import SourceMissing
from omni_pipelines.knowledge.state.status import status
from omni_pipelines.pipeline.staleness import stale_index, stale_ingest
from omni_pipelines.steps.checks import sources_present
from tests.integration.line import Line, write


@pytest.fixture
def two(line: Line, tmp_path: Path) -> Line:
    """Two sources, `docs` and `more`, of which `more` is moved away."""
    line.add(write(tmp_path / "docs", {"otter.md": "Otters hold hands."}))
    line.add(write(tmp_path / "more", {"heron.md": "The heron stands in cold water."}))
    line.run()
    (tmp_path / "more").rename(tmp_path / "away")
    return line


def paths(line: Line) -> list[str]:
    return sorted(row["path"] for row in line.rows("documents"))


def test_the_others_are_brought_up_to_date(two: Line, tmp_path: Path) -> None:
    write(tmp_path / "docs", {"crane.md": "A crane dances."})
    two.run()
    assert paths(two) == ["crane.md", "heron.md", "otter.md"]
    found = status(two.home).missing["more"]
    assert f"source more: {tmp_path / 'more'} is not there" in found.problem
    assert "omni source remove more" in found.cure
    verdict = sources_present(two.home)
    assert (verdict.passed, verdict.is_error, verdict.numbers) == (False, False, {"missing": 1})


def test_it_is_recorded_once_and_when_it_comes_back(two: Line, tmp_path: Path) -> None:
    assert stale_ingest(two.context) is not None
    two.run()
    since = status(two.home).missing["more"].since
    assert (stale_ingest(two.context), stale_index(two.context)) == (None, None)
    write(tmp_path / "docs", {"crane.md": "A crane dances."})
    two.run()
    assert status(two.home).missing["more"].since == since
    (tmp_path / "away").rename(tmp_path / "more")
    assert stale_ingest(two.context) is not None
    two.run()
    assert status(two.home).missing == {}
    assert sources_present(two.home).passed
    assert stale_ingest(two.context) is None


def test_what_changed_while_it_was_missing_is_read_when_it_is_back(two: Line, tmp_path: Path) -> None:
    two.run()
    write(tmp_path / "away", {"heron.md": "The heron flies.", "stork.md": "A stork."})
    (tmp_path / "away").rename(tmp_path / "more")
    two.run()
    assert paths(two) == ["heron.md", "otter.md", "stork.md"]


def test_a_first_run_without_any_source_to_read_fails(line: Line, tmp_path: Path) -> None:
    line.add(write(tmp_path / "docs", {"otter.md": "Otters hold hands."}))
    shutil.rmtree(tmp_path / "docs")
    with pytest.raises(SourceMissing, match="is not there"):
        line.run()


def test_a_declared_location_that_was_never_there_holds_up_no_other(two: Line, tmp_path: Path) -> None:
    two.home.config.write_text('[sources.papers]\nlocation = "nowhere"\n')
    two.settings = two.settings.model_copy(update={"sources": load_settings(two.home).sources})
    write(tmp_path / "docs", {"crane.md": "A crane dances."})
    two.run()
    assert "crane.md" in paths(two)
    assert status(two.home).missing.keys() == {"more", "papers"}


@pytest.mark.usefixtures("models")
def test_omni_ingest_names_it_and_ends_with_1_only_if_asked(tmp_path: Path) -> None:
    write(tmp_path / "docs", {"otter.md": "Otters hold hands."})
    write(tmp_path / "more", {"heron.md": "The heron stands in cold water."})
    home = ["--home", str(tmp_path / ".omni")]
    assert CliRunner().invoke(app, ["ingest", *home, str(tmp_path / "docs"), str(tmp_path / "more")]).exit_code == 0
    (tmp_path / "more").rename(tmp_path / "away")
    done = CliRunner().invoke(app, ["ingest", *home, "--json"])
    assert (done.exit_code, list(json.loads(done.stdout)["missing"])) == (0, ["more"])
    assert f"note: source more: {tmp_path / 'more'} is not there" in CliRunner().invoke(app, ["ingest", *home]).stderr
    assert CliRunner().invoke(app, ["ingest", *home, str(tmp_path / "docs"), "--strict"]).exit_code == 0
    strict = CliRunner().invoke(app, ["ingest", *home, "--strict"])
    assert isinstance(strict.exception, Exception)
    assert "is not there" in str(strict.exception)
    assert "would be kept" in CliRunner().invoke(app, ["ingest", *home, "--dry-run"]).stdout
