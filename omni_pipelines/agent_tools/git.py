"""The tools for the git repository of the project. They read it with plumbing under a configuration of ours."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field

from native.errors import RepositoryUnreadable
from native.git_objects import GitObjects, open_repository
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.permissions.scopes import folder_path
from omni_pipelines.text.secrets.masking import Masking, masked_text
from omni_pipelines.tools.signature import tool

MAX_OUTPUT_BYTES = 64 << 20
MAX_CHARACTERS, MAX_CHANGES = 60_000, 1_000
MAX_REVISION_LENGTH = 200
_PATCH = (
    "-p", "--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--ignore-submodules=all",
    "--diff-merges=first-parent",
)  # fmt: skip


class ChangedFile(BaseModel, frozen=True):
    """A file that differs from the last commit."""

    path: str
    state: str
    """Two letters as git status prints them: in the index, in the folder; ?? is a file that git does not know."""


class WorkingState(BaseModel, frozen=True):
    """What differs from the last commit."""

    commit: str
    changes: tuple[ChangedFile, ...]
    left_out: int = 0


class CommitLine(BaseModel, frozen=True):
    """A commit in a list."""

    commit: str
    author: str
    at: datetime
    subject: str


class Patch(BaseModel, frozen=True):
    """A unified diff. Secrets are masked."""

    text: str
    is_cut: bool


class ShownCommit(CommitLine, frozen=True):
    """A commit with its message and what it changed."""

    message: str
    patch: Patch


class GitTools:
    """The tools for the repository that a folder is in; they see only what is in that folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @tool("git.status", title="Changed files", category="git", read_only=True)
    def status(self, path: str = "") -> WorkingState:
        """List the files that differ from the last commit.

        Args:
            path: A file or a folder.
        """
        options = ("--porcelain=v1", "-z", "--no-renames", "--untracked-files=all", "--ignore-submodules=all")
        with self._repository() as repository:
            commit = repository.commit("HEAD")
            listed = self._run(repository, "status", *options, "--", self._within(repository, path))
            lines = [line for line in listed.split("\0") if line]
            start = 3 + len(self._prefix(repository))
        changes = tuple(ChangedFile(state=line[:2], path=line[start:]) for line in lines[:MAX_CHANGES])
        return WorkingState(commit=commit[0] if commit else "", changes=changes, left_out=len(lines) - len(changes))

    @tool("git.diff", title="Show changes", category="git", read_only=True)
    def diff(self, since: str = "HEAD", until: str = "", path: str = "") -> Patch:
        """Show what changed since a commit.

        Args:
            since: A commit, branch or tag.
            until: Another one; without it, the files as they are now.
            path: A file or a folder.
        """
        with self._repository() as repository:
            names = [_commit(repository, rev) for rev in (since, until) if rev]
            command = ("diff-tree", "-r") if until else ("diff-index",)
            options, within = self._patch_options(repository), self._within(repository, path)
            return _patch(self._run(repository, *command, *options, *names, "--", within))

    @tool("git.log", title="List commits", category="git", read_only=True)
    def log(
        self, rev: str = "HEAD", path: str = "", count: Annotated[int, Field(ge=1, le=200)] = 20
    ) -> list[CommitLine]:
        """List commits, newest first.

        Args:
            rev: Where to begin.
            path: Only commits that changed this.
            count: How many.
        """
        with self._repository() as repository:
            return self._commits(repository, _commit(repository, rev), path, count)

    @tool("git.show", title="Show a commit", category="git", read_only=True)
    def show(self, rev: str = "HEAD", path: str = "") -> ShownCommit:
        """Show the message of a commit and what it changed.

        Args:
            rev: A commit, branch or tag.
            path: Only changes of this.
        """
        with self._repository() as repository:
            name = _commit(repository, rev)
            message = self._run(repository, "rev-list", "--max-count=1", "--no-commit-header", "--format=%B", name)
            [line] = self._commits(repository, name, None, 1)
            patch = self._run(
                repository,
                "diff-tree",
                "--root",
                "--no-commit-id",
                "-r",
                *_PATCH,
                name,
                "--",
                self._within(repository, path),
            )
        return ShownCommit(**line.model_dump(), message=_masked(message)[:MAX_CHARACTERS], patch=_patch(patch))

    def _commits(self, repository: GitObjects, name: str, path: str | None, count: int) -> list[CommitLine]:
        form = "--format=%H%x00%an%x00%cI%x00%s"
        within = [] if path is None else ["--", self._within(repository, path)]
        text = self._run(repository, "rev-list", f"--max-count={count}", "--no-commit-header", form, name, *within)
        lines = (line.split("\0") for line in text.splitlines())
        fields = (line for line in lines if len(line) == 4)
        return [
            CommitLine(commit=name, author=_masked(author), at=datetime.fromisoformat(at), subject=_masked(subject))
            for name, author, at, subject in fields
        ]

    @contextmanager
    def _repository(self) -> Iterator[GitObjects]:
        program = shutil.which("git")
        if program is None:
            raise ConfigurationError("git is not installed", cure="install it")
        with open_repository(program, self._folder, with_files=True) as repository:
            yield repository

    def _prefix(self, repository: GitObjects) -> str:
        """The project as a folder of the repository, with a slash at its end; "" if it is all of the repository."""
        assert repository.root is not None
        inside = self._folder.resolve().relative_to(repository.root).as_posix()
        return "" if inside == "." else f"{inside}/"

    def _within(self, repository: GitObjects, path: str) -> str:
        return (self._prefix(repository) + folder_path(path)).rstrip("/") or "."

    def _patch_options(self, repository: GitObjects) -> tuple[str, ...]:
        prefix = self._prefix(repository)
        return (*_PATCH, f"--relative={prefix}") if prefix else _PATCH

    @staticmethod
    def _run(repository: GitObjects, *arguments: str) -> str:
        return repository.run(*arguments, limit=MAX_OUTPUT_BYTES).decode("utf-8", "replace")


def _commit(repository: GitObjects, rev: str) -> str:
    """The id of a commit: whatever else a revision says, it reaches git only as this."""
    found = repository.commit(rev) if len(rev) <= MAX_REVISION_LENGTH else None
    if found is None:
        raise RepositoryUnreadable(f"there is no revision {rev[:100]!r}", cure="name a branch, tag or commit")
    return found[0]


def _patch(text: str) -> Patch:
    return Patch(text=_masked(text[:MAX_CHARACTERS]), is_cut=len(text) > MAX_CHARACTERS)


def _masked(text: str) -> str:
    return masked_text(text, Masking())
