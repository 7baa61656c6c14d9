"""Estimates how many calls of tools a task deserves, and which skill fits it."""

import re
from collections.abc import Mapping, Sequence

from omni_pipelines.errors import ConfigurationError

DEFAULT, BUFFER, WIDE = 2, 1, 2
"""Calls of a task without a known verb; added to every task; added to a task about many things."""
MAX_CALLS = 25
"""To which a task that makes progress is extended."""
_VERBS: Mapping[str, int] = {
    **dict.fromkeys(("analyze", "analyse", "list", "find", "show", "get"), 2),
    **dict.fromkeys(("edit", "update", "change", "modify", "replace", "fix", "check"), 3),
    **dict.fromkeys(("create", "add", "implement", "write"), 4),
    **dict.fromkeys(("refactor", "restructure", "migrate"), 6),
    **dict.fromkeys(("debug", "troubleshoot", "investigate"), 5),
}
_WIDE = re.compile(r"\b(?:all|every|each|multiple|across|project-wide)\b", re.IGNORECASE)
_SKILLS: Sequence[tuple[str, str]] = (
    ("writer", "write edit replace update modify documentation readme polish style lint grammar typo"),
    ("grep", "search find grep pattern occurrence where"),
    ("runner", "run execute test tests build install command"),
    ("git", "git commit branch merge push pull diff log status"),
    ("file_ops", "file files folder directory read list copy move delete rename"),
)


class AdaptivePlanner:
    """Estimates by the verb that comes first in a task. Whole words count, so "package" holds no "all"."""

    def estimate_steps(self, task: str) -> int:
        """The calls that a task deserves, including one in reserve."""
        words = re.findall(r"[\w-]+", task.lower())
        base = next((calls for word in words if (calls := _calls_of(word))), DEFAULT)
        return base + (WIDE if _WIDE.search(task) else 0) + BUFFER

    def suggest_skill(self, task: str) -> str | None:
        """The first skill of writer, grep, runner, git, file_ops whose words a task has; None if there is none."""
        words = set(re.findall(r"\w+", task.lower()))
        return next((name for name, known in _SKILLS if words & set(known.split())), None)

    def analyze_task(self, task: str) -> tuple[int, str]:
        """The estimate, and a draft of a plan in words."""
        steps, skill = self.estimate_steps(task), self.suggest_skill(task)
        using = f" with {skill}" if skill else ""
        return steps, f"PLAN: look at what the task names{using}, do it, check the result; about {steps} calls"

    def extended(self, task: str, limit: int) -> int:
        """The limit of a task that makes progress and has reached its limit.

        Raises:
            ConfigurationError: the limit is below 1.
        """
        if limit < 1:
            raise ConfigurationError(f"a limit of {limit} calls allows none")
        return min(limit + self.estimate_steps(task), max(MAX_CALLS, limit))


def _calls_of(word: str) -> int:
    """The calls of a verb, also in the forms `fixes`, `fixed` and `fixing`; 0 for another word."""
    for ending in ("", "s", "es", "ed", "d", "ing"):
        stem = word.removesuffix(ending) if ending else word
        for verb in (stem, f"{stem}e") if ending == "ing" else (stem,):
            if (not ending or word != stem) and verb in _VERBS:
                return _VERBS[verb]
    return 0
