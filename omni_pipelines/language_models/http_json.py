"""One HTTP exchange, bounded in time and size, that goes to the address it names and nowhere else."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from omni_pipelines.errors import NetworkBadResponse, NetworkTimeout, NetworkUnreachable

MAX_BYTES = 4 << 20
_PART = 1 << 16


@dataclass(frozen=True)
class Reply:
    """What a server answered, whatever it is."""

    status: int
    body: bytes
    retry_after: float | None
    """Seconds after which the server wants to be asked again."""


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **named: Any) -> None:
        """None: the redirect is the answer."""


def exchange(url: str, body: bytes | None, headers: Mapping[str, str], seconds: float) -> Reply:
    """POST `body` as JSON, or GET without one. A server that says nothing for `seconds` is given up.

    Raises:
        NetworkUnreachable, NetworkTimeout, NetworkBadResponse: no reply, none in time, a broken or endless one.
    """
    parts = urlsplit(url)
    sent = {"Accept": "application/json", "User-Agent": "omni-pipelines", **headers}
    if body is not None:
        sent["Content-Type"] = "application/json"
    # what runs on this machine is not asked for through a proxy
    proxies = [ProxyHandler({})] if is_loopback(parts.hostname or "") else []
    opener = build_opener(_NoRedirects, *proxies)
    deadline = time.monotonic() + seconds
    try:
        with _open(opener, Request(url, body, sent), seconds) as response:
            retry_after = _seconds(response.headers.get("Retry-After"))
            return Reply(response.status or 0, _read(response, deadline), retry_after)
    except TimeoutError as error:
        raise _too_late(parts.netloc, seconds) from error
    except URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise _too_late(parts.netloc, seconds) from error
        cure = "start the server, or check llm_url"
        raise NetworkUnreachable(f"nobody answers at {parts.netloc}: {error.reason}", cure=cure) from error
    except (HTTPException, OSError) as error:
        told = f"{parts.netloc} broke off its answer: {type(error).__name__}"
        raise NetworkBadResponse(told, cure="try again in a moment") from error


def is_loopback(host: str) -> bool:
    """Whether a host name means this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _open(opener: Any, request: Request, seconds: float) -> HTTPResponse | HTTPError:
    try:
        response: HTTPResponse = opener.open(request, timeout=seconds)
    except HTTPError as error:
        return error  # it is the reply, for any status but 2xx
    return response


def _read(response: HTTPResponse | HTTPError, deadline: float) -> bytes:
    body = b""
    while part := response.read1(_PART):
        body += part
        if len(body) > MAX_BYTES:
            raise NetworkBadResponse(f"an answer is longer than {MAX_BYTES >> 20} MB", cure="check llm_url")
        if time.monotonic() > deadline:
            raise TimeoutError
    return body


def _seconds(header: str | None) -> float | None:
    """A Retry-After in seconds; None for none, or a date."""
    try:
        wait = float(header or "")
    except ValueError:
        return None
    return wait if wait >= 0 else None


def _too_late(host: str, seconds: float) -> NetworkTimeout:
    return NetworkTimeout(
        f"{host} did not answer in {seconds:.3g} s", cure="raise llm_seconds, or use a smaller model"
    )
