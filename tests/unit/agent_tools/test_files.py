"""The tools for files: what they read, list, find and change, and what a person sees before a change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from omni_pipelines.agent_tools.files import MAX_LISTED, FileTools
from omni_pipelines.agent_tools.scoped_files import MAX_FILE_BYTES
from omni_pipelines.permissions.scopes import ScopedFolder
from omni_pipelines.responses import ToolResponse
from omni_pipelines.tools.catalog import ToolCatalog

TOKEN = "ghp_" + "a8Kd93jX0qPz7LmN4vRt6WyB1cEf2GhJ5sUo"
GUIDE = "# Guide\n\nInstall it.\nRun it.\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    for name, text in {
        "docs/guide.md": GUIDE,
        "docs/deep/more.md": "More.\n",
        "main.py": "print('run')\n",
        ".env": "KEY=1",
        "node_modules/x/index.js": "run()",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture
def tools(project: Path) -> FileTools:
    return FileTools(ScopedFolder(project))


@pytest.fixture
def catalog(tools: FileTools) -> ToolCatalog:
    catalog = ToolCatalog()
    catalog.add(tools.read, tools.list_, tools.grep, tools.write, tools.edit)
    return catalog


def call(catalog: ToolCatalog, name: str, **arguments: Any) -> ToolResponse:
    return catalog.call(f"files.{name}", arguments)


def test_lines_of_a_file_are_read(catalog: ToolCatalog) -> None:
    lines = call(catalog, "read", path="docs/guide.md", first_line=3, lines=1).unwrap()
    assert lines == {
        "path": "docs/guide.md", "first_line": 3, "last_line": 3, "total_lines": 4, "text": "Install it.\n"
    }  # fmt: skip
    assert call(catalog, "read", path="docs/guide.md", first_line=9).unwrap()["text"] == ""


def test_secret_in_a_file_is_masked(catalog: ToolCatalog, project: Path) -> None:
    (project / "settings.ini").write_text(f"token = {TOKEN}\n")
    assert TOKEN not in str(call(catalog, "read", path="settings.ini").unwrap())
    assert TOKEN not in str(call(catalog, "grep", pattern="token").unwrap())


@pytest.mark.parametrize(
    "content", [b"\0binary", b"\xff\xfe", b"a" * (MAX_FILE_BYTES + 1)], ids=["nul", "latin", "large"]
)
def test_file_that_is_no_text_is_refused_with_a_cure(catalog: ToolCatalog, project: Path, content: bytes) -> None:
    (project / "file").write_bytes(content)
    response = call(catalog, "read", path="file")
    assert (response.error_code, bool(response.metadata["cure"])) == ("1001", True)
    assert call(catalog, "grep", pattern="a", path="file").unwrap() == {"matches": [], "is_complete": True}


def test_list_leaves_out_hidden_and_third_party_files(catalog: ToolCatalog) -> None:
    assert call(catalog, "list").unwrap()["entries"] == ["docs/", "main.py"]
    below = call(catalog, "list", path="docs", recursive=True).unwrap()["entries"]
    assert below == ["docs/deep/", "docs/deep/more.md", "docs/guide.md"]


def test_long_list_says_how_much_is_left_out(catalog: ToolCatalog, project: Path) -> None:
    (project / "many").mkdir()
    for number in range(MAX_LISTED + 3):
        (project / "many" / f"{number:05}").touch()
    listed = call(catalog, "list", path="many").unwrap()
    assert (len(listed["entries"]), listed["left_out"]) == (MAX_LISTED, 3)


@pytest.mark.parametrize("path", ["", "docs", "docs/guide.md"])
def test_grep_finds_lines_in_a_file_and_below_a_folder(catalog: ToolCatalog, path: str) -> None:
    found = call(catalog, "grep", pattern="^(Run|Install) it", path=path).unwrap()
    assert [(match["path"], match["line"]) for match in found["matches"]] == [
        ("docs/guide.md", 3),
        ("docs/guide.md", 4),
    ]


def test_expression_that_takes_exponential_time_elsewhere_is_answered(catalog: ToolCatalog, project: Path) -> None:
    (project / "a.txt").write_text("a" * 50_000 + "!\n")
    assert call(catalog, "grep", pattern="^(a|a)*$", path="a.txt").unwrap()["matches"] == []


def test_expression_that_is_not_valid_is_an_error(catalog: ToolCatalog) -> None:
    assert call(catalog, "grep", pattern="(").error_code == "1001"


def test_write_creates_and_replaces_a_file_and_keeps_its_permissions(catalog: ToolCatalog, project: Path) -> None:
    written = call(catalog, "write", path="new/folder/a.sh", text="one\n").unwrap()
    assert written == {"path": "new/folder/a.sh", "is_new": True, "size": 4}
    (project / "new/folder/a.sh").chmod(0o750)
    assert call(catalog, "write", path="new/folder/a.sh", text="two\n").unwrap()["is_new"] is False
    assert (project / "new/folder/a.sh").read_text() == "two\n"
    assert (project / "new/folder/a.sh").stat().st_mode & 0o777 == 0o750
    assert [each.name for each in (project / "new/folder").iterdir()] == ["a.sh"]


def test_write_through_another_name_of_a_file_changes_only_the_name_inside(
    catalog: ToolCatalog, project: Path, tmp_path: Path
) -> None:
    (tmp_path / "outside.md").write_text("outside")
    (project / "same.md").hardlink_to(tmp_path / "outside.md")
    assert call(catalog, "write", path="same.md", text="inside").is_success
    assert (tmp_path / "outside.md").read_text() == "outside"


@pytest.mark.parametrize("path", ["", "docs", "main.py/x", ".git/hooks/pre-commit"])
def test_write_to_what_is_no_file_of_the_project_is_refused(catalog: ToolCatalog, path: str) -> None:
    assert call(catalog, "write", path=path, text="x").is_success is False


def test_edit_replaces_the_one_passage(catalog: ToolCatalog, project: Path) -> None:
    assert call(catalog, "edit", path="docs/guide.md", old="Run it", new="Start it").is_success
    assert (project / "docs/guide.md").read_text() == GUIDE.replace("Run", "Start")


@pytest.mark.parametrize(
    ("old", "problem"),
    [("Stop it", "does not occur"), (" it.", "occurs 2 times"), ("Run it.", "nothing would change")],
)
def test_edit_that_is_not_clear_changes_nothing(catalog: ToolCatalog, project: Path, old: str, problem: str) -> None:
    response = call(catalog, "edit", path="docs/guide.md", old=old, new="Run it.")
    assert problem in str(response.error_message)
    assert (project / "docs/guide.md").read_text() == GUIDE


def test_preview_shows_what_an_edit_and_a_write_change(tools: FileTools) -> None:
    edit = tools.preview_edit({"path": "docs/guide.md", "old": "Run it", "new": "Start it"})
    assert "-Run it.\n+Start it.\n" in edit
    new = tools.preview_write({"path": "b.md", "text": "one\ntwo"})
    assert new.startswith("--- /dev/null\n+++ b.md\n")
    assert new.endswith("+two\n\\ no line end at the end of the file\n")
    long = tools.preview_write({"path": "b.md", "text": "line\n" * 1_000})
    assert long.endswith("more lines\n")
