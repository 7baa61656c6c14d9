"""The tools of the newest release, behind the gatekeeper: when there is a newer one, the next call opens it."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mcp_types import CallToolResult

from omni_pipelines.error_codes import CoreErrorCode
from omni_pipelines.errors import HomeError, ToolNotFoundError
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.releases import newest_release, release_numbers
from omni_pipelines.mcp_server.tools import WRITING, OfferedTool, offered_tools
from omni_pipelines.permissions.gatekeeper import Gatekeeper
from omni_pipelines.responses import ToolResponse
from omni_pipelines.tools.catalog import ToolCatalog

MakeGatekeeper = Callable[[int | None, bool], Gatekeeper]
"""Makes the gatekeeper before the tools of a release, or of the newest one, which need not exist yet, for None.

The second argument says whether the session has read text that somebody else wrote.
"""
Offer = Callable[[ToolCatalog], Mapping[str, OfferedTool]]
"""Chooses the tools of a catalog that clients see."""


@dataclass(frozen=True)
class _Opened:
    files: tuple[int, ...]
    """The numbers of the release records that were there."""
    release: int
    """0 if there was none."""
    gatekeeper: Gatekeeper
    offered: Mapping[str, OfferedTool]


class CurrentTools:
    """The tools of a home for one session. Safe to share between threads."""

    def __init__(self, home: Home, make: MakeGatekeeper, offer: Offer = offered_tools) -> None:
        self._home, self._make, self._offer = home, make, offer
        self._lock = threading.Lock()
        self._opened = self._open(is_tainted=False)

    @property
    def offered(self) -> Mapping[str, OfferedTool]:
        """By name, in the order of the list. A release does not change them."""
        return self._opened.offered

    def reload(self) -> None:
        """Read again which commands the skills have."""
        opened = self._open(is_tainted=self._opened.gatekeeper.is_tainted)
        with self._lock:
            if self._opened.gatekeeper.is_tainted:
                opened.gatekeeper.taint()
            self._opened = opened

    def call(self, tool: OfferedTool, arguments: Mapping[str, object]) -> CallToolResult:
        """The answer of a tool that is offered. Errors are answers as well."""
        opened = self._current()
        return tool.answer(self._answer(opened, tool.definition.name, arguments), opened.release)

    def read(self, tool: str, arguments: Mapping[str, object]) -> ToolResponse:
        """The response of a tool behind the resources, which is in no list."""
        return self._answer(self._current(), tool, arguments)

    def refuse(self, name: str, arguments: Mapping[str, object]) -> ToolResponse:
        """The refusal of a tool that is not in the list, which is written down like every other.

        A tool that is there for the commands of skills, and not for clients, does not exist for them.
        """
        full = next((each for each in WRITING if each.rpartition(".")[2] == name), name)
        opened = self._current()
        if full in opened.gatekeeper.catalog.names and full not in WRITING:
            return ToolResponse.from_exception(ToolNotFoundError(name))
        response = self._answer(opened, full, arguments)
        if full in WRITING and response.error_code == CoreErrorCode.TOOL_NOT_FOUND:
            cure = "its owner can start it with --allow-writes"
            code = CoreErrorCode.PERMISSION_DENIED
            return ToolResponse.blocked(f"{name}: this server only reads", code, metadata={"cure": cure})
        return response

    def _answer(self, opened: _Opened, tool: str, arguments: Mapping[str, object]) -> ToolResponse:
        try:
            self._home.check()  # without a home there is no audit log, which is not what a person needs to know
        except HomeError as error:
            return ToolResponse.from_exception(error)
        return opened.gatekeeper.call(tool, arguments)

    def _current(self) -> _Opened:
        with self._lock:
            if tuple(release_numbers(self._home)) != self._opened.files:
                self._opened = self._open(is_tainted=self._opened.gatekeeper.is_tainted)
            return self._opened

    def _open(self, *, is_tainted: bool) -> _Opened:
        files = tuple(release_numbers(self._home))
        newest = newest_release(self._home)
        number = newest.release if newest is not None else None
        gatekeeper = self._make(number, is_tainted)
        return _Opened(files, number or 0, gatekeeper, self._offer(gatekeeper.catalog))
