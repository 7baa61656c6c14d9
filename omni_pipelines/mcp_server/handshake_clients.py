"""Clients of a protocol before 2026: they open a session first, and are told what changes without asking for it.

A client of the present protocol asks for notifications (`subscriptions/listen`); each of its requests stands alone.
"""

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.lowlevel.server import NotificationOptions
from mcp.server.models import InitializationOptions
from mcp.server.session import ServerSession
from mcp_types import (
    EmptyResult,
    LoggingLevel,
    LoggingMessageNotification,
    LoggingMessageNotificationParams,
    NotificationParams,
    SetLevelRequestParams,
    SubscribeRequestParams,
    UnsubscribeRequestParams,
)

from omni_pipelines.mcp_server.addresses import NEWEST_RELEASE_URI

MAX_CLIENTS = 256
"""When there are more, the oldest is forgotten."""
SESSION_HEADER = "mcp-session-id"
_INFO_LEVELS: tuple[LoggingLevel, ...] = ("debug", "info")
Context = ServerRequestContext[Any, Any]


class DualServer(Server[Any]):
    """A server of the protocol that tells clients of both kinds which lists can change."""

    def create_initialization_options(
        self,
        notification_options: NotificationOptions | None = None,
        experimental_capabilities: dict[str, dict[str, Any]] | None = None,
        extensions: dict[str, dict[str, Any]] | None = None,
    ) -> InitializationOptions:
        """What a client of a protocol before 2026 is told at the beginning of its session."""
        options = notification_options or NotificationOptions(True, True, True)
        return super().create_initialization_options(options, experimental_capabilities, extensions)


@dataclass
class _Client:
    session: ServerSession
    is_subscribed: bool = False
    """Whether it wants to know about new releases. No other resource ever changes."""
    wants_steps: bool = False


class HandshakeClients:
    """The sessions of these clients."""

    def __init__(self, server: Server[Any]) -> None:
        self._clients: dict[str, _Client] = {}
        """By the id of the session; over stdin there is one client, and no id."""
        server.add_notification_handler("notifications/initialized", NotificationParams, self._remember)
        server.add_request_handler("resources/subscribe", SubscribeRequestParams, self._subscribe)
        server.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, self._unsubscribe)
        server.add_request_handler("logging/setLevel", SetLevelRequestParams, self._set_level)

    async def tell_release(self) -> None:
        """Tell that there is a new release."""
        await self._tell(ServerSession.send_resource_list_changed)
        await self._tell(lambda each: each.send_resource_updated(NEWEST_RELEASE_URI), subscribed=True)

    async def tell_skills(self) -> None:
        """Tell that the lists of tools and prompts have changed."""
        await self._tell(ServerSession.send_tool_list_changed)
        await self._tell(ServerSession.send_prompt_list_changed)

    async def tell_step(self, context: Context, text: str) -> None:
        """Tell the client of a call which step has begun, if it asked for messages of this level."""
        client = self._clients.get(_id_of(context))
        if client is not None and client.wants_steps:
            message = LoggingMessageNotificationParams(level="info", logger="omni", data=text)
            await context.session.send_notification(LoggingMessageNotification(params=message), context.request_id)

    async def _tell(self, send: Callable[[ServerSession], Awaitable[None]], *, subscribed: bool = False) -> None:
        for client in list(self._clients.values()):
            if client.is_subscribed or not subscribed:
                with contextlib.suppress(Exception):  # the client is gone; a notification is no reason to end
                    await send(client.session)

    async def _remember(self, context: Context, _: NotificationParams) -> None:
        self._client(context).session = context.session

    async def _subscribe(self, context: Context, params: SubscribeRequestParams) -> EmptyResult:
        if str(params.uri) == NEWEST_RELEASE_URI:
            self._client(context).is_subscribed = True
        return EmptyResult()

    async def _unsubscribe(self, context: Context, params: UnsubscribeRequestParams) -> EmptyResult:
        if str(params.uri) == NEWEST_RELEASE_URI:
            self._client(context).is_subscribed = False
        return EmptyResult()

    async def _set_level(self, context: Context, params: SetLevelRequestParams) -> EmptyResult:
        self._client(context).wants_steps = params.level in _INFO_LEVELS
        return EmptyResult()

    def _client(self, context: Context) -> _Client:
        name = _id_of(context)
        if name not in self._clients and len(self._clients) >= MAX_CLIENTS:
            self._clients.pop(next(iter(self._clients)))
        return self._clients.setdefault(name, _Client(context.session))


def _id_of(context: Context) -> str:
    headers = getattr(context.request, "headers", None)
    return headers.get(SESSION_HEADER, "") if headers is not None else ""
