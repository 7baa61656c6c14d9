"""`omni skill install`, `update` and `remove`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from omni_pipelines.cli.command import Rows, command
from omni_pipelines.cli.commands.skill_generate import SKILLS
from omni_pipelines.cli.dependencies import AnyHome
from omni_pipelines.cli.output import narrate, say, visible
from omni_pipelines.home import Home
from omni_pipelines.skills.installing import InstallOutcome, SkillInstallation, SkillInstaller

NameArgument = Annotated[str, Argument(metavar="NAME", help="The name of an installed skill.")]
ForceOption = Annotated[
    bool, Option("--force", help="Do it even if the skill there came from elsewhere, or was changed.")
]


@dataclass(frozen=True)
class RemovedSkill:
    """A skill that was removed."""

    name: str
    folder: Path


def _show(result: Rows[SkillInstallation]) -> None:
    for each in result.rows:
        say(visible(f"{each.name}: {each.outcome}, checksum {each.digest}"))
        if each.outcome is InstallOutcome.UPDATED:
            for line in each.difference.splitlines():
                say(visible(line))
        if each.outcome is not InstallOutcome.UNCHANGED:
            narrate(f"read {each.folder}, then run: omni skill trust {each.name}")


def _show_removed(removed: RemovedSkill) -> None:
    say(visible(f"{removed.name}: removed {removed.folder}"))


@command(_show)
def install(
    home: AnyHome,
    source: Annotated[
        str, Argument(metavar="SOURCE", help="A folder, an archive, or the URL of a git repository, URL#BRANCH.")
    ],
    name: Annotated[str, Option("--name", help="Install only the skill with this name.", show_default=False)] = "",
    checksum: Annotated[str, Option(help="Install the skill only if it has this checksum.", show_default=False)] = "",
    force: ForceOption = False,
) -> Rows[SkillInstallation]:
    """Copy the skills of a folder, an archive or a git repository into the project, after checking them.

    It runs no code of a skill, and keeps the source and checksum for omni skill update. Before a skill can be used,
    you must trust it: omni skill trust.
    """
    source = str(Path(source).expanduser().absolute()) if Path(source).expanduser().exists() else source
    return Rows("skills", _installer(home).install(source, name=name, digest=checksum, replace=force))


@command(_show)
def update(home: AnyHome, name: NameArgument, force: ForceOption = False) -> Rows[SkillInstallation]:
    """Install a skill again from its source, and show what has changed."""
    return Rows("skills", [_installer(home).update(name, replace=force)])


@command(_show_removed)
def remove(home: AnyHome, name: NameArgument, force: ForceOption = False) -> RemovedSkill:
    """Remove a skill that omni skill install put into the project."""
    return RemovedSkill(name, _installer(home).remove(name, changed=force))


def _installer(home: Home) -> SkillInstaller:
    project = home.root.parent
    return SkillInstaller(project / SKILLS, project)
