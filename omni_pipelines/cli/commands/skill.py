"""`omni skill`."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from omni_pipelines.agent_tools.shipped import shipped_tools
from omni_pipelines.agent_tools.skill_commands import SkillCommands
from omni_pipelines.cli.approval_prompt import TerminalApprover, YesOption
from omni_pipelines.cli.command import Result, Rows, Verbatim, command
from omni_pipelines.cli.commands.tool import SESSION, ArgumentsArgument, call_result
from omni_pipelines.cli.confirmation import confirmed
from omni_pipelines.cli.dependencies import AnyHome, HomeSettings
from omni_pipelines.cli.output import narrate, say, visible
from omni_pipelines.cli.release_options import RefreshedHome
from omni_pipelines.cli.text import say_table
from omni_pipelines.cli.views.system import show_response
from omni_pipelines.errors import ConfigurationError, ModelMissing, OmniError, nearest
from omni_pipelines.permissions.approvers import YesTo
from omni_pipelines.permissions.files import permission_files
from omni_pipelines.responses import ToolResponse
from omni_pipelines.settings import Settings
from omni_pipelines.skills.checks import Count, check_skill, example_skill
from omni_pipelines.skills.command import SCRIPTS
from omni_pipelines.skills.commands import CommandIndex
from omni_pipelines.skills.confined_tests import require_pytest
from omni_pipelines.skills.folder import SkillFolder
from omni_pipelines.skills.library import FoundSkill, SkillLibrary, SkillOrigin
from omni_pipelines.skills.problems import SkillProblem
from omni_pipelines.tools.definition import JsonObject

NameArgument = Annotated[str, Argument(metavar="NAME", help="The name of a skill.")]


@dataclass(frozen=True)
class ShownCommand:
    """A command of a skill."""

    name: str
    """As `omni skill run` wants it."""
    description: str
    parameters: JsonObject


@dataclass(frozen=True)
class ShownSkill:
    """A skill, as it is printed."""

    name: str
    origin: SkillOrigin
    folder: Path
    description: str
    version: str
    permissions: Sequence[str]
    """What it may ask for: nothing while it is not trusted."""
    trusted: bool
    problem: str
    warnings: Sequence[str]
    shadows: Sequence[Path]
    files: Sequence[str]
    commands: Sequence[ShownCommand] = ()


@dataclass(frozen=True)
class SkillCheck:
    """The result of a check."""

    skill: str
    folder: Path
    problems: Sequence[SkillProblem]

    @property
    def is_valid(self) -> bool:
        """Whether there is only advice."""
        return not any(problem.is_error for problem in self.problems)


def _show_list(result: Rows[ShownSkill]) -> None:
    rows = [(each.name, each.origin, _state(each), each.problem or each.description) for each in result.rows]
    say_table(("name", "from", "state", "description"), rows)
    for each in result.rows:
        for shadowed in each.shadows:
            narrate(f"note: {each.folder} is used, not {shadowed}")


def _state(skill: ShownSkill) -> str:
    return "broken" if skill.problem else "ok" if skill.trusted else "not trusted"


def _show_one(skill: ShownSkill) -> None:
    say(f"{skill.name} {skill.version}, {skill.origin}, {_state(skill)}")
    say(visible(skill.problem or skill.description))
    say(f"folder: {skill.folder}")
    say(f"may ask for: {', '.join(skill.permissions) or 'nothing'}")
    for name in skill.files:
        say(f"  {visible(name)}")
    for each in skill.commands:
        names = " ".join(f"{name}=…" for name in each.parameters.get("properties", {}))
        say(visible(f"omni skill run {each.name} {names}".rstrip() + f": {each.description}"))
    for warning in skill.warnings:
        narrate(f"note: {visible(warning)}")
    if not skill.trusted:
        narrate(f"read its files, then run: omni skill trust {skill.name}")


def _show_checks(result: Rows[SkillCheck]) -> None:
    for check in result.rows:
        for problem in check.problems:
            kind = "error" if problem.is_error else "advice"
            say(visible(f"{check.folder / problem.place}: {kind}: {problem.message}; {problem.cure}"))
        say(f"{check.skill}: {'valid' if check.is_valid else 'not valid'}")


@command(_show_list)
def list_(home: AnyHome) -> Rows[ShownSkill]:
    """List the skills: those of the project, your own, and the built-in ones."""
    library = SkillLibrary(home)
    return Rows("skills", [_shown(library, skill) for skill in library.skills().values()])


@command(_show_one)
def info(home: AnyHome, settings: HomeSettings, name: NameArgument) -> ShownSkill:
    """Show what a skill does, where it is, what it may ask for, and its commands."""
    library = SkillLibrary(home)
    skill = library.skill(name)
    shown = _shown(library, skill)
    if skill.problem or not shown.trusted:
        return shown
    try:
        found = CommandIndex(settings.cache).commands(skill.folder)
    except OmniError as error:
        return replace(shown, warnings=[*shown.warnings, error.message])
    commands = [
        ShownCommand(each.short_name, each.definition.description, each.definition.input_schema) for each in found
    ]
    return replace(shown, commands=commands)


@command(_show_checks)
def check(
    home: AnyHome,
    settings: HomeSettings,
    skill: Annotated[str | None, Argument(help="The name of a skill, or a folder.")] = None,
    every: Annotated[bool, Option("--all", help="Check all skills.")] = False,
    example: Annotated[
        bool, Option("--example", help="Print the SKILL.md of a skill that is as it should be.")
    ] = False,
) -> Verbatim | Result[Rows[SkillCheck]]:
    """Check skills strictly: head, files, size, and permissions against what the scripts use.

    The commands of a trusted skill are imported too, in a confined process. The exit code is 1 if a skill has an
    error; advice does not count as an error.
    """
    if example:
        return Verbatim(example_skill().read_text("utf-8").rstrip())
    library, count = SkillLibrary(home), _counter(settings)
    if every == (skill is not None):
        raise ConfigurationError("it is not said what to check", cure="give the name of a skill, a folder, or --all")
    folders = [each.folder for each in library.skills().values()] if skill is None else [_folder(library, skill)]
    capabilities = {name: policy.capability for name, policy in shipped_tools(home).policies.items()}
    trusted = {each.folder.path for each in library.skills().values() if library.is_trusted(each)}
    index = CommandIndex(settings.cache)
    checks = []
    for each in folders:
        problems = check_skill(each, count, capabilities)
        if each.path in trusted and not any(problem.is_error for problem in problems):
            problems = [*index.problems(each), *problems]
        checks.append(SkillCheck(each.name, each.path, problems))
    is_valid = all(each.is_valid for each in checks)
    return Result(Rows("checks", checks, valid=is_valid), exit_code=0 if is_valid else 1)


@command(_show_one)
def trust(
    home: AnyHome, name: NameArgument, yes: Annotated[bool, Option("--yes", help="Trust it without asking.")] = False
) -> ShownSkill:
    """Trust a skill of the project, as its files are now.

    Until then it may ask for nothing and none of its scripts runs, because it may come from somebody else.
    """
    library = SkillLibrary(home)
    skill = library.skill(name)
    if not library.is_trusted(skill) and not yes:
        wanted = ", ".join(skill.folder.metadata.permissions) or "nothing"
        for file in skill.folder.files:
            narrate(visible(f"  {skill.folder.path / file}"))
        cure = f"read its files; to trust it without a question: omni skill trust {name} --yes"
        if not confirmed(
            f"it asks for: {wanted}. Trust it?", otherwise=ConfigurationError(f"{name} is not trusted", cure=cure)
        ):
            raise typer.Exit(1)
    library.trust(skill)
    return _shown(library, skill)


@command(show_response)
def run(
    home: RefreshedHome,
    settings: HomeSettings,
    name: Annotated[str, Argument(metavar="SKILL.COMMAND", help="A command of a skill.")],
    arguments: ArgumentsArgument = None,
    yes: YesOption = None,
) -> Result[ToolResponse]:
    """Run a command of a skill, and print its data.

    Its code runs in a process without files, network and programs. It calls tools of omni that the skill declares;
    those that no grant allows must be approved. With --json, the whole response is printed.
    """
    library = SkillLibrary(home)
    skill = library.skill(name.partition(".")[0])
    if not library.is_trusted(skill):
        raise _not_trusted(name, "its commands do not run")
    skills = SkillCommands(library, settings.cache, [skill.name])
    if problem := skills.problems.get(skill.name):
        raise ConfigurationError(problem, cure=f"correct it, then run: omni skill check {skill.name}")
    tools = {each.short_name: tool for tool, each in skills.commands.items()}
    if name not in tools:
        cure = nearest(name, tools, "see: omni skill info NAME")
        raise ConfigurationError(f"there is no command {name!r}", cure=cure)
    approver = YesTo(yes or (), TerminalApprover())
    gatekeeper = skills.gatekeeper(shipped_tools(home), permission_files(home), SESSION, approver)
    return call_result(gatekeeper, tools[name], arguments or [])


@command(None)
def test(home: AnyHome, name: NameArgument) -> None:
    """Run the tests of a skill with pytest. Its exit code is that of pytest."""
    library = SkillLibrary(home)
    skill = library.skill(name)
    if not library.is_trusted(skill):
        raise _not_trusted(name, "its tests do not run")
    if not any(file.startswith("tests/") for file in skill.folder.files):
        raise ConfigurationError(f"{name} has no tests", cure=f"write {skill.folder.path / 'tests' / 'test_it.py'}")
    require_pytest()
    scripts = f"pythonpath={skill.folder.path / SCRIPTS}"
    words = [sys.executable, "-P", "-m", "pytest", "-q", "--import-mode=importlib", "-o", scripts, "tests"]
    done = subprocess.run(words, cwd=skill.folder.path, check=False)
    raise typer.Exit(done.returncode)


def _not_trusted(name: str, so: str) -> ConfigurationError:
    skill = name.partition(".")[0]
    cure = f"read its files, then run: omni skill trust {skill}"
    return ConfigurationError(f"{skill} is not trusted, so {so}", cure=cure)


def _folder(library: SkillLibrary, skill: str) -> SkillFolder:
    path = Path(skill).expanduser()
    if "/" in skill or path.is_dir():
        return SkillFolder(path.absolute())
    return library.skill(skill).folder


def _counter(settings: Settings) -> Count | None:
    from omni_pipelines.text.engines import load_counter

    try:
        return load_counter(settings).count
    except ModelMissing as error:
        narrate(f"note: sizes in tokens are not checked: {error.message}; {error.cure}")
        return None


def _shown(library: SkillLibrary, skill: FoundSkill) -> ShownSkill:
    folder = skill.folder
    is_broken = bool(skill.problem)
    metadata = None if is_broken else folder.metadata
    return ShownSkill(
        name=skill.name,
        origin=skill.origin,
        folder=folder.path,
        description=metadata.description if metadata else "",
        version=metadata.version if metadata else "",
        permissions=library.permissions(skill),
        trusted=library.is_trusted(skill),
        problem=skill.problem,
        warnings=[]
        if is_broken
        else [f"{each.place}: {each.message}; {each.cure}" for each in folder.field_problems],
        shadows=skill.shadows,
        files=folder.files,
    )
