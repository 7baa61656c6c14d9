"""The web client: fetches pages of allowed hosts only, within limits of bytes and time.

Built on httpcore, the connection pool of httpx, because it lets us choose the IP address of each connection and sends
addresses unchanged. Environment variables for proxies are ignored. Redirects are checked like new requests.
"""

import email.utils
import gzip
import io
import re
import ssl
import time
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import httpcore
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt

from omni_pipelines.sources.model.limits import WebLimits
from omni_pipelines.sources.model.web_addresses import BadAddress, authority, web_address
from omni_pipelines.sources.web.connections import CheckedBackend
from omni_pipelines.sources.web.failures import Blocked, TooLarge, Unavailable
from omni_pipelines.sources.web.network import Network

AGENT = "omni-pipelines"
USER_AGENT = f"{AGENT}/0.1 (reads pages into a local knowledge base; honours robots.txt)"
_REDIRECTS = {301, 302, 303, 307, 308}
_TEMPORARY = {408, 425, 429, 500, 502, 503, 504}
_UNWANTED_BYTES = 1 << 16
"""Largest rest of a body that is read to keep its connection open."""
HeaderTest = Callable[[Mapping[str, str]], bool]

_CHARSET = re.compile(r""";\s*charset\s*=\s*["']?([^\s"';,]+)""", re.IGNORECASE)


@dataclass(frozen=True)
class WebResponse:
    """The response of a server, whatever its status."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case; the first of several with one name."""
    body: bytes
    """Inflated; empty if it was not wanted."""


