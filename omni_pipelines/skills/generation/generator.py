"""Generate a skill: draft it, verify it beside its place, and move it there when it works."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import unified_diff
from enum import StrEnum
from pathlib import Path

from omni_pipelines.error_codes import CoreErrorCode
from omni_pipelines.errors import ConfigurationError, OmniError
from omni_pipelines.skills.folder import SkillFolder
from omni_pipelines.skills.generation.drafts import SkillDraft, SkillRequest

MAX_REPAIRS = 3
Draft = Callable[[Sequence[str]], SkillDraft]
"""Makes a draft. It gets the problems of its draft before, none for the first one."""
Verify = Callable[[SkillFolder], list[str]]
"""The problems of a skill; empty if it works."""


class GenerationFailed(OmniError, code=CoreErrorCode.TOOL_EXECUTION_FAILED):
    """No draft works. Nothing was written."""


class GenerationOutcome(StrEnum):
    """What came of a generation."""

    NEW = "new"
    REPLACED = "replaced"
    UNCHANGED = "unchanged"
    PLANNED = "planned"
    """It works, and was not written because that was not wanted."""


@dataclass(frozen=True)
class GeneratedSkill:
    """A skill that works."""

    folder: Path
    draft: SkillDraft
    outcome: GenerationOutcome
    permissions: tuple[str, ...]
    repairs: int
    """How often its draft was repaired."""
    difference: str
    """A unified diff from the skill that was there, or from nothing."""


class SkillGenerator:
    """Generates skills into one folder, which need not exist.

    Args:
        folder: the folder of the skills.
        staging: an existing folder of the same file system, for drafts.
    """

    def __init__(self, folder: Path, staging: Path) -> None:
        self._folder, self._staging = folder, staging

    def generate(
        self, request: SkillRequest, draft: Draft, verify: Verify, *, replace: bool = False, keep: bool = True
    ) -> GeneratedSkill:
        """Make drafts until one works, four at most, and move it to its place, whole or not at all.

        With `replace`, another skill of that name is replaced; without `keep`, nothing is written.

        Raises:
            GenerationFailed: no draft works; the message holds the problems of the last one.
            ConfigurationError: there is another skill of that name, and it may not be replaced.
        """
        with self._stage() as stage:
            made, repairs = self._working(stage, request, draft, verify)
            permissions = SkillFolder(stage / request.name).metadata.permissions
            target = self._folder / request.name
            before = _contents(target)
            difference = _difference(before, made.files)
            if not difference:
                return GeneratedSkill(target, made, GenerationOutcome.UNCHANGED, permissions, repairs, "")
            if keep and target.exists() and not replace:
                cure = "see the difference with --dry-run, and replace it with --force; or give another name"
                raise ConfigurationError(f"there is another skill in {target}", cure=cure)
            outcome = GenerationOutcome.PLANNED
            if keep:
                outcome = self._move(stage / request.name, target)
        return GeneratedSkill(target, made, outcome, permissions, repairs, difference)

    @contextmanager
    def _stage(self) -> Iterator[Path]:
        stage = Path(tempfile.mkdtemp(prefix=".omni-skill-", dir=self._staging))
        try:
            yield stage
        finally:
            shutil.rmtree(stage, ignore_errors=True)

    def _working(self, stage: Path, request: SkillRequest, draft: Draft, verify: Verify) -> tuple[SkillDraft, int]:
        problems: list[str] = []
        for repairs in range(MAX_REPAIRS + 1):
            made = draft(problems)
            folder = stage / request.name
            shutil.rmtree(folder, ignore_errors=True)
            made.write(folder)
            problems = verify(SkillFolder(folder))
            if not problems:
                return made, repairs
        told = "\n".join(f"- {each}" for each in problems)
        raise GenerationFailed(
            f"no draft of {request.name} works, and nothing was written; the last one has these problems:\n{told}",
            cure="say more exactly what it does, or use --offline",
        )

    def _move(self, made: Path, target: Path) -> GenerationOutcome:
        self._folder.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            made.rename(target)
            return GenerationOutcome.NEW
        old = made.with_name(f"{made.name}.old")
        target.rename(old)
        try:
            made.rename(target)
        except OSError:
            old.rename(target)
            raise
        return GenerationOutcome.REPLACED


def _contents(folder: Path) -> dict[str, str]:
    if not folder.is_dir():
        return {}
    return {name: (folder / name).read_text("utf-8", "replace") for name in SkillFolder(folder).files}


def _difference(before: dict[str, str], after: dict[str, str]) -> str:
    lines: list[str] = []
    for name in sorted(before.keys() | after.keys()):
        old, new = (files.get(name, "").splitlines(keepends=True) for files in (before, after))
        lines += unified_diff(
            old, new, name if name in before else "/dev/null", name if name in after else "/dev/null"
        )
    return "".join(lines)
