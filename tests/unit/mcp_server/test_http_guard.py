"""Who may send requests to the server over HTTP."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from omni_pipelines.errors import HomeError
from omni_pipelines.mcp_server.http_guard import HttpGuard, read_or_make_token

TOKEN = "t" * 43
BEARER = ("authorization", f"Bearer {TOKEN}")
HOST = ("host", "127.0.0.1:8765")


def status_of(*headers: tuple[str, str]) -> int:
    """The status that a request with these headers gets; 200 if it reaches the application."""
    sent: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200})

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("a refused request is not read")

    encoded = [(name.encode(), value.encode()) for name, value in headers]
    guard = HttpGuard(app, 8765, TOKEN)
    asyncio.run(guard({"type": "http", "headers": encoded}, receive, send))
    return int(sent[0]["status"])


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (200, (HOST, BEARER)),
        (200, (("host", "localhost:8765"), BEARER)),
        (200, (HOST, ("origin", "http://127.0.0.1:8765"), BEARER)),
        (200, (HOST, ("authorization", f"bearer {TOKEN}"))),
        (421, (BEARER,)),
        (421, (("host", "127.0.0.1"), BEARER)),
        (421, (("host", "127.0.0.1:8766"), BEARER)),
        (421, (("host", "evil.example"), BEARER)),
        (421, (("host", "127.0.0.1.evil.example:8765"), BEARER)),
        (403, (HOST, ("origin", "http://evil.example"), BEARER)),
        (403, (HOST, ("origin", "null"), BEARER)),
        (403, (HOST, ("origin", "https://127.0.0.1:8765"), BEARER)),
        (403, (HOST, ("origin", ""), BEARER)),
        (401, (HOST,)),
        (401, (HOST, ("authorization", "Bearer "))),
        (401, (HOST, ("authorization", "Bearer " + "t" * 42))),
        (401, (HOST, ("authorization", f"Basic {TOKEN}"))),
        (401, (HOST, ("authorization", TOKEN))),
        (400, (HOST, HOST, BEARER)),
        (400, (HOST, BEARER, BEARER)),
    ],
)
def test_a_request_needs_the_host_no_foreign_origin_and_the_token(
    status: int, headers: tuple[tuple[str, str], ...]
) -> None:
    assert status_of(*headers) == status


def test_the_token_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    file = tmp_path / "mcp.token"
    token = read_or_make_token(file)
    assert len(token) >= 32
    assert file.stat().st_mode & 0o777 == 0o600
    assert read_or_make_token(file) == token


def test_a_token_that_others_can_read_or_that_is_damaged_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mcp.token"
    read_or_make_token(file)
    file.chmod(0o644)
    with pytest.raises(HomeError, match="read by others"):
        read_or_make_token(file)
    file.chmod(0o600)
    file.write_text("short")
    with pytest.raises(HomeError, match="damaged"):
        read_or_make_token(file)


def test_a_token_in_a_folder_that_is_missing_is_refused_with_the_path(tmp_path: Path) -> None:
    with pytest.raises(HomeError, match="nowhere"):
        read_or_make_token(tmp_path / "nowhere" / "mcp.token")
