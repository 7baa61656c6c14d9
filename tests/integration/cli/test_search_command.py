"""`omni search` and `omni why-not` over a home whose words can be searched without a model."""

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


def output(home: Path, *words: str) -> str:
    done = CliRunner().invoke(app, [*words, "--home", str(home)])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_search_explain_shows_the_score_as_a_sum(home: Path) -> None:
    text = output(home, "search", "otters", "--mode", "keyword", "--explain")
    sums = re.findall(r"([\d.]+) = ([\d.]+) keyword \(rank (\d)\)", text)
    assert [rank for _, _, rank in sums] == ["1", "2"]
    assert all(score == part for score, part, _ in sums)


def test_search_shows_a_repeated_text_below_the_first_hit(home: Path) -> None:
    text = output(home, "search", "notice otters", "--mode", "keyword")
    assert re.search(r"also in .*[ab]/n\.txt:1\n", text)
    assert text.count("This notice") == 1


def test_search_where_path_narrows_to_a_folder(home: Path) -> None:
    hits = json.loads(output(home, "search", "otters", "--mode", "keyword", "--where", "path=b/**", "--json"))["hits"]
    assert [hit["path"] for hit in hits] == ["b/n.txt"]


def test_why_not_names_the_stage_and_explains_it(home: Path) -> None:
    text = output(home, "why-not", "otters", "nowhere.md")
    assert text.startswith("no  release: nowhere.md is not in release 1")
    assert "No single document of the release has this name" in text


def test_why_not_as_json_lists_the_stages(home: Path) -> None:
    text = json.loads(output(home, "why-not", "otters", "otters.md", "--where", "kind=code", "--json"))
    assert text["lost_at"] == "filter"
    assert [step["passed"] for step in text["steps"]] == [True, False]
