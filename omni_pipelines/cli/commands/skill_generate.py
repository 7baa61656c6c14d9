"""`omni skill generate`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from omni_pipelines.agent_tools.shipped import ShippedTools, shipped_tools
from omni_pipelines.cli.command import command
from omni_pipelines.cli.dependencies import AnyHome, HomeSettings
from omni_pipelines.cli.output import narrate, say, visible
from omni_pipelines.home import Home
from omni_pipelines.settings import Settings
from omni_pipelines.skills.commands import CommandIndex
from omni_pipelines.skills.confined_tests import require_pytest
from omni_pipelines.skills.generation.drafts import SkillRequest, offline_draft
from omni_pipelines.skills.generation.generator import Draft, GenerationOutcome, SkillGenerator
from omni_pipelines.skills.generation.verification import SkillVerification
from omni_pipelines.skills.library import SkillLibrary

SKILLS = Path(".agents", "skills")
"""Where skills of a project are, for omni and for other agents."""


@dataclass(frozen=True)
class ShownGeneration:
    """What was generated, as it is printed."""

    skill: str
    folder: Path
    outcome: GenerationOutcome
    origin: str
    """The recipe or the language model."""
    repairs: int
    permissions: Sequence[str]
    files: Sequence[str]
    difference: str


def _show(generated: ShownGeneration) -> None:
    say(visible(f"{generated.skill}: {generated.outcome}, by {generated.origin}"))
    say(f"asks for: {', '.join(generated.permissions) or 'nothing'}")
    for name in generated.files:
        say(visible(f"  {generated.folder / name}"))
    if generated.outcome in (GenerationOutcome.PLANNED, GenerationOutcome.REPLACED):
        for line in generated.difference.splitlines():
            say(visible(line))
    if generated.outcome is not GenerationOutcome.PLANNED:
        narrate(f"read its files, then run: omni skill trust {generated.skill}")


@command(_show)
def generate(
    home: AnyHome,
    settings: HomeSettings,
    name: Annotated[
        str, Argument(help="Its name. Default: the first words of the description.", show_default=False)
    ] = "",
    description: Annotated[
        str, Option("--description", "-d", metavar="TEXT", help="What the skill does.", show_default=False)
    ] = "",
    permission: Annotated[
        list[str] | None,
        Option("--permission", "-p", metavar="CAPABILITY", help="What it may ask for at most. Repeatable."),
    ] = None,
    offline: Annotated[bool, Option("--offline", help="Use no language model, also if one is set.")] = False,
    dry_run: Annotated[bool, Option("--dry-run", help="Print the files, and write nothing.")] = False,
    force: Annotated[bool, Option("--force", help="Replace another skill of this name.")] = False,
) -> ShownGeneration:
    """Write a skill from a description, verify it, and put it into .agents/skills of the project.

    Without a language model, it comes from a recipe. What does not pass its check and its tests is not written.
    """
    if not description and " " in name.strip():
        name, description = "", name  # a sentence is no name
    require_pytest()
    request, shipped = SkillRequest.of(name, description, permission), shipped_tools(home)
    capabilities = {tool: policy.capability for tool, policy in shipped.policies.items()}
    project = home.root.parent
    generator = SkillGenerator(project / SKILLS, project)
    generated = generator.generate(
        request,
        _drafts(home, settings, request, shipped, offline=offline),
        SkillVerification(request, capabilities, CommandIndex(settings.cache)),
        replace=force,
        keep=not dry_run,
    )
    return ShownGeneration(
        request.name,
        generated.folder,
        generated.outcome,
        generated.draft.origin,
        generated.repairs,
        generated.permissions,
        sorted(generated.draft.files),
        generated.difference,
    )


def _drafts(home: Home, settings: Settings, request: SkillRequest, shipped: ShippedTools, *, offline: bool) -> Draft:
    model = settings.llm or settings.llm_model or settings.llm_url
    if offline or not model:
        return lambda problems: offline_draft(request)
    from omni_pipelines.skills.generation.model_draft import ModelDrafts, asking

    tools = [(tool, shipped.policies[tool.name].capability) for tool in shipped.catalog.tools]
    skills = [each for each in SkillLibrary(home).skills().values() if not each.problem]
    similar = [f"{each.name}: {each.folder.metadata.description}" for each in skills]
    narrate(f"asking {model}")
    return ModelDrafts(request, asking(settings), str(model), tools, similar)
