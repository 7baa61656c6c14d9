"""A source session whose listings and reads a test replaces."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from omni_pipelines.home import Home
from omni_pipelines.sources.model.limits import SourceLimits
from omni_pipelines.sources.model.listing import FileContent, Listing, ReadFile, SourceFile
from omni_pipelines.sources.model.source import Source
from omni_pipelines.sources.session import SourceSession
from omni_pipelines.sources.web.network import Network

ReadHook = Callable[[ReadFile, SourceFile, int], FileContent]
"""Gets the real function that reads a file, and its arguments."""


def read_unchanged(read: ReadFile, file: SourceFile, limit: int) -> FileContent:
    return read(file, limit)


class HookedSession(SourceSession):
    """Calls `read_hook` for each file that is read, and gives `listing`, if there is one, for each source."""

    def __init__(self, read_hook: ReadHook, listing: Listing | None, limits: SourceLimits, network: Network) -> None:
        super().__init__(limits, network)
        self._read_hook, self._listing = read_hook, listing

    def list(self, home: Home, source: Source) -> Listing:
        return self._listing or super().list(home, source)

    @contextmanager
    def open(self, source: Source) -> Iterator[ReadFile]:
        with super().open(source) as read:
            yield lambda file, limit: self._read_hook(read, file, limit)
