"""What is taken for a git repository: the same for listing ignore files as for reading revisions."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from native.errors import RepositoryUnreadable
from native.git_folders import RepositoryFolders, first_line, repository_folders
from native.git_objects import open_repository
from omni_pipelines.sources.local.ignore_files import IgnoreFiles


def repository(folder: Path) -> Path:
    (folder / "objects").mkdir(parents=True)
    (folder / "HEAD").write_text("ref: refs/heads/main\n")
    return folder


def test_a_folder_and_a_file_that_names_one_are_repositories(tmp_path: Path) -> None:
    git = repository(tmp_path / "top" / ".git")
    assert repository_folders(git) == RepositoryFolders(git, git)
    link = tmp_path / "linked" / ".git"
    link.parent.mkdir()
    link.write_text("gitdir: ../top/.git\n")
    assert repository_folders(link) == RepositoryFolders(git, git)


def test_a_linked_working_tree_shares_objects(tmp_path: Path) -> None:
    git = repository(tmp_path / "top" / ".git")
    own = git / "worktrees" / "second"
    own.mkdir(parents=True)
    (own / "HEAD").write_text("ref: refs/heads/second\n")
    (own / "commondir").write_text("../..\n")
    link = tmp_path / ".git"
    link.write_text(f"gitdir: {own}\n")
    assert repository_folders(link) == RepositoryFolders(own, git)


@pytest.mark.parametrize(
    "said", ["gitdir: ../nowhere", "gitdir: .", "gitdir: ", "anything", "", "gitdir: a\0b", "\0"]
)
def test_a_git_file_that_leads_nowhere_is_no_repository_for_anybody(tmp_path: Path, said: str) -> None:
    """The repository around it counts then, as for git's own files inside a folder that only looks like one."""
    repository(tmp_path / ".git").joinpath("info").mkdir()
    (tmp_path / ".git" / "info" / "exclude").write_text("*.log\n")
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / ".git").write_text(said)
    assert repository_folders(inner / ".git") is None
    ignored = IgnoreFiles.above(inner).ignoring("a.log", is_folder=False)
    assert ignored is not None
    assert ignored[0] == "info/exclude"


def test_pipes_and_folders_in_the_place_of_files_are_no_repository(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".git")
    assert repository_folders(tmp_path / ".git") is None
    (tmp_path / "x" / "HEAD").mkdir(parents=True)
    assert repository_folders(tmp_path / "x") is None
    assert first_line(tmp_path / "x") == ""


@pytest.mark.skipif(os.geteuid() == 0, reason="root may enter every folder")
def test_a_closed_folder_is_no_repository_and_raises_nothing(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    repository(closed / "top" / ".git")
    closed.chmod(0)
    try:
        assert repository_folders(closed / "top" / ".git") is None
        with pytest.raises(RepositoryUnreadable), open_repository("git", closed / "top"):
            pass
    finally:
        closed.chmod(0o700)
