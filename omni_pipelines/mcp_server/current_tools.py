"""The tools of the newest release: when there is a newer one, the next call opens it."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mcp_types import CallToolResult

from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.releases import newest_release, release_numbers
from omni_pipelines.mcp_server.tools import OfferedTool, offered_tools
from omni_pipelines.tools.catalog import ToolCatalog

MakeCatalog = Callable[[int | None], ToolCatalog]
"""Makes the tools of a release; of the newest one, which need not exist yet, for None."""


@dataclass(frozen=True)
class _Opened:
    files: tuple[int, ...]
    """The release records that were there."""
    release: int
    """0 if there was none."""
    catalog: ToolCatalog


class CurrentTools:
    """The tools of a home. Safe to share between threads."""

    def __init__(self, home: Home, make: MakeCatalog) -> None:
        self._home, self._make = home, make
        self._lock = threading.Lock()
        self._opened = self._open()
        self.offered: Mapping[str, OfferedTool] = offered_tools(self._opened.catalog)
        """By name, in the order of the list. A release does not change them."""

    def call(self, tool: OfferedTool, arguments: Mapping[str, object]) -> CallToolResult:
        """The answer of a tool. Errors are answers as well."""
        opened = self._current()
        return tool.answer(opened.catalog.call(tool.definition.name, arguments), opened.release)

    def _current(self) -> _Opened:
        with self._lock:
            if tuple(release_numbers(self._home)) != self._opened.files:
                self._opened = self._open()
            return self._opened

    def _open(self) -> _Opened:
        files = tuple(release_numbers(self._home))
        newest = newest_release(self._home)
        number = newest.release if newest is not None else None
        return _Opened(files, number or 0, self._make(number))