def media_type(headers: Mapping[str, str]) -> str:
    """The media type that response headers name, in lower case and without parameters."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def charset(headers: Mapping[str, str]) -> str:
    """The label of the encoding that response headers name; "" without one."""
    found = _CHARSET.search(headers.get("content-type", ""))
    return found[1] if found else ""


class WebClient:
    """Fetches pages of allowed hosts, and keeps connections open. Use it from one thread only.

    Args:
        hosts: allowed hosts, as `authority` returns them.
        allow_private: whether they may have private addresses.
        limits: redirects, attempts, waits and times.
        network: DNS, certificates, clock and sleep.
    """

    def __init__(self, hosts: frozenset[str], *, allow_private: bool, limits: WebLimits, network: Network) -> None:
        self._hosts, self._limits = hosts, limits
        self._backend = CheckedBackend(network, limits, allow_private=allow_private)
        self._pool = httpcore.ConnectionPool(network.tls(), network_backend=self._backend)
        self._retrying = Retrying(
            retry=retry_if_exception(
                lambda error: isinstance(error, Unavailable) and error.retry_after <= limits.max_wait_seconds
            ),
            stop=stop_after_attempt(limits.attempts),
            wait=self._seconds_to_wait,
            sleep=network.sleep,
            reraise=True,
        )

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()

    def get(
        self,
        address: str,
        limit: int,
        headers: Mapping[str, str] | None = None,
        *,
        is_wanted: HeaderTest = lambda _: True,
        permit: Callable[[str], None] = lambda _: None,
    ) -> WebResponse:
        """Fetch a page, following redirects and trying again if the server cannot answer now.

        Args:
            address: as `web_address` returns it.
            limit: maximum bytes of the inflated body.
            headers: sent in addition to ours, such as If-None-Match.
            is_wanted: tells from the headers whether the body of a response with status 200 is read.
            permit: raises Blocked if an address must not be requested; also called for each redirect.

        Raises:
            Blocked, Unavailable, TooLarge: there is no response.
        """
        for _ in range(self._limits.redirects + 1):
            if (host := authority(address)) not in self._hosts:
                cure = f"allow it for this source: --allow {host}"
                raise Blocked(f"it redirects to {host}, which is not allowed", cure)
            permit(address)
            response = self._retrying(self._request, address, limit, headers or {}, is_wanted)
            if response.status not in _REDIRECTS or "location" not in response.headers:
                return response
            try:
                address = web_address(response.headers["location"], address)
            except BadAddress as error:
                raise Blocked(f"it redirects to an address that cannot be used: {error}") from error
        raise Blocked(f"it redirects more than {self._limits.redirects} times")

    def _request(self, address: str, limit: int, headers: Mapping[str, str], is_wanted: HeaderTest) -> WebResponse:
        sent = {"Host": authority(address), "User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "gzip"}
        encoded = [(name, value.encode("latin-1")) for name, value in {**sent, **headers}.items()]
        self._backend.start_answer()
        try:
            with self._pool.stream("GET", address, headers=encoded) as response:
                status, received = response.status, _decoded_headers(response.headers)
                if status == 200 and is_wanted(received):
                    return WebResponse(status, received, _body(response.iter_stream(), received, limit))
                _drain(response.iter_stream())
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
            raise _unavailable(error) from error
        if status in _TEMPORARY:
            seconds = _retry_after(received.get("retry-after", ""))
            suffix = f", and wants to be asked again in {seconds:,.0f} s" if seconds else ""
            raise Unavailable(f"the server answers {status}{suffix}", retry_after=seconds)
        return WebResponse(status, received, b"")

    def _seconds_to_wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after if isinstance(error, Unavailable) else 0.0
        return max(self._limits.first_wait_seconds * 2 ** (state.attempt_number - 1), asked)


def _decoded_headers(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    decoded: dict[str, str] = {}
    for name, value in headers:
        decoded.setdefault(name.decode("latin-1").lower(), " ".join(value.decode("latin-1").split()))
    return decoded


def _retry_after(header: str) -> float:
    """Seconds that a Retry-After header asks for, as a number or as a date; 0 if it is missing or invalid."""
    try:
        return max(float(header), 0.0)
    except ValueError:
        pass
    try:
        return max(email.utils.parsedate_to_datetime(header).timestamp() - time.time(), 0.0)
    except (TypeError, ValueError, OverflowError):
        return 0.0


def _body(pieces: Iterable[bytes], headers: Mapping[str, str], limit: int) -> bytes:
    length = int(headers.get("content-length", 0))
    if length > limit:
        raise TooLarge(f"{length:,} bytes; the settings allow {limit:,}")
    body = bytearray()
    for piece in pieces:
        body += piece
        if len(body) > limit:
            raise TooLarge(f"more than {limit:,} bytes, which the settings allow")
    encoding = headers.get("content-encoding", "identity").lower()
    if encoding in ("gzip", "x-gzip"):
        return inflate(bytes(body), limit)
    if encoding not in ("identity", ""):
        raise Unavailable(f"the server used content encoding {encoding[:20]}, although only gzip was accepted")
    return bytes(body)


def _drain(pieces: Iterable[bytes]) -> None:
    """Read a short rest of a body: only a connection without unread bytes can be used again."""
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > _UNWANTED_BYTES:
            return


def inflate(packed: bytes, limit: int) -> bytes:
    """Inflate gzip data, at most `limit` bytes of it.

    Raises:
        TooLarge: there are more.
        Unavailable: it is damaged or cut short.
    """
    try:
        if not packed:
            raise EOFError
        body = gzip.GzipFile(fileobj=io.BytesIO(packed)).read(limit + 1)
    except EOFError as error:
        raise Unavailable("its gzip data is cut short") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise Unavailable("its gzip data is damaged") from error
    if len(body) > limit:
        raise TooLarge(f"it inflates to more than {limit:,} bytes, which the settings allow")
    return body


def _unavailable(error: Exception) -> Unavailable:
    cause = error.args[0] if error.args else None  # what the socket raised
    if isinstance(error, httpcore.TimeoutException):
        return Unavailable("the server does not answer in time")
    if isinstance(cause, ssl.SSLCertVerificationError):
        return Unavailable(f"its certificate is not trusted: {cause.verify_message}")
    if isinstance(cause, ConnectionRefusedError):
        return Unavailable("the server refuses the connection")
    return Unavailable(f"the connection broke: {type(error).__name__}")
