"""`omni quarantine`: list, show, and a retry of files that did not change."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from omni_pipelines.cli.main import app
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import Home
from omni_pipelines.pipeline.staleness import stale_ingest
from omni_pipelines.steps.quarantine import quarantined, release_for_retry
from omni_pipelines.text.readers.registry import reader_named
from tests.integration.line import Line, Original, write


def fill(line: Line, docs: Path) -> None:
    write(docs, {"good.md": "Walruses.", "bad.md": b"\0\0", "in/cut.pdf": b"%PDF-1.7\n", "in/bad.md": b"\0"})
    line.add(docs)
    line.run()


@pytest.fixture
def held(original: Original, home: Home) -> Line:
    return original.copy(home)


def run(line: Line, *arguments: str) -> str:
    outcome = CliRunner().invoke(
        app, ["quarantine", *arguments, "--home", str(line.home.root)], catch_exceptions=False
    )
    assert outcome.exit_code == 0
    return outcome.stdout


def test_quarantine_list_shows_the_code_of_each_file(held: Line) -> None:
    text = run(held, "list")
    assert [line.split()[:3] for line in text.splitlines()] == [
        ["E_BINARY", "docs", "bad.md"],
        ["E_BINARY", "docs", "in/bad.md"],
        ["E_PARSE", "docs", "in/cut.pdf"],
    ]
    rows = json.loads(run(held, "list", "--json"))["quarantine"]
    assert [(row["path"], row["code"]) for row in rows] == [
        ("bad.md", "E_BINARY"),
        ("in/bad.md", "E_BINARY"),
        ("in/cut.pdf", "E_PARSE"),
    ]


def test_quarantine_show_finds_a_file_by_the_end_of_its_path(held: Line) -> None:
    (row,) = json.loads(run(held, "show", "cut.pdf", "--json"))["quarantine"]
    assert (row["stage"], row["parser"], row["attempts"]) == ("parse", reader_named("pdf").fingerprint, 1)
    assert "in/cut.pdf" in run(held, "show", "cut.pdf")
    assert [row["path"] for row in quarantined(held.home, "bad.md")] == ["bad.md", "in/bad.md"]


@pytest.mark.parametrize("name", ["in/bad.md", "docs/in/bad.md", "/in/bad.md"])
def test_quarantine_show_takes_a_path_as_it_is_listed(held: Line, name: str) -> None:
    assert [row["path"] for row in quarantined(held.home, name)] == ["in/bad.md"]


def test_quarantine_show_takes_the_path_of_a_file_here(
    held: Line, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [row["path"] for row in quarantined(held.home, str(docs / "bad.md"))] == ["bad.md"]
    monkeypatch.chdir(docs / "in")
    assert [row["path"] for row in quarantined(held.home, "cut.pdf")] == ["in/cut.pdf"]
    assert [row["path"] for row in quarantined(held.home, "../bad.md")] == ["bad.md"]


def test_quarantine_show_takes_a_path_with_unusual_spaces_as_it_is_printed(line: Line, docs: Path) -> None:
    write(docs, {"two  spaces.md": b"\0\0", "good.md": "Walruses."})
    line.add(docs)
    line.ingest()
    assert [row["path"] for row in quarantined(line.home, "docs/two spaces.md")] == ["two  spaces.md"]


def test_quarantined_refuses_a_file_that_was_read(held: Line) -> None:
    with pytest.raises(ConfigurationError, match=r"good\.md is not in quarantine"):
        quarantined(held.home, "good.md")


def test_retry_reads_only_the_released_file_again(line: Line, docs: Path, reads: list[str]) -> None:
    fill(line, docs)
    release_for_retry(line.home, quarantined(line.home, "cut.pdf"))
    due = stale_ingest(line.context)
    assert due is not None
    reads.clear()
    line.run()
    assert reads == ["cut.pdf"]
    assert [row["attempts"] for row in quarantined(line.home)] == [1, 1, 2]
