"""What the scripts of a skill import: the decorator for its commands, and the call of a tool of omni.

A command runs in a process that has no files, network and programs. It reaches them only by the tools of omni, each
call of which passes the gatekeeper and must be covered by the permissions that the skill declares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypedDict, TypeVar, Unpack

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.responses import ToolResponse
from omni_pipelines.tools.signature import tool, typed_tool

F = TypeVar("F", bound=Callable[..., object])
CallTool = Callable[[str, Mapping[str, object]], ToolResponse]
"""Answers the call of a tool, by its name and arguments."""
SECONDS, MAX_SECONDS = 60.0, 3_600.0
SCRIPTS = "scripts"
_MARK = "__omni_skill_command__"


class CommandOptions(TypedDict, total=False):
    """The options of `tool`, which mean the same here."""

    title: str
    category: str
    version: str
    deprecated: bool
    read_only: bool
    destructive: bool
    idempotent: bool
    open_world: bool
    retry_on: tuple[str, ...]
    max_attempts: int
    cache_ttl: float


def skill_command(name: str = "", *, timeout: float = SECONDS, **options: Unpack[CommandOptions]) -> Callable[[F], F]:
    """Make a command of a typed function in `scripts/`. It can still be called as before.

    Args:
        name: of the command; by default that of the function.
        timeout: seconds that its code may take, without the tools that it calls.
        options: those of `omni_pipelines.tools.signature.tool`.

    Raises:
        ConfigurationError: as for `tool`, or the timeout is out of range.
    """
    if not 0 < timeout <= MAX_SECONDS:
        raise ConfigurationError(f"the timeout is {timeout:g} s", cure=f"give at most {MAX_SECONDS:,.0f} s")

    def mark(function: F) -> F:
        tool(f"skill.{name or function.__name__}", **options)(function)
        setattr(function, _MARK, timeout)
        return function

    return mark


def command_scripts(folder: Path) -> list[Path]:
    """The scripts of a skill that define commands. Others, which agents run with a shell, are not imported."""
    paths = sorted((folder / SCRIPTS).glob("*.py"))
    return [path for path in paths if not path.is_symlink() and skill_command.__name__.encode() in path.read_bytes()]


def timeout_of(function: object) -> float | None:
    """The seconds that a command may take; None if it is not decorated as one."""
    return getattr(function, _MARK, None)


def command_name(function: Callable[..., object]) -> str:
    """The name of a command, without that of its skill."""
    return typed_tool(function).definition.name.partition(".")[2]


_calling: ContextVar[CallTool | None] = ContextVar("calling", default=None)


@contextmanager
def answered_by(call: CallTool) -> Iterator[None]:
    """Let `call` answer the calls of tools in the block; tests of a skill give answers of their own."""
    token = _calling.set(call)
    try:
        yield
    finally:
        _calling.reset(token)


def call_tool(name: str, **arguments: object) -> Any:
    """Call a tool of omni, such as `files.read`, and return its data.

    Raises:
        OmniError: the skill does not declare the permission, a rule or the person refuses the call, or it failed.
    """
    call = _calling.get()
    if call is None:
        cure = "call the command through omni skill run, or in a test inside: with answered_by(…)"
        raise ConfigurationError(f"nothing answers the call of {name} here", cure=cure)
    return call(name, arguments).unwrap()
