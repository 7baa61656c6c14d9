"""Connections of the web client: each goes to an IP address that was checked, and has a deadline.

A host is resolved once for each connection, all its addresses must be allowed, and the connection goes to one of
them. So neither a name that points into a private network nor one that resolves differently the second time (DNS
rebinding) leads anywhere. Host header, SNI and certificate check use the name.
"""

import ssl
from collections.abc import Callable, Iterable
from contextlib import suppress

import httpcore

from omni_pipelines.sources.model.limits import WebLimits
from omni_pipelines.sources.web.failures import Blocked, Unavailable
from omni_pipelines.sources.web.network import Network, refusal

MAX_ADDRESSES = 4
"""Addresses of a host that are tried."""


class CheckedBackend(httpcore.NetworkBackend):
    """Opens the connections of an httpcore pool. `connections` connects to an IP address."""

    def __init__(
        self,
        network: Network,
        limits: WebLimits,
        *,
        allow_private: bool,
        connections: httpcore.NetworkBackend | None = None,
    ) -> None:
        self._network, self._limits, self._allow_private = network, limits, allow_private
        self._connections = connections or httpcore.SyncBackend()
        self._deadline = 0.0

    def start_answer(self) -> None:
        """Start the time that one answer may take."""
        self._deadline = self._network.clock() + self._limits.answer_seconds

    def seconds_left(self) -> float:
        """Seconds until the deadline of the answer; raises httpcore.ReadTimeout after it."""
        seconds = self._deadline - self._network.clock()
        if seconds <= 0:
            raise httpcore.ReadTimeout
        return seconds

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to one of the addresses of a host.

        Raises:
            Blocked: one of its addresses is not allowed.
            Unavailable: it has no address.
            httpcore.ConnectError, httpcore.ConnectTimeout: none of its addresses answers.
        """
        *others, last = self._checked_addresses(host)[:MAX_ADDRESSES]
        for address in others:
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return self._connect(address, port)
        return self._connect(last, port)

    def _connect(self, address: str, port: int) -> httpcore.NetworkStream:
        stream = self._connections.connect_tcp(address, port, self._limits.connect_seconds, None, ())
        self.start_answer()
        return _TimedStream(stream, self.seconds_left)

    def _checked_addresses(self, host: str) -> list[str]:
        try:
            addresses = self._network.resolve(host)
        except (OSError, UnicodeError) as error:
            raise Unavailable(f"there is no host {host}") from error
        for address in addresses:
            if reason := refusal(address, private=self._allow_private):
                is_private = not self._allow_private and not refusal(address, private=True)
                raise Blocked(reason, "if it is a site of your own network: --allow-private" if is_private else "")
        return addresses


class _TimedStream(httpcore.NetworkStream):
    """A connection whose reads and writes end at the deadline, however slowly the bytes arrive."""

    def __init__(self, stream: httpcore.NetworkStream, seconds_left: Callable[[], float]) -> None:
        self._stream, self._seconds_left = stream, seconds_left

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._seconds_left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._seconds_left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, self._seconds_left())
        return _TimedStream(stream, self._seconds_left)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)
