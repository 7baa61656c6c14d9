"""A guard before the Dagster UI, which by itself lets every website that a person visits launch runs.

It accepts requests that a person makes on this machine, and refuses those that another site causes in their browser.
"""

import functools
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_NAMES = ("127.0.0.1", "localhost", "[::1]")
_FOREIGN_SITES = ("cross-site", "same-site")
_LINK = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
"""A person followed a link and sees the page; in a frame, they could be made to click on buttons they do not see."""
_DECIDE = frozenset({"host", "origin", "sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest"})
"""Headers that a browser sends once. With two, it is not sure that the application reads the one that was checked."""
_NO_FRAMES = [(b"x-frame-options", b"DENY"), (b"content-security-policy", b"frame-ancestors 'none'")]
"""Browsers without `Sec-Fetch-…` headers do not say that a page is for a frame, so the answer forbids it too. A
browser obeys each policy of an answer, so that of Dagster holds as well."""


class Guard:
    """An ASGI application that guards another one, served on a port of this machine."""

    def __init__(self, app: App, port: int) -> None:
        self._app = app
        self._hosts = {f"{name}:{port}" for name in _NAMES} | (set(_NAMES) if port == 80 else set())
        self._origins = {f"http://{host}" for host in self._hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 403 with the reason."""
        reason = "" if scope["type"] == "lifespan" else self.refusal(scope)
        if not reason:
            await self._app(scope, receive, functools.partial(_without_frames, send))
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": reason})
        else:
            await _forbid(send, reason)

    def refusal(self, scope: Scope) -> str:
        """Why a request is refused; "" if it is not."""
        named = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
        headers = dict(named)
        deciding = [name for name, _ in named if name in _DECIDE]
        if len(deciding) != len(set(deciding)):
            return "a header that says where a request comes from was sent twice"
        if headers.get("host", "") not in self._hosts:
            return "this server answers to 127.0.0.1 and localhost only"
        origin = headers.get("origin")
        if origin is not None and origin not in self._origins:
            return "another site made this request"
        if scope["type"] == "websocket":
            # browsers always name the origin of a socket; a program without one cannot be misled by a page
            return ""
        return self._http_refusal(scope, headers)

    def _http_refusal(self, scope: Scope, headers: dict[str, str]) -> str:
        path = scope["path"].rstrip("/")
        if headers.get("sec-fetch-site") in _FOREIGN_SITES:
            is_link = scope["method"] == "GET" and all(headers.get(name) == value for name, value in _LINK.items())
            if not is_link or path.endswith("/graphql"):
                return "another site made this request"
        if path.endswith("/graphql") and scope["method"] in ("GET", "HEAD") and _asks(scope):
            return "queries are accepted by POST only"
        return ""


def _asks(scope: Scope) -> bool:
    return "query" in parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)


async def _without_frames(send: Send, message: MutableMapping[str, Any]) -> None:
    if message["type"] == "http.response.start":
        message = {**message, "headers": [*message.get("headers", ()), *_NO_FRAMES]}
    await send(message)


async def _forbid(send: Send, reason: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"x-content-type-options", b"nosniff"), *_NO_FRAMES]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": f"refused: {reason}\n".encode()})
