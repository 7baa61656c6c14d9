"""What a user may see when something goes wrong: what happened, where, and the cure.

OmniError                      exit 1   the domain said no
├── NoAnswer                            the evidence is too weak to answer
├── CitationNotFound                    nothing stands at the place a citation names
├── DeletionRefused                     a listing would delete more than it should
├── NotVerified                         a receipt does not agree with the release it names
├── TableBroken                         a table or index on disk fails its own checks
├── LanguageModelFailed                 a language model refused, or answered with what cannot be used
├── NetworkBlocked                      an answer leads to another host
├── ConfigurationError         exit 2   a setting, an option or an argument is wrong
│   ├── SourceMissing                   a path to ingest is not there or cannot be listed
│   ├── HomeError                       the home folder is missing or is not a home
│   └── ModelMissing                    a model was never pulled, or its files changed
└── RetryableError             exit 3   the same command may work in a moment
    ├── HomeBusy                        another process is writing to this home
    ├── UpstreamMoved                   a table changed while it was being indexed
    ├── NetworkUnreachable              nobody answers at an address
    ├── NetworkTimeout                  an answer did not come in time
    └── NetworkBadResponse              an answer is broken, or says that the server is not well
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import ClassVar


class OmniError(Exception):
    """Base of every error we raise. `cure` says what to do about it."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, cure: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure

    def __str__(self) -> str:
        return f"{self.message}; {self.cure}" if self.cure else self.message

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.message, self.cure))


def _rebuild(kind: type[OmniError], message: str, cure: str) -> OmniError:
    return kind(message, cure=cure)


class NoAnswer(OmniError):
    """The evidence is too weak to answer."""


class CitationNotFound(OmniError):
    """Nothing stands at the place a citation names."""


class NotVerified(OmniError):
    """A receipt does not agree with the release it names, or with itself."""


class DeletionRefused(OmniError):
    """A listing would delete more documents than the guard allows."""


class TableBroken(OmniError):
    """A table or an index on disk fails its own checks."""


class LanguageModelFailed(OmniError):
    """A language model refused, or answered with what cannot be used."""

    code = "7005"


class NetworkBlocked(OmniError):
    """An answer leads to another host, which nobody allowed."""

    code = "6003"


class ConfigurationError(OmniError):
    """A setting, an option or an argument is wrong."""

    exit_code = 2


class SourceMissing(ConfigurationError):
    """A path to ingest is not there or cannot be listed."""


class HomeError(ConfigurationError):
    """The home folder is missing, or something else stands in its place."""


class ModelMissing(ConfigurationError):
    """A model was never pulled, or its files are not what they were."""


class ToolNotFoundError(OmniError):
    """There is no tool of this name."""

    code: ClassVar[str] = "3001"
    exit_code = 2

    def __init__(self, tool: str, available_tools: Sequence[str] = ()) -> None:
        near = difflib.get_close_matches(tool, available_tools, n=1)
        cure = f"did you mean {near[0]}?" if near else f"tools: {', '.join(available_tools)}"
        super().__init__(f"there is no tool {tool!r}", cure=cure)
        self.tool, self.available_tools = tool, tuple(available_tools)

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.tool, self.available_tools))


class RetryableError(OmniError):
    """The same command may work in a moment."""

    exit_code = 3


class HomeBusy(RetryableError):
    """Another process is writing to this home."""


class UpstreamMoved(RetryableError):
    """A table changed while it was being indexed."""


class NetworkUnreachable(RetryableError):
    """Nobody answers at an address."""

    code = "6001"


class NetworkTimeout(RetryableError):
    """An answer did not come in time."""

    code = "6002"


class NetworkBadResponse(RetryableError):
    """An answer is broken, or says that the server is not well."""

    code = "6004"
