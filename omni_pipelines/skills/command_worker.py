"""The process in which the scripts of a skill run: one request, calls of tools meanwhile, one answer.

Requests and answers are lines of JSON on standard input and output. Before any script is imported, the process gives
up files, network and programs for the rest of its life.
"""

import importlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson

from native.confinement import Confinement, confine, python_paths
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.executors import CommandExecutor
from omni_pipelines.json_values import to_json_value
from omni_pipelines.responses import ToolResponse
from omni_pipelines.skills.command import SCRIPTS, answered_by, command_name, command_scripts, timeout_of
from omni_pipelines.skills.confined_tests import run_tests
from omni_pipelines.tools.catalog import ToolCatalog
from omni_pipelines.tools.definition import ToolExecution, to_document
from omni_pipelines.tools.signature import typed_tool

MEMORY_BYTES, OPEN_FILES = 2 << 30, 64


class _Parent:
    """The other end of the pipes."""

    def __init__(self) -> None:
        self._requests, self._answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):  # a script that prints must not corrupt a line
            os.dup2(nothing, number)

    def read(self) -> Any:
        return orjson.loads(self._requests.readline())

    def write(self, **line: object) -> None:
        self._answers.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        self._answers.flush()

    def begin(self) -> None:
        """Say that the time of the work begins now: that of the start is not its own."""
        self.write(ready=True)

    def call(self, name: str, arguments: Mapping[str, object]) -> ToolResponse:
        self.write(call=name, arguments=to_json_value(dict(arguments)))
        return ToolResponse.model_validate(self.read())


def main() -> None:
    """Answer one request."""
    parent = _Parent()
    request = parent.read()
    folder = Path(request["folder"])
    confine(Confinement(MEMORY_BYTES, OPEN_FILES, readable=(*python_paths(), str(folder))))
    os.chdir(folder)
    with answered_by(parent.call):
        response = CommandExecutor().execute(_WORK[request["work"]], folder, request, parent)
    parent.write(answer=response.model_dump(mode="json"))


def _describe(folder: Path, request: Mapping[str, Any], parent: _Parent) -> list[dict[str, object]]:
    """The commands: the definition of each, and the seconds that it may take."""
    parent.begin()
    return [
        {"definition": to_document(typed_tool(each).definition), "timeout": timeout_of(each)}
        for each in _commands(folder).values()
    ]


def _run(folder: Path, request: Mapping[str, Any], parent: _Parent) -> ToolResponse:
    """Call one command. Its arguments are checked, and retries made, by the process that asks."""
    function = _commands(folder)[request["command"]]
    parent.begin()
    definition = typed_tool(function).definition.model_copy(update={"execution": ToolExecution()})
    catalog = ToolCatalog()
    catalog.add_described(definition, function, typed_tool(function).converter)
    return catalog.call(definition.name, request["arguments"])


def _verify(folder: Path, request: Mapping[str, Any], parent: _Parent) -> list[dict[str, object]]:
    """The commands, after their tests passed."""
    described = _describe(folder, request, parent)
    run_tests(folder)
    return described


_WORK: Mapping[str, Callable[[Path, Mapping[str, Any], _Parent], object]] = {
    "describe": _describe,
    "run": _run,
    "verify": _verify,
}


def _commands(folder: Path) -> dict[str, Callable[..., object]]:
    """The commands of all scripts by name.

    Raises:
        ConfigurationError: a script cannot be imported, or two commands have the same name.
    """
    sys.path.append(str(folder / SCRIPTS))  # scripts import each other; last, so that they replace nothing
    found: dict[str, Callable[..., object]] = {}
    for path in command_scripts(folder):
        for function in _decorated(_imported(path)):
            name = command_name(function)
            if found.setdefault(name, function) is not function:
                raise ConfigurationError(f"{path.name}: there are two commands {name}", cure="rename one of them")
    return found


def _imported(path: Path) -> ModuleType:
    place = f"{SCRIPTS}/{path.name}"
    try:
        module = importlib.import_module(path.stem)
    except Exception as error:
        message = f"{place} cannot be imported: {type(error).__name__}: {error}"
        raise ConfigurationError(message, cure="correct it") from error
    if module.__file__ != str(path):
        raise ConfigurationError(f"{place} has the name of another module", cure="rename it")
    return module


def _decorated(module: ModuleType) -> Iterator[Callable[..., object]]:
    for value in vars(module).values():
        if callable(value) and timeout_of(value) is not None and value.__module__ == module.__name__:
            yield value
