"""What the guard before the Dagster UI lets in and what it refuses: a table of requests, and no server."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from omni_pipelines.cli.dev_server.origin_guard import Guard

PORT = 3000
OWN = f"127.0.0.1:{PORT}"
Headers = dict[str, str]
CROSS_PAGE = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}


async def inner(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
    """Stands for Dagster's server: says yes to everything."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
    elif scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"in"})
    else:
        await send({"type": "lifespan.startup.complete"})


def ask(
    kind: str,
    method: str = "GET",
    target: str = "/",
    headers: Headers | None = None,
    port: int = PORT,
    again: Headers | None = None,
) -> list[MutableMapping[str, Any]]:
    """Everything the guarded application sends; `again` are headers that come a second time."""
    path, _, query = target.partition("?")
    given = {"Host": f"127.0.0.1:{port}", **(headers or {})}
    sent_headers = [*given.items(), *(again or {}).items()]
    scope: dict[str, Any] = {
        "type": kind,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in sent_headers if value],
    }
    if kind == "http":  # sockets have none
        scope["method"] = method
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "websocket.connect" if kind == "websocket" else "http.request"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    asyncio.run(Guard(inner, port)(scope, receive, send))
    return sent


def status(method: str, target: str, headers: Headers) -> int:
    return int(ask("http", method, target, headers)[0]["status"])


@pytest.mark.parametrize(
    ("method", "target", "headers"),
    [
        ("GET", "/", {}),
        ("GET", "/", {"Host": f"localhost:{PORT}"}),
        ("GET", "/", {"Host": f"[::1]:{PORT}"}),
        ("GET", "/asset-groups", {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}),
        ("GET", "/assets/chunks?view=lineage", CROSS_PAGE),
        ("GET", "/graphql", {}),
        ("GET", "/graphql?tab=1", {}),
        ("POST", "/graphql", {}),
        ("POST", "/graphql", {"Origin": f"http://{OWN}", **SAME_ORIGIN}),
        ("POST", "/graphql", {"Host": f"localhost:{PORT}", "Origin": f"http://localhost:{PORT}", **SAME_ORIGIN}),
        ("GET", "/static/main.js", SAME_ORIGIN),
    ],
    ids=str,
)
def test_what_a_person_or_a_program_here_asks_for_gets_in(method: str, target: str, headers: Headers) -> None:
    assert status(method, target, headers) == 200


@pytest.mark.parametrize(
    ("method", "target", "headers"),
    [
        ("GET", "/", {"Host": "evil.example"}),
        ("GET", "/", {"Host": f"evil.example:{PORT}"}),
        ("GET", "/", {"Host": "127.0.0.1"}),
        ("GET", "/", {"Host": f"127.0.0.1:{PORT + 1}"}),
        ("GET", "/", {"Host": f"127.0.0.1:{PORT}.evil.example"}),
        ("GET", "/", {"Host": ""}),
        ("POST", "/graphql", {"Origin": "https://evil.example"}),
        ("POST", "/graphql", {"Origin": "null"}),
        ("POST", "/graphql", {"Origin": f"https://{OWN}"}),
        ("POST", "/graphql", {"Origin": f"http://127.0.0.1:{PORT + 1}"}),
        ("POST", "/report_asset_materialization/chunks", {"Origin": "https://evil.example"}),
        ("GET", "/server_info", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}),
        ("GET", "/logs/x", {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"}),
        ("POST", "/", CROSS_PAGE),
        ("GET", "/graphql", CROSS_PAGE),
        ("GET", "/graphql?query=mutation{launchRun}", {}),
        ("GET", "/graphql/?query={version}", {}),
        ("GET", "/graphql?a=1&query=", {}),
        ("GET", "/graphql?%71uery={version}", {}),
        ("HEAD", "/graphql?query={version}", {}),
    ],
    ids=str,
)
def test_what_another_site_could_make_a_browser_ask_for_is_refused(
    method: str, target: str, headers: Headers
) -> None:
    assert status(method, target, headers) == 403


@pytest.mark.parametrize("frame", ["iframe", "frame", "embed", "object", ""])
def test_a_page_inside_another_sites_page_is_refused(frame: str) -> None:
    """A frame is a navigation too, and its buttons can be clicked without being seen."""
    assert status("GET", "/asset-groups", {**CROSS_PAGE, "Sec-Fetch-Dest": frame}) == 403


def test_the_refusal_says_why_in_one_line() -> None:
    start, body = ask("http", headers={"Host": "evil.example"})
    assert (b"content-type", b"text/plain; charset=utf-8") in start["headers"]
    assert body["body"].startswith(b"refused: ")
    assert body["body"].count(b"\n") == 1


@pytest.mark.parametrize("origin", ["", f"http://{OWN}", f"http://localhost:{PORT}"])
def test_sockets_of_our_page_and_of_programs_open(origin: str) -> None:
    assert ask("websocket", target="/graphql", headers={"Origin": origin}) == [{"type": "websocket.accept"}]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": f"http://127.0.0.1:{PORT + 1}"},
        {"Host": "evil.example"},
        {"Host": f"evil.example:{PORT}", "Origin": f"http://evil.example:{PORT}"},
    ],
    ids=str,
)
def test_sockets_of_other_sites_are_closed_before_they_open(headers: Headers) -> None:
    (message,) = ask("websocket", target="/graphql", headers=headers)
    assert message["type"] == "websocket.close"
    assert message["code"] == 1008


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"Host": "evil.example"}, {"Host": OWN}),
        ({"Host": OWN}, {"Host": "evil.example"}),
        ({"Host": OWN}, {"HOST": OWN}),
        ({"Origin": "https://evil.example"}, {"Origin": f"http://{OWN}"}),
        ({"Origin": f"http://{OWN}"}, {"origin": "https://evil.example"}),
        ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-origin"}),
        ({"Sec-Fetch-Mode": "no-cors"}, {"Sec-Fetch-Mode": "navigate"}),
        ({"Sec-Fetch-Dest": "iframe"}, {"Sec-Fetch-Dest": "document"}),
    ],
    ids=str,
)
def test_a_header_that_decides_and_comes_twice_is_refused(kind: str, first: Headers, second: Headers) -> None:
    message = ask(kind, headers=first, again=second)[0]
    assert message.get("status") == 403 or message.get("code") == 1008


def test_other_headers_may_come_twice() -> None:
    assert ask("http", headers={"Cookie": "a=1"}, again={"Cookie": "b=2"})[0]["status"] == 200


@pytest.mark.parametrize("headers", [{}, {"Host": "evil.example"}], ids=str)
@pytest.mark.parametrize("target", ["/", "/graphql", "/assets/chunks"])
def test_no_page_may_put_ours_in_a_frame(target: str, headers: Headers) -> None:
    """Old browsers do not say that they load a page for a frame."""
    names = dict(ask("http", target=target, headers=headers)[0]["headers"])
    assert names[b"x-frame-options"] == b"DENY"
    assert names[b"content-security-policy"] == b"frame-ancestors 'none'"


def test_on_port_80_a_browser_leaves_the_port_out() -> None:
    assert ask("http", headers={"Host": "localhost"}, port=80)[0]["status"] == 200
    assert ask("http", headers={"Host": "localhost"})[0]["status"] == 403


def test_the_life_of_the_server_is_not_touched() -> None:
    assert ask("lifespan", headers={"Host": ""}) == [{"type": "lifespan.startup.complete"}]
