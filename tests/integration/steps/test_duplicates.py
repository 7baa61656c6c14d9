"""What stands in a knowledge base more than once is listed, and folded where the settings say so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from omni_pipelines.cli.main import app
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.knowledge.search.duplicates import find_duplicates
from omni_pipelines.knowledge.state.snapshot import Snapshot
from tests.integration.line import Line

TEXT = "The heron stands in cold water at dawn and waits for fish, for it is patient and never in a hurry, they say."


@pytest.fixture
def filled(line: Line, docs: Path) -> Line:
    (docs / "heron.txt").write_text(TEXT)
    (docs / "copy.txt").write_text(TEXT.replace("they say", "we hear"))
    (docs / "otter.txt").write_text("Otters sleep holding hands so that they do not drift apart.")
    line.add(docs)
    line.run()
    return line


def test_passages_that_are_nearly_the_same_are_one_group(filled: Line) -> None:
    (group,) = find_duplicates(Snapshot.open(filled.home))
    assert [place.path for place in group.places] == ["copy.txt", "heron.txt"]
    assert 0.8 <= group.similarity < 1
    assert group.beginning.startswith("The heron stands")


def test_the_command_lists_them(filled: Line) -> None:
    done = CliRunner().invoke(app, ["duplicates", "--home", str(filled.home.root), "--json"])
    told = json.loads(done.output)
    assert (told["groups"], told["passages"]) == (1, 2)
    said = CliRunner().invoke(app, ["duplicates", "--home", str(filled.home.root)]).output
    assert "    docs/copy.txt:1\n    docs/heron.txt:1\n" in said


@pytest.mark.parametrize("least", [0.0, 1.5])
def test_a_share_that_cannot_be_is_refused(filled: Line, least: float) -> None:
    with pytest.raises(ConfigurationError, match="must be above 0"):
        find_duplicates(Snapshot.open(filled.home), least)


def test_a_search_folds_them_where_the_settings_say_so(filled: Line) -> None:
    assert {hit.path for hit in filled.search("heron water dawn")} >= {"heron.txt", "copy.txt"}
    filled.home.config.write_text("fold_near_duplicates = true\n")
    hits = filled.search("heron water dawn")
    (folded,) = (hit for hit in hits if hit.also_in)
    assert {folded.path, folded.also_in[0].path} == {"heron.txt", "copy.txt"}
    assert len({hit.path for hit in hits} & {"heron.txt", "copy.txt"}) == 1
