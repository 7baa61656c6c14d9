"""Capabilities such as `files:write`, and the patterns that name several of them.

A pattern is compared segment by segment, so `git:*` never means `github:read`. A capability is what a call needs; a
pattern is what a rule names.
"""

import re

from omni_pipelines import events
from omni_pipelines.errors import ConfigurationError

_SEGMENT = r"[A-Za-z0-9_-]+"
_CAPABILITY = re.compile(rf"{_SEGMENT}(:{_SEGMENT})+", re.ASCII)
_PATTERN = re.compile(rf"(({_SEGMENT}|\*):)*({_SEGMENT}|\*{{1,2}})", re.ASCII)
MAX_LENGTH = 200


def check_capability(text: str) -> str:
    """Return a capability: two or more segments of letters, digits, `_` and `-`.

    Raises:
        ConfigurationError: it is not one.
    """
    if len(text) > MAX_LENGTH or not _CAPABILITY.fullmatch(text):
        raise ConfigurationError(f"{text!r} is not a capability", cure="write CATEGORY:ACTION, such as files:read")
    return text


def check_pattern(text: str) -> str:
    """Return a pattern: `*` is exactly one segment; `**`, only at the end, is any number of them.

    Raises:
        ConfigurationError: it is not one.
    """
    if len(text) > MAX_LENGTH or not _PATTERN.fullmatch(text):
        raise ConfigurationError(
            f"{text!r} is not a pattern of capabilities", cure="write files:read, files:* or files:**"
        )
    return text


def names(pattern: str, capability: str) -> bool:
    """Whether a pattern names a capability. Letters must be equal, their case included.

    Raises:
        ConfigurationError: the pattern or the capability is not valid.
    """
    return events.matches(_as_topic(check_pattern(pattern)), _as_topic(check_capability(capability)))


def _as_topic(text: str) -> str:
    return text.replace(":", "/")


def capability_of_tool(name: str) -> str:
    """The capability that a tool needs if nothing else is said of it: `git.log` needs `git:log`."""
    return check_capability(name.replace(".", ":"))
