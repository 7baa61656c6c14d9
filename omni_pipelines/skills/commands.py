"""The commands of a skill: described once for each state of its files, and run in a process of their own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError

from native.durable import write_whole
from omni_pipelines.errors import ConfigurationError, OmniError
from omni_pipelines.responses import ToolResponse
from omni_pipelines.skills.command import SCRIPTS, CallTool, command_scripts
from omni_pipelines.skills.command_process import Work, run_in_process
from omni_pipelines.skills.folder import SkillFolder
from omni_pipelines.skills.problems import SkillProblem
from omni_pipelines.tools.definition import ToolDefinition
from omni_pipelines.tools.documents import check_tool

DESCRIBE_SECONDS, TEST_SECONDS = 20.0, 120.0
PREFIX = "skill"
"""The first word of the names of all commands, so that none has the name of another tool."""


@dataclass(frozen=True)
class SkillCommand:
    """A command of a skill as a tool."""

    folder: SkillFolder = field(compare=False)
    definition: ToolDefinition
    """Its name is `skill.SKILL.COMMAND`, with `_` for the hyphens of the skill."""
    timeout: float

    @property
    def name(self) -> str:
        """Its name without that of its skill."""
        return self.definition.name.rpartition(".")[2]

    @property
    def short_name(self) -> str:
        """`SKILL.COMMAND`, as people write it."""
        return f"{self.folder.name}.{self.name}"

    def run(self, arguments: Mapping[str, object], call_tool: CallTool) -> ToolResponse:
        """Run it in a process of its own; `call_tool` answers the tools that it calls.

        Raises:
            OmniError: as for `run_in_process`.
        """
        request = {"work": "run", "command": self.name, "arguments": dict(arguments)}
        return run_in_process(self.folder.path, Work(self.short_name, request, self.timeout), call_tool)


def tool_prefix(skill: str) -> str:
    """What the names of the commands of a skill begin with."""
    return f"{PREFIX}.{skill.replace('-', '_')}."


class CommandIndex:
    """What is known about the commands of skills: each state of a skill is described once, in a cache folder."""

    def __init__(self, cache: Path) -> None:
        self._folder = cache / "skill_commands" / version("omni-pipelines")

    def commands(self, folder: SkillFolder) -> list[SkillCommand]:
        """The commands of a skill, by name. Its scripts are imported, in a process of their own.

        Raises:
            OmniError: a script cannot be imported, or a command cannot be a tool.
        """
        if not command_scripts(folder.path):
            return []
        file = self._file(folder)
        described = _read(file)
        if described is None:
            described = _described(folder, Work(folder.name, {"work": "describe"}, DESCRIBE_SECONDS))
            _write(file, described)
        return [_command(folder, each) for each in described]

    def verified(self, folder: SkillFolder) -> list[SkillCommand]:
        """The same after the tests of the skill passed, in the same confined process.

        Raises:
            OmniError: as for `commands`; or there are no tests, or one failed: the message holds what failed.
        """
        described = _described(folder, Work(folder.name, {"work": "verify"}, TEST_SECONDS))
        _write(self._file(folder), described)
        return [_command(folder, each) for each in described]

    def problems(self, folder: SkillFolder) -> list[SkillProblem]:
        """Why the commands of a skill cannot be used; empty if they can."""
        try:
            self.commands(folder)
        except OmniError as error:
            return [SkillProblem(file=SCRIPTS, message=error.message, cure=error.cure)]
        return []

    def _file(self, folder: SkillFolder) -> Path:
        return self._folder / f"{folder.digest}.json"


def _described(folder: SkillFolder, work: Work) -> list[dict[str, Any]]:
    described: list[dict[str, Any]] = run_in_process(folder.path, work, _no_tools).unwrap()
    for each in described:
        _command(folder, each)
    return described


def _no_tools(name: str, arguments: Mapping[str, object]) -> ToolResponse:
    return ToolResponse.blocked(f"{name}: a script calls tools only while one of its commands runs")


def _command(folder: SkillFolder, described: Mapping[str, Any]) -> SkillCommand:
    document = dict(described["definition"])
    document["name"] = tool_prefix(folder.name) + str(document["name"]).rpartition(".")[2]
    if problems := check_tool(document):
        message = f"{folder.name}: {document['name']}: {problems[0].field}: {problems[0].message}"
        raise ConfigurationError(message, cure=problems[0].suggestion)
    return SkillCommand(folder, ToolDefinition.model_validate(document), float(described["timeout"]))


def _read(file: Path) -> list[dict[str, Any]] | None:
    try:
        return _DESCRIBED.validate_json(file.read_bytes())
    except (OSError, ValidationError):
        return None


def _write(file: Path, described: list[dict[str, Any]]) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, orjson.dumps(described))
    except OSError:
        pass  # it is described again the next time


_DESCRIBED = TypeAdapter(list[dict[str, Any]])
