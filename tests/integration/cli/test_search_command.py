"""What `omni search --explain` and `omni why-not` say, over a home whose words can be searched without a model."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from omni_pipelines.cli.main import app
from omni_pipelines.home import Home
from tests.integration.line import Line, write

NOTICE = "This notice about otters stands in two places.\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project") / "docs"
    write(folder, {"otters.md": "# Otters\n\nOtters sleep holding hands.\n", "a/n.txt": NOTICE, "b/n.txt": NOTICE})
    line = Line(Home(folder.parent / ".omni"))
    line.add(folder)
    line.run()
    return line.home.root


def said(home: Path, *words: str) -> str:
    done = CliRunner().invoke(app, [*words, "--home", str(home)])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_an_explained_score_is_the_sum_that_is_shown(home: Path) -> None:
    told = said(home, "search", "otters", "--mode", "keyword", "--explain")
    sums = re.findall(r"([\d.]+) = ([\d.]+) keyword \(rank (\d)\)", told)
    assert [rank for _, _, rank in sums] == ["1", "2"]
    assert all(score == part for score, part, _ in sums)


def test_a_repeat_is_shown_below_its_first_place(home: Path) -> None:
    told = said(home, "search", "notice otters", "--mode", "keyword")
    assert re.search(r"also in .*[ab]/n\.txt:1\n", told)
    assert told.count("This notice") == 1


def test_a_folder_narrows_on_the_command_line(home: Path) -> None:
    hits = json.loads(said(home, "search", "otters", "--mode", "keyword", "--where", "path=b/**", "--json"))["hits"]
    assert [hit["path"] for hit in hits] == ["b/n.txt"]


def test_why_not_names_the_stage_and_says_what_it_means(home: Path) -> None:
    told = said(home, "why-not", "otters", "nowhere.md")
    assert told.startswith("no  release: nowhere.md is not in release 1")
    assert "No single document of the release has this name" in told


def test_why_not_is_data_for_a_program(home: Path) -> None:
    told = json.loads(said(home, "why-not", "otters", "otters.md", "--where", "kind=code", "--json"))
    assert told["lost_at"] == "filter"
    assert [step["passed"] for step in told["steps"]] == [True, False]
