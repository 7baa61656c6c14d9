"""Generate a skill: draft it, verify it beside its place, and move it there when it works."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from omni_pipelines.error_codes import CoreErrorCode
from omni_pipelines.errors import ConfigurationError, OmniError
from omni_pipelines.skills.folder import SkillFolder
from omni_pipelines.skills.generation.drafts import SkillDraft, SkillRequest
from omni_pipelines.skills.placement import contents, difference, put_in_place, staging

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
        with staging(self._staging) as stage:
            made, repairs = self._working(stage, request, draft, verify)
            permissions = SkillFolder(stage / request.name).metadata.permissions
            target = self._folder / request.name
            changes = difference(contents(target), made.files)
            if not changes:
                return GeneratedSkill(target, made, GenerationOutcome.UNCHANGED, permissions, repairs, "")
            if keep and target.exists() and not replace:
                cure = "see the difference with --dry-run, and replace it with --force; or give another name"
                raise ConfigurationError(f"there is another skill in {target}", cure=cure)
            outcome = GenerationOutcome.PLANNED
            if keep:
                outcome = GenerationOutcome.REPLACED if target.exists() else GenerationOutcome.NEW
                put_in_place(stage / request.name, target)
        return GeneratedSkill(target, made, outcome, permissions, repairs, changes)

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
