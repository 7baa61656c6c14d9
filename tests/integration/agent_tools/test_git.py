"""The git tools on a real repository that is as hostile as one can be: it runs nothing, and gives nothing away."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from omni_pipelines.agent_tools.git import GitTools
from omni_pipelines.tools.catalog import ToolCatalog

TOKEN = "ghp_" + "a8Kd93jX0qPz7LmN4vRt6WyB1cEf2GhJ5sUo"


def git(folder: Path, *words: str) -> None:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two commits and a changed file; then every setting that makes git run a program."""
    root = tmp_path_factory.mktemp("repository")
    (root / "docs").mkdir()
    (root / "docs" / "a.md").write_text("one\n")
    (root / "b.bin").write_text("b\n")
    git(root, "init")
    git(root, "add", ".")
    git(root, "commit", "-m", "First")
    (root / "docs" / "a.md").write_text(f"two\ntoken = {TOKEN}\n")
    git(root, "commit", "-am", "Second\n\nWith a body.")
    (root / "docs" / "a.md").write_text("three\n")
    (root / "new.md").write_text("new\n")
    mark = f"touch {root.parent / 'ran'}"
    (root / ".gitattributes").write_text("* diff=evil filter=evil\n")
    hooks = root / ".git" / "hooks"
    (hooks / "post-index-change").write_text(f"#!/bin/sh\n{mark}\n")
    (hooks / "post-index-change").chmod(0o755)
    (root / ".git" / "config").write_text(
        "[core]\n\trepositoryformatversion = 0\n"
        f'\tfsmonitor = "{mark}"\n\tpager = "{mark}"\n\teditor = "{mark}"\n\thooksPath = hooks\n'
        f'[diff]\n\texternal = "{mark}"\n[diff "evil"]\n\tcommand = "{mark}"\n\ttextconv = "{mark}"\n'
        f'[filter "evil"]\n\tclean = "{mark}"\n\tsmudge = "{mark}"\n\tprocess = "{mark}"\n'
        f'[alias]\n\tstatus = "!{mark}"\n[include]\n\tpath = {root.parent}/outside\n'
    )
    return root


@pytest.fixture
def tools(repository: Path) -> ToolCatalog:
    return catalog_of(repository)


def catalog_of(folder: Path) -> ToolCatalog:
    catalog, tools = ToolCatalog(), GitTools(folder)
    catalog.add(tools.status, tools.diff, tools.log, tools.show)
    return catalog


def answered(tools: ToolCatalog, name: str, **arguments: Any) -> Any:
    return tools.call(f"git.{name}", arguments).unwrap()


def test_repository_that_configures_programs_runs_none(tools: ToolCatalog, repository: Path) -> None:
    status = answered(tools, "status")
    assert {each["path"]: each["state"] for each in status["changes"]} == {
        "docs/a.md": " M", "new.md": "??", ".gitattributes": "??"
    }  # fmt: skip
    assert "-two" in answered(tools, "diff")["text"]
    assert [each["subject"] for each in answered(tools, "log")] == ["Second", "First"]
    shown = answered(tools, "show")
    assert (shown["message"].strip(), shown["author"]) == ("Second\n\nWith a body.", "Ada")
    assert "+two" in shown["patch"]["text"]
    assert not (repository.parent / "ran").exists()


def test_secret_in_the_history_is_masked(tools: ToolCatalog) -> None:
    assert TOKEN not in answered(tools, "show")["patch"]["text"]
    assert TOKEN not in answered(tools, "diff")["text"]


def test_commits_are_compared_with_each_other_and_with_the_files(tools: ToolCatalog) -> None:
    between = answered(tools, "diff", since="HEAD~1", until="HEAD")["text"]
    assert "-one\n+two" in between
    assert "-one\n+three" in answered(tools, "diff", since="HEAD~1", path="docs")["text"]
    assert answered(tools, "diff", path="b.bin")["text"] == ""


def test_project_in_a_folder_of_the_repository_sees_only_that_folder(repository: Path) -> None:
    tools = catalog_of(repository / "docs")
    assert [each["path"] for each in answered(tools, "status")["changes"]] == ["a.md"]
    assert "b/a.md\n" in answered(tools, "diff", path="a.md")["text"]
    assert "b.bin" not in answered(tools, "show", rev="HEAD~1")["patch"]["text"]
    assert answered(tools, "log", path="nothing.md") == []


@pytest.mark.parametrize(
    "rev",
    ["--output=/tmp/x", "-O/etc/passwd", "HEAD\n--all", "HEAD..", "nothing", "", ":/First", "\0", "a" * 300, "@{-1}"],
)
def test_revision_that_is_none_reaches_git_as_nothing_else(tools: ToolCatalog, rev: str) -> None:
    response = tools.call("git.show", {"rev": rev})
    assert response.is_error or response.unwrap()["subject"] in ("First", "Second")


@pytest.mark.parametrize("path", ["../x", ":(top)b.bin", ":!docs", "--all", "-p", ":/", "*", "/etc/passwd"])
def test_path_is_a_plain_path_and_no_pattern_or_option(tools: ToolCatalog, path: str) -> None:
    response = tools.call("git.log", {"path": path})
    assert response.is_blocked or response.unwrap() == []


def test_folder_without_a_repository_is_an_error_with_a_cure(tmp_path: Path) -> None:
    response = catalog_of(tmp_path).call("git.status", {})
    assert (response.is_error, bool(response.metadata["cure"])) == (True, True)
