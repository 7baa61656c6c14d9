"""One HTTP exchange with a server that the user named: bounded in time and size, without redirects."""

from __future__ import annotations

import contextlib
import functools
import ipaddress
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from omni_pipelines.errors import NetworkBadResponse, NetworkTimeout, NetworkUnreachable
from omni_pipelines.threads import awaited, start_daemon

if TYPE_CHECKING:
    import ssl

    import httpx

MAX_REPLY_BYTES = 4 << 20


@dataclass(frozen=True)
class HttpReply:
    """The reply of a server, with any status."""

    status: int
    body: bytes
    retry_after: float | None
    """Seconds after which the server asks for the next request; None if it does not say."""


def exchange(
    url: str,
    body: bytes | None,
    headers: Mapping[str, str],
    seconds: float,
    *,
    max_bytes: int = MAX_REPLY_BYTES,
    on_part: Callable[[bytes], object] | None = None,
) -> HttpReply:
    """POST `body` as JSON, or GET if it is None. Ctrl+C or a cancelled call ends the connection at once.

    Args:
        url: where to send it; a redirect is returned as the reply and not followed.
        body: JSON, or None.
        headers: sent beside Accept, Content-Type and User-Agent.
        seconds: the longest silence of the server, and the longest time in which its reply may arrive.
        max_bytes: the largest reply.
        on_part: called with each part of the body of a reply with status 200, as it arrives.

    Raises:
        NetworkUnreachable: nobody answers.
        NetworkTimeout: the reply did not arrive in time.
        NetworkBadResponse: the reply broke off or is too large.
        CallCancelled: the present call was cancelled.
    """
    connection = _Connection()
    asked = functools.partial(_exchange, url, body, headers, seconds, max_bytes, on_part, connection)
    try:
        return awaited(start_daemon(asked, "http"))
    except KeyboardInterrupt:
        connection.end()  # the server notices, and stops to compute
        raise


class _Connection:
    """The socket of an exchange, so that another thread can end it."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._is_ended = False

    def note(self, name: str, info: Mapping[str, Any]) -> None:
        """Hear from httpcore which socket it has opened."""
        if name in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._socket = info["return_value"].get_extra_info("socket")
            if self._is_ended:
                self.end()

    def end(self) -> None:
        """End it; what reads from it gets an end of file."""
        self._is_ended = True
        if self._socket is not None:
            with contextlib.suppress(OSError):  # it has ended already
                self._socket.shutdown(socket.SHUT_RDWR)


def _exchange(
    url: str,
    body: bytes | None,
    headers: Mapping[str, str],
    seconds: float,
    max_bytes: int,
    on_part: Callable[[bytes], object] | None,
    connection: _Connection,
) -> HttpReply:
    import httpx  # takes 0.2 s, which a search that asks no server should not spend

    parts = urlsplit(url)
    sent = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "omni-pipelines", **headers}
    if body is not None:
        sent["Content-Type"] = "application/json"
    deadline = time.monotonic() + seconds
    through_proxy = not is_loopback(parts.hostname or "")
    try:
        with (
            httpx.Client(verify=_tls_context(), timeout=seconds, trust_env=through_proxy) as client,
            client.stream(
                "GET" if body is None else "POST",
                url,
                content=body,
                headers=sent,
                extensions={"trace": connection.note},
            ) as response,
        ):
            listener = on_part if response.status_code == 200 else None
            content = _read(response, deadline, max_bytes, listener)
            return HttpReply(response.status_code, content, _retry_after(response))
    except (httpx.TimeoutException, TimeoutError) as error:
        message = f"{parts.netloc} did not answer in {seconds:.3g} s"
        raise NetworkTimeout(message, cure="raise llm_seconds, or use a smaller model") from error
    except (httpx.ConnectError, httpx.ProxyError) as error:
        cure = "start the server, or check llm_url"
        raise NetworkUnreachable(f"nobody answers at {parts.netloc}: {error}", cure=cure) from error
    except httpx.TransportError as error:
        message = f"{parts.netloc} broke off its answer: {type(error).__name__}"
        raise NetworkBadResponse(message, cure="try again in a moment") from error


def is_loopback(host: str) -> bool:
    """Whether a host name means this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@functools.cache
def _tls_context() -> ssl.SSLContext:
    """Made once, because reading the certificates takes 30 ms."""
    import httpx

    return httpx.create_ssl_context()


def _read(
    response: httpx.Response, deadline: float, max_bytes: int, on_part: Callable[[bytes], object] | None
) -> bytes:
    body = b""
    for part in response.iter_raw():
        body += part
        if on_part is not None:
            on_part(part)
        if len(body) > max_bytes:
            raise NetworkBadResponse(f"the answer is longer than {max_bytes:,} bytes", cure="check llm_url")
        if time.monotonic() > deadline:
            raise TimeoutError
    return body


def _retry_after(response: httpx.Response) -> float | None:
    """The seconds of a Retry-After header; None if there is none, or if it is a date."""
    try:
        seconds = float(response.headers.get("Retry-After", ""))
    except ValueError:
        return None
    return seconds if seconds >= 0 else None
