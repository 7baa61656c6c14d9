"""The ignore files that hold in a folder, as git has them: those of the folders down to it, and those of git.

Git's own are `.git/info/exclude` and the file that `core.excludesFile` names. A folder outside of any repository is
treated like the top folder of one. A repository inside a repository has only its own rules.
"""

from __future__ import annotations

import codecs
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from native.git_folders import repository_folders
from omni_pipelines.configuration import default_git_ignore_file, git_environment
from omni_pipelines.ignore_rules import IgnoreRules, Rule
from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.sources.model.file_reads import read_file
from omni_pipelines.sources.model.names import shown_name

NAME = ".gitignore"
MAX_BYTES = 1 << 20
"""Of one ignore file."""
_GIT_SECONDS = 10
_WITHOUT_RULES = (RefusalCode.VANISHED, RefusalCode.EMPTY, RefusalCode.SYMLINK, RefusalCode.NOT_REGULAR)
"""As in git, a link in the place of an ignore file is not followed."""


@dataclass(frozen=True)
class IgnoreFile:
    """The rules of one ignore file, for the paths below the folder of a source."""

    shown: str
    """Its path: in the source relative, elsewhere absolute."""
    kind: str
    rules: IgnoreRules
    above: str = ""
    """The way from the folder of the rules down to that of the source, if it is above, with a slash at its end."""
    inside: str = ""
    """The way from the folder of the source down to that of the rules, with a slash at its end."""


@dataclass(frozen=True)
class IgnoreFiles:
    """The ignore files that hold in one folder of a source; those that count more come last."""

    root: Path
    files: tuple[IgnoreFile, ...]
    notes: list[str] = field(default_factory=list)
    """Ignore files that cannot be read, one sentence each; all folders of a walk share the list."""

    @classmethod
    def above(cls, root: Path) -> IgnoreFiles:
        """Those that hold at the top of a source, without the `.gitignore` there.

        A rule above it that ignores the folder of the source itself does not hold: a person named that folder.
        """
        found = cls(root, ())
        top = next((folder for folder in (root, *root.parents) if repository_folders(folder / ".git")), root)
        way = root.relative_to(top).parts
        files = list(found._of_git(top, "/".join((*way, "")) if way else ""))
        for depth, name in enumerate(way):
            folder, below = top.joinpath(*way[:depth]), "/".join((*way[depth:], ""))
            files += found._file(folder / NAME, shown_name(str(folder / NAME)), NAME, above=below)
            path_in = partial(_way_to, name, below)
            while (deciding := _ignoring(files, path_in, is_folder=True)) is not None:
                files.remove(deciding[0])
        return cls(root, tuple(files), found.notes)

    def entered(self, folder: str, names: Sequence[str]) -> IgnoreFiles:
        """Those that hold in a folder of the source, given the names of the files and folders in it."""
        files = self.files
        if folder and ".git" in names and repository_folders(self.root / folder / ".git"):
            files = tuple(self._of_git(self.root / folder, "", inside=folder))
        if NAME in names:
            path = self.root / folder / NAME
            files = (*files, *self._file(path, shown_name(f"{folder}{NAME}"), NAME, inside=folder))
        return self if files is self.files else IgnoreFiles(self.root, files, self.notes)

    def ignoring(self, path: str, *, is_folder: bool) -> tuple[str, str] | None:
        """The kind of file that ignores a path, and its rule; None if none does.

        The folders above the path must not be ignored themselves.
        """
        found = _ignoring(self.files, lambda file: file.above + path[len(file.inside) :], is_folder=is_folder)
        if found is None:
            return None
        file, rule = found
        return file.kind, f"{file.shown}:{rule.line}: {rule.text}"

    def _of_git(self, top: Path, above: str, inside: str = "") -> Iterator[IgnoreFile]:
        """The ignore files that belong to a repository and not to one of its folders, the weaker first."""
        folders = repository_folders(top / ".git")
        places = {
            "global ignore file": _global_ignore_file(top),
            **({"info/exclude": folders.common / "info" / "exclude"} if folders is not None else {}),
        }
        for kind, path in places.items():
            target = Path(os.path.realpath(path))  # people keep it elsewhere and link it, and git follows the link
            yield from self._file(target, shown_name(str(path)), kind, above=above, inside=inside)

    def _file(self, path: Path, shown: str, kind: str, above: str = "", inside: str = "") -> Iterator[IgnoreFile]:
        try:
            raw, _ = read_file(path, MAX_BYTES)
        except Unreadable as error:
            if error.code not in _WITHOUT_RULES:
                self.notes.append(f"the rules of {shown} do not hold: {error.detail}")
            return
        if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):  # as PowerShell writes texts
            self.notes.append(f"the rules of {shown} do not hold: it is in UTF-16, and git reads UTF-8")
        if rules := IgnoreRules.of_file(raw):
            yield IgnoreFile(shown, kind, rules, above, inside)


def _way_to(name: str, below: str, file: IgnoreFile) -> str:
    """The path of a folder above the source as the rules of a file see it."""
    return file.above.removesuffix(below) + name


def _ignoring(
    files: Sequence[IgnoreFile], path_in: Callable[[IgnoreFile], str], *, is_folder: bool
) -> tuple[IgnoreFile, Rule] | None:
    """The rule that ignores a path, and its file. `path_in` gives the path as the rules of a file see it."""
    for file in reversed(files):
        rule = file.rules.deciding(path_in(file), is_folder=is_folder)
        if rule is not None:
            return None if rule.is_negative else (file, rule)
    return None


def _global_ignore_file(top: Path) -> Path:
    """The file that holds in all repositories of this user; it need not exist."""
    program = shutil.which("git")
    named = _configured(program, top) if program is not None else None
    return default_git_ignore_file() if named is None else top / named


def _configured(program: str, top: Path) -> str | None:
    """What `core.excludesFile` says for a repository; None if it says nothing."""
    command = [program, "-C", str(top), "config", "--type=path", "--null", "--get", "core.excludesFile"]
    try:
        result = subprocess.run(command, env=git_environment(), capture_output=True, timeout=_GIT_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return os.fsdecode(result.stdout.removesuffix(b"\0"))
