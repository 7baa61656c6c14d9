"""`omni ls` and `omni get`: the documents of a release by path, pattern, file or URI."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from omni_pipelines.cli.main import app
from omni_pipelines.errors import CitationNotFound, ConfigurationError
from omni_pipelines.home import Home
from tests.integration.line import Line, write

FILES = {
    "keys.md": "# Keys\n\nKeys are rotated.\n",
    "guide/start.md": "# Start\n\nBegin here.\n",
    "guide/deep/end.md": "# End\n\nStop here.\n",
    "tool.py": "def rotate() -> None:\n    pass\n",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    line = Line(Home(folder / ".omni"))
    line.add(write(folder / "docs", FILES))
    line.run()
    return folder


def output(folder: Path, *words: str) -> str:
    done = CliRunner().invoke(app, [*words, "--home", str(folder)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def listed(folder: Path, *patterns: str) -> list[str]:
    return [row["path"] for row in json.loads(output(folder, "ls", *patterns, "--json"))["documents"]]


def test_ls_prints_the_name_in_citations_kind_and_chunks_of_each_document(folder: Path) -> None:
    assert [line.split() for line in output(folder, "ls").splitlines()] == [
        ["docs/guide/deep/end.md", "prose", "1", "chunk"],
        ["docs/guide/start.md", "prose", "1", "chunk"],
        ["docs/keys.md", "prose", "1", "chunk"],
        ["docs/tool.py", "code", "1", "chunk"],
    ]


@pytest.mark.parametrize(
    ("pattern", "paths"),
    [
        ("keys.md", ["keys.md"]),
        ("docs/keys.md", ["keys.md"]),
        ("*.py", ["tool.py"]),
        ("start.md", ["guide/start.md"]),
        ("guide/*.md", ["guide/start.md"]),
        ("guide/**", ["guide/deep/end.md", "guide/start.md"]),
        ("guide", ["guide/deep/end.md", "guide/start.md"]),
        ("docs/guide/**", ["guide/deep/end.md", "guide/start.md"]),
        ("**/deep/*", ["guide/deep/end.md"]),
        ("*.m[de]", ["guide/deep/end.md", "guide/start.md", "keys.md"]),
    ],
)
def test_pattern_names_documents_as_in_gitignore(folder: Path, pattern: str, paths: list[str]) -> None:
    assert listed(folder, pattern) == paths


def test_path_of_a_file_here_names_its_document(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder / "docs" / "guide")
    assert listed(folder, "../keys.md") == ["keys.md"]
    assert listed(folder, str(folder / "docs" / "tool.py"), "start.md") == ["guide/start.md", "tool.py"]
    assert listed(folder, (folder / "docs" / "tool.py").as_uri()) == ["tool.py"]


def test_pattern_that_names_no_document_is_an_error(folder: Path) -> None:
    with pytest.raises(CitationNotFound, match=r"kyes\.md is not in release") as missing:
        output(folder, "ls", "kyes.md")
    assert "keys.md" in missing.value.cure


def test_get_prints_the_text_of_a_document(folder: Path) -> None:
    assert output(folder, "get", "docs/keys.md") == FILES["keys.md"]


def test_get_prints_several_texts_below_their_paths(folder: Path) -> None:
    assert output(folder, "get", "guide/*", "keys.md").splitlines()[:4] == [
        "==> docs/guide/deep/end.md <==",
        "# End",
        "",
        "Stop here.",
    ]


def test_get_as_json_has_the_text_of_each_document(folder: Path) -> None:
    (found,) = json.loads(output(folder, "get", "keys.md", "--json"))["documents"]
    assert (found["path"], found["kind"], found["text"]) == ("keys.md", "prose", FILES["keys.md"])


def test_ls_in_other_formats_has_a_row_per_document(folder: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(output(folder, "ls", "--format", "csv"))))
    assert [row["path"] for row in rows] == listed(folder)
    lines = output(folder, "ls", "--format", "jsonl").splitlines()
    assert [json.loads(line)["path"] for line in lines] == listed(folder)
    assert (
        output(folder, "ls", "*.py", "--format", "md").splitlines()[2].startswith("| tool.py | code | python | 1 |")
    )


def test_json_and_another_format_exclude_each_other(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="--json and --format"):
        output(folder, "ls", "--json", "--format", "csv")
