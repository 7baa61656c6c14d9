"""Skills as prompts: a person picks one in their client, and its instructions begin the conversation."""

from mcp_types import GetPromptResult, ListPromptsResult, Prompt, PromptMessage, TextContent

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.skills.library import FoundSkill, SkillLibrary


def list_prompts(library: SkillLibrary) -> ListPromptsResult:
    """The skills that can be read and are trusted, by name."""
    skills = [each for each in library.skills().values() if _is_offered(library, each)]
    return ListPromptsResult(
        prompts=[Prompt(name=each.name, description=each.folder.metadata.description) for each in skills]
    )


def get_prompt(library: SkillLibrary, name: str) -> GetPromptResult:
    """The instructions of a skill.

    Raises:
        ConfigurationError: there is none with this name, or it cannot be read, or is not trusted.
    """
    skill = library.skill(name)
    if not _is_offered(library, skill):
        reason = skill.problem or f"its owner has not trusted it: omni skill trust {name}"
        raise ConfigurationError(f"the skill {name} cannot be used", cure=reason)
    text = TextContent(type="text", text=skill.folder.head.body.strip())
    return GetPromptResult(
        description=skill.folder.metadata.description, messages=[PromptMessage(role="user", content=text)]
    )


def _is_offered(library: SkillLibrary, skill: FoundSkill) -> bool:
    return not skill.problem and library.is_trusted(skill)
