"""What a user may see when something goes wrong: what happened, where, and the cure.

OmniError                      exit 1   the domain said no
├── NoAnswer                            the evidence is too weak to answer
├── CitationNotFound                    nothing stands at the place a citation names
├── DeletionRefused                     a listing would delete more than it should
├── TableBroken                         a table or index on disk fails its own checks
├── NotForgotten                        something of a forgotten document is still there
├── BundleRefused                       a file is no bundle, or not what was exported
├── ConfigurationError         exit 2   a setting, an option or an argument is wrong
│   ├── SourceMissing                   a path to ingest is not there or cannot be listed
│   ├── HomeError                       the home folder is missing or is not a home
│   └── ModelMissing                    a model was never pulled, or its files changed
└── RetryableError             exit 3   the same command may work in a moment
    ├── HomeBusy                        another process is writing to this home
    └── UpstreamMoved                   a table changed while it was being indexed
"""

from __future__ import annotations

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


class DeletionRefused(OmniError):
    """A listing would delete more documents than the guard allows."""


class TableBroken(OmniError):
    """A table or an index on disk fails its own checks."""


class NotForgotten(OmniError):
    """Something of a document that was to be forgotten is still there."""


class BundleRefused(OmniError):
    """A file is no bundle of a release, or not as it was exported."""


class ConfigurationError(OmniError):
    """A setting, an option or an argument is wrong."""

    exit_code = 2


class SourceMissing(ConfigurationError):
    """A path to ingest is not there or cannot be listed."""


class HomeError(ConfigurationError):
    """The home folder is missing, or something else stands in its place."""


class ModelMissing(ConfigurationError):
    """A model was never pulled, or its files are not what they were."""


class RetryableError(OmniError):
    """The same command may work in a moment."""

    exit_code = 3


class HomeBusy(RetryableError):
    """Another process is writing to this home."""


class UpstreamMoved(RetryableError):
    """A table changed while it was being indexed."""
