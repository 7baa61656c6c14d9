"""What the program itself says about a tool: which capability it needs, what it does, and what its arguments name.

A tool says such things of itself too (`read_only`), but nobody has to believe it: a tool without a policy is treated
as one that runs programs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from omni_pipelines.permissions.capabilities import capability_of_tool
from omni_pipelines.permissions.scopes import folder_path, web_host

Arguments = Mapping[str, object]


class Effect(StrEnum):
    """The most that a call can do."""

    READ = "read"
    WRITE = "write"
    RUN = "run"
    SEND = "send"


def no_preview(arguments: Arguments) -> str:
    """Nothing to show besides the arguments."""
    return ""


@dataclass(frozen=True)
class ToolPolicy:
    """What one tool needs and does. It comes from the program, never from the tool or from a file of a project."""

    capability: str
    effect: Effect
    paths: tuple[str, ...] = ()
    """Names of the arguments that are paths in the folder of the project."""
    covers_folders: bool = False
    """Whether a call with a folder reaches everything below it."""
    urls: tuple[str, ...] = ()
    """Names of the arguments that are addresses."""
    is_known: bool = True
    """Whether `paths` and `urls` are all that a call reaches; False for a tool about which only its name is known."""
    is_untrusted: bool = True
    """Whether the result can hold text that somebody else wrote, such as a document or a file."""
    preview: Callable[[Arguments], str] = field(default=no_preview, compare=False)
    """What a person sees before they approve a call, such as the difference that an edit makes."""


@dataclass(frozen=True)
class Action:
    """What one call needs."""

    capability: str
    effect: Effect
    paths: tuple[str, ...] = ()
    """Paths in the folder of the project, normalised; "" is the folder itself."""
    hosts: tuple[str, ...] = ()
    covers_folders: bool = False
    is_known: bool = True


def policy_of(name: str, policies: Mapping[str, ToolPolicy]) -> ToolPolicy:
    """The policy of a tool. One that has none may do anything as far as we know.

    Raises:
        ConfigurationError: the name cannot be a capability.
    """
    return policies.get(name) or ToolPolicy(capability_of_tool(name), Effect.RUN, is_known=False)


def action_of(policy: ToolPolicy, arguments: Arguments) -> Action:
    """What a call needs. The arguments have the types that the tool says.

    Raises:
        SecurityError: a path leads out of the folder, or an address cannot be used.
    """
    return Action(
        policy.capability,
        policy.effect,
        tuple(map(folder_path, _paths(policy, arguments))),
        tuple(web_host(url) for name in policy.urls for url in _texts(arguments.get(name))),
        policy.covers_folders,
        policy.is_known,
    )


def _paths(policy: ToolPolicy, arguments: Arguments) -> list[str]:
    """The paths that a call names; one that is left out is the folder itself."""
    return [text for name in policy.paths for text in _texts(arguments.get(name, ""))]


def _texts(value: object) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [each for each in values if isinstance(each, str)]
