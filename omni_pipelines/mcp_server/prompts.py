"""Skills as prompts: a person picks one in their client, and its instructions begin the conversation."""

from collections.abc import Mapping
from typing import Protocol

from mcp_types import GetPromptResult, ListPromptsResult, Prompt, PromptArgument, PromptMessage, TextContent

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.skills.library import FoundSkill, SkillLibrary

_TASK = PromptArgument(name="task", description="What to do with the skill, in your words.", required=False)


class Prompts(Protocol):
    """The prompts of a server. Its methods run in threads."""

    def list(self) -> ListPromptsResult:
        """All of them, in a fixed order."""
        ...

    def get(self, name: str, arguments: Mapping[str, str]) -> GetPromptResult:
        """The messages of one.

        Raises:
            OmniError: there is none with this name, or it cannot be used.
        """
        ...


class SkillPrompts:
    """The skills that can be read and are trusted."""

    def __init__(self, library: SkillLibrary) -> None:
        self._library = library

    def list(self) -> ListPromptsResult:
        """All of them, by name."""
        skills = [each for each in self._library.skills().values() if self._is_offered(each)]
        return ListPromptsResult(
            prompts=[
                Prompt(name=each.name, description=each.folder.metadata.description, arguments=[_TASK])
                for each in skills
            ]
        )

    def get(self, name: str, arguments: Mapping[str, str]) -> GetPromptResult:
        """The instructions of a skill, then the task of the person, if they said one.

        Raises:
            ConfigurationError: there is none with this name, or it cannot be read, or is not trusted.
        """
        skill = self._library.skill(name)
        if not self._is_offered(skill):
            reason = skill.problem or f"its owner has not trusted it: omni skill trust {name}"
            raise ConfigurationError(f"the skill {name} cannot be used", cure=reason)
        texts = [skill.folder.head.body.strip(), arguments.get(_TASK.name, "").strip()]
        return GetPromptResult(
            description=skill.folder.metadata.description,
            messages=[PromptMessage(role="user", content=TextContent(text=text)) for text in texts if text],
        )

    def _is_offered(self, skill: FoundSkill) -> bool:
        return not skill.problem and self._library.is_trusted(skill)
