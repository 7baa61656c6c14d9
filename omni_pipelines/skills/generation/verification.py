"""Whether a skill that was generated works: strict check, commands, least permissions, and its own tests."""

from collections.abc import Mapping

from omni_pipelines.errors import OmniError
from omni_pipelines.permissions.capabilities import names
from omni_pipelines.skills.checks import Count, check_skill
from omni_pipelines.skills.commands import CommandIndex
from omni_pipelines.skills.folder import SkillFolder
from omni_pipelines.skills.generation.drafts import SkillRequest
from omni_pipelines.skills.script_checks import called_tools


class SkillVerification:
    """Says what is wrong with a generated skill.

    Args:
        request: what it was generated for.
        capabilities: the capability that each tool needs.
        index: keeps the description of what works.
        count: counts tokens.
    """

    def __init__(
        self,
        request: SkillRequest,
        capabilities: Mapping[str, str],
        index: CommandIndex,
        count: Count | None = None,
    ) -> None:
        self._request, self._capabilities, self._index, self._count = request, capabilities, index, count

    def __call__(self, folder: SkillFolder) -> list[str]:
        """The problems, each with its place and cure; empty if it works.

        Its code runs only in the confined process, and only after everything else is right.
        """
        checked = [problem for problem in check_skill(folder, self._count, self._capabilities) if problem.is_error]
        if checked:
            return [f"{each.place}: {each.message}; {each.cure}" for each in checked]
        return self._permission_problems(folder) or self._failures(folder)

    def _permission_problems(self, folder: SkillFolder) -> list[str]:
        needed = {self._capabilities[tool] for tool in called_tools(folder)}
        declared = folder.metadata.permissions
        unused = [each for each in declared if not any(names(each, need) for need in needed)]
        refused = [each for each in declared if not self._request.allows(each)]
        return [
            *(f"it declares {each}, which none of its tools needs; leave it out" for each in unused),
            *(f"it declares {each}, which the person does not allow; do without it" for each in refused),
        ]

    def _failures(self, folder: SkillFolder) -> list[str]:
        try:
            if not self._index.verified(folder):
                return ["scripts: there is no command; decorate a function with @skill_command"]
        except OmniError as error:
            return ["; ".join(filter(None, (error.message, error.cure)))]
        return []
