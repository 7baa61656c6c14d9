"""What an HTTP request must prove before the server reads it: no website made it, and its sender is allowed.

A website that a person visits can send requests to 127.0.0.1, under a name of its own (DNS rebinding) or from its own
origin. It cannot know the token.
"""

import contextlib
import hmac
import os
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from omni_pipelines.errors import HomeError

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

HOST = "127.0.0.1"
_NAMES = (HOST, "localhost")
_DECIDE = frozenset({"host", "origin", "authorization"})
_MIN_TOKEN = 32


class HttpGuard:
    """An ASGI application that guards another one on a port of this machine."""

    def __init__(self, app: App, port: int, token: str) -> None:
        self._app, self._token = app, token
        self._hosts = {f"{name}:{port}" for name in _NAMES}
        self._origins = {f"http://{host}" for host in self._hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 400, 401, 403 or 421 with the reason."""
        status, reason = (200, "") if scope["type"] == "lifespan" else self._verdict(scope)
        if status == 200:
            await self._app(scope, receive, send)
        else:
            await _refuse(send, status, reason)

    def _verdict(self, scope: Scope) -> tuple[int, str]:
        named = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
        deciding = [name for name, _ in named if name in _DECIDE]
        headers = dict(named)
        if len(deciding) != len(set(deciding)):
            return 400, "a header that decides about access was sent twice"
        if headers.get("host", "") not in self._hosts:
            return 421, "this server answers to 127.0.0.1 and localhost only"
        if headers.get("origin", next(iter(self._origins))) not in self._origins:
            return 403, "a website made this request"
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), self._token.encode()):
            return 401, "send the token of the server: Authorization: Bearer TOKEN"
        return 200, ""


def read_or_make_token(file: Path) -> str:
    """The token in a file that only its owner can read; it is made at the first use.

    Raises:
        HomeError: the file cannot be read or written, or others can read it.
    """
    try:
        with contextlib.suppress(FileExistsError):
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "w", encoding="ascii") as new:
                new.write(secrets.token_urlsafe(_MIN_TOKEN))
        is_private = file.stat().st_mode & 0o077 == 0
        token = file.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise HomeError(f"the token {file} cannot be used: {error}", cure="check the owner of the folder") from error
    if not is_private or len(token) < _MIN_TOKEN:
        why = "can be read by others" if not is_private else "is damaged"
        raise HomeError(f"the token {file} {why}", cure="delete the file; the next start makes another")
    return token


async def _refuse(send: Send, status: int, reason: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"x-content-type-options", b"nosniff")]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": f"refused: {reason}\n".encode()})
