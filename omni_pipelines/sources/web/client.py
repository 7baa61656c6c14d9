"""One guarded way to the web: it asks only hosts that are allowed, at addresses that were looked at first.

A name is resolved once, every address it has must be allowed, and the connection goes to one of those; so neither a
name that points inside nor one that changes its mind between the look and the call leads anywhere. Each redirect is
treated like a new request. What comes is bounded in bytes, packed and unpacked, and in time as a whole.
"""

from __future__ import annotations

import contextlib
import email.utils
import http.client
import ipaddress
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from omni_pipelines.sources.web.addresses import PORTS, BadAddress, authority, web_address

AGENT = "omni-pipelines"
USER_AGENT = f"{AGENT}/0.1 (reads pages into a local knowledge base; honours robots.txt)"
CONNECT_SECONDS, PAGE_SECONDS = 10.0, 60.0
"""For one connection, and for one answer from the first byte of the request to the last of the body."""
ATTEMPTS, MAX_WAIT, FIRST_WAIT = 3, 30.0, 0.5
"""Requests for one page where the server says to come back, and seconds between them."""
MAX_REDIRECTS = 5
_PIECE = 1 << 16
_REDIRECTS = {301, 302, 303, 307, 308}
_LATER = {408, 425, 429, 500, 502, 503, 504}
_MAX_ADDRESSES = 4
_METADATA = frozenset(
    map(ipaddress.ip_address, ("169.254.169.254", "168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254"))
)
"""Where clouds tell their machines who they are; one of them is a public address."""
_TRANSLATED = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "::/96")))
"""IPv6 addresses with an IPv4 address inside, which Python does not look at."""
_INNER = ipaddress.ip_network("192.0.0.0/24")
"""Not global, whatever older versions of Python say."""


class WebFailure(Exception):
    """No answer. The message says why, in half a sentence; `cure` what to do about it, where that is known."""

    def __init__(self, message: str, cure: str = "") -> None:
        super().__init__(message)
        self.cure = cure

    @property
    def whole(self) -> str:
        """Message and cure."""
        return f"{self}; {self.cure}" if self.cure else str(self)


class Blocked(WebFailure):
    """The guard or the site's robots.txt does not let it be asked for."""


class Unavailable(WebFailure):
    """The server cannot be reached, is too slow, breaks off, or says to come back later."""


class TooLarge(WebFailure):
    """The answer is longer than was asked for."""


@dataclass(frozen=True)
class Answer:
    """What a server said, whatever it is."""

    address: str
    """Where it came from, after redirects."""
    status: int
    headers: Mapping[str, str]
    """Names in small letters; the first of several of one name."""
    body: bytes
    """Unpacked; b"" where nobody wanted it."""


def refusal(address: str, *, private: bool) -> str:
    """Why nothing may be asked at this IP address; "" if it may be. Clouds' own services are never asked."""
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if ip.teredo or (int(ip) > 1 and any(ip in network for network in _TRANSLATED)):
            return f"{ip} hides another address"
        ip = inner or ip
    if ip in _METADATA or ip.is_link_local:
        return f"{ip} belongs to the machine or its cloud"
    if ip.is_multicast or ip.is_unspecified or (ip.is_reserved and not ip.is_loopback):
        return f"{ip} is no address of a server"
    if (not ip.is_global or ip in _INNER) and not private:
        return f"{ip} is a private address"
    return ""


class WebClient:
    """Asks for pages of allowed hosts. Keeps a connection to each; not for several threads."""

    def __init__(self, hosts: frozenset[str], *, private: bool) -> None:
        self._hosts, self._private = hosts, private
        self._open: dict[tuple[str, str], http.client.HTTPConnection] = {}
        self._trust = ssl.create_default_context()

    def close(self) -> None:
        """Close all connections."""
        for connection in self._open.values():
            connection.close()
        self._open.clear()

    def get(
        self,
        address: str,
        limit: int,
        headers: Mapping[str, str] | None = None,
        *,
        wanted: Callable[[http.client.HTTPMessage], bool] = lambda _: True,
        permit: Callable[[str], None] = lambda _: None,
    ) -> Answer:
        """The answer for an address, after at most five redirects and three attempts.

        Args:
            address: as `web_address` writes it.
            limit: bytes of the body, unpacked.
            headers: to send besides our own, such as If-None-Match.
            wanted: whether the body of a good answer is to be read, by its headers.
            permit: raises Blocked for an address that must not be asked; called for each redirect, too.

        Raises:
            Blocked, Unavailable, TooLarge: there is no answer.
        """
        for _ in range(MAX_REDIRECTS + 1):
            self._check_host(address)
            permit(address)
            answer = self._patiently(address, limit, headers or {}, wanted)
            if answer.status not in _REDIRECTS or "location" not in answer.headers:
                return answer
            try:
                address = web_address(answer.headers["location"], address)
            except BadAddress as error:
                raise Blocked(f"it leads to an address that cannot be used: {error}") from error
        raise Blocked(f"it leads on more than {MAX_REDIRECTS} times")

    def _check_host(self, address: str) -> None:
        host = authority(address)
        if host not in self._hosts:
            raise Blocked(f"it leads to {host}, which is not allowed", f"allow it for this source: --allow {host}")

    def _patiently(
        self, address: str, limit: int, headers: Mapping[str, str], wanted: Callable[[http.client.HTTPMessage], bool]
    ) -> Answer:
        wait = FIRST_WAIT
        for left in reversed(range(ATTEMPTS)):
            try:
                answer = self._once(address, limit, headers, wanted)
            except Unavailable:
                if not left:
                    raise
                time.sleep(wait)
            else:
                if answer.status not in _LATER:
                    return answer
                asked = _retry_after(answer.headers.get("retry-after"))
                if not left or asked > MAX_WAIT:
                    raise Unavailable(f"the server answers {answer.status}" + _when(asked))
                time.sleep(max(wait, asked))
            wait *= 2
        raise AssertionError("the last attempt returns or raises")

    def _once(
        self, address: str, limit: int, headers: Mapping[str, str], wanted: Callable[[http.client.HTTPMessage], bool]
    ) -> Answer:
        connection, is_new = self._connection(address)
        try:
            return _exchange(connection, address, limit, headers, wanted)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            if is_new or isinstance(error, TimeoutError):
                raise _unavailable(error) from error
        connection, _ = self._connection(address)  # a kept connection may have been closed at the other end
        try:
            return _exchange(connection, address, limit, headers, wanted)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise _unavailable(error) from error

    def _connection(self, address: str) -> tuple[http.client.HTTPConnection, bool]:
        """A connection to the host, and whether it was made just now."""
        parts = urlsplit(address)
        key = (parts.scheme, parts.netloc)
        kept = self._open.get(key)
        if kept is not None and kept.sock is not None:
            return kept, False
        host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
        sock = connect(host, port, private=self._private)
        if parts.scheme == "https":
            sock = self._secured(sock, host)
        connection = http.client.HTTPConnection(host, port, timeout=PAGE_SECONDS)
        connection.default_port = PORTS[parts.scheme]  # it writes the Host header by it
        connection.auto_open = 0  # it would resolve the name anew
        connection.sock = sock
        self._open[key] = connection
        return connection, True

    def _secured(self, sock: socket.socket, host: str) -> socket.socket:
        secure = self._trust.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
        try:
            with _cut_off(secure):
                secure.do_handshake()
        except OSError as error:
            secure.close()
            raise _unavailable(error) from error
        return secure


def connect(host: str, port: int, *, private: bool) -> socket.socket:
    """A connection to one of the addresses of a host, all of which must be allowed.

    Raises:
        Blocked: one of them is not.
        Unavailable: it has none, or none answers.
    """
    try:
        told = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unavailable(f"there is no host {host}") from error
    addresses = list(dict.fromkeys((family, place) for family, _, _, _, place in told))
    for _, place in addresses:
        if why := refusal(str(place[0]), private=private):
            hint = "" if private or refusal(str(place[0]), private=True) else "--allow-private"
            raise Blocked(why, f"if it is a site of your own network: {hint}" if hint else "")
    failure: OSError | None = None
    for family, place in addresses[:_MAX_ADDRESSES]:
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.settimeout(CONNECT_SECONDS)
        try:
            sock.connect(place)
        except OSError as error:
            sock.close()
            failure = error
        else:
            return sock
    raise _unavailable(failure or OSError("no address"))


def _exchange(
    connection: http.client.HTTPConnection,
    address: str,
    limit: int,
    headers: Mapping[str, str],
    wanted: Callable[[http.client.HTTPMessage], bool],
) -> Answer:
    target = address[len(f"{urlsplit(address).scheme}://{authority(address)}") :]
    sent = {"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "gzip", **headers}
    with _cut_off(connection.sock):
        connection.request("GET", target, headers=sent)
        response = connection.getresponse()
        told: dict[str, str] = {}
        for name, value in response.getheaders():
            told.setdefault(name.lower(), " ".join(value.split()))  # one line: it may be sent back
        body = b""
        if response.status == 200 and wanted(response.headers):
            body = _body(response, told, limit)
        if not response.isclosed() and response.length is not None and response.length <= _PIECE:
            response.read()
        elif not response.isclosed():
            connection.close()  # what nobody reads would stand before the next answer
    return Answer(address, response.status, told, body)


@contextlib.contextmanager
def _cut_off(sock: socket.socket) -> Iterator[None]:
    """End an exchange that takes too long, even where each byte of it comes in time."""
    late = threading.Event()

    def cut() -> None:
        late.set()
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)

    clock = threading.Timer(PAGE_SECONDS, cut)
    clock.daemon = True
    clock.start()
    try:
        yield
    except (OSError, http.client.HTTPException) as error:
        if late.is_set():
            raise TimeoutError from error
        raise
    finally:
        clock.cancel()
    if late.is_set():
        raise TimeoutError


def _body(response: http.client.HTTPResponse, told: Mapping[str, str], limit: int) -> bytes:
    if response.length is not None and response.length > limit:
        raise TooLarge(f"{response.length:,} bytes; the settings allow {limit:,}")
    packing = told.get("content-encoding", "identity").strip().lower()
    if packing in ("gzip", "x-gzip"):
        return inflate(_pieces(response), limit)
    if packing not in ("identity", ""):
        raise Unavailable(f"the server packs its answer as {packing[:20]}, which nobody asked for")
    whole = bytearray()
    for piece in _pieces(response):
        whole += piece
        if len(whole) > limit:
            raise TooLarge(f"more than {limit:,} bytes, which the settings allow")
    return bytes(whole)


def _pieces(response: http.client.HTTPResponse) -> Iterator[bytes]:
    while piece := response.read(_PIECE):
        yield piece
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)


def inflate(pieces: Iterator[bytes], limit: int) -> bytes:
    """Unpack gzip, at most `limit` bytes of it.

    Raises:
        TooLarge: there are more.
        Unavailable: it is damaged or cut short.
    """
    unpacking = zlib.decompressobj(31)
    whole = bytearray()
    try:
        for piece in pieces:
            while piece:
                whole += unpacking.decompress(piece, limit + 1 - len(whole))
                if len(whole) > limit:
                    raise TooLarge(f"it unpacks to more than {limit:,} bytes, which the settings allow")
                piece = unpacking.unused_data.lstrip(b"\0")
                if piece:  # several files packed one by one are one, and may be filled up with zeros
                    unpacking = zlib.decompressobj(31)
    except zlib.error as error:
        raise Unavailable("what it packs is damaged") from error
    if not unpacking.eof:
        raise Unavailable("what it packs is cut short")
    return bytes(whole)


def _retry_after(header: str | None) -> float:
    """Seconds that a server wants to be left alone; 0 if it does not say."""
    try:
        return max(float(header or ""), 0.0)
    except ValueError:
        pass
    try:
        return max(email.utils.parsedate_to_datetime(header or "").timestamp() - time.time(), 0.0)
    except (TypeError, ValueError, OverflowError):
        return 0.0


def _when(seconds: float) -> str:
    return f", and wants to be asked again in {seconds:,.0f} s" if seconds else ""


def _unavailable(error: Exception) -> Unavailable:
    if isinstance(error, TimeoutError):
        return Unavailable("the server does not answer in time")
    if isinstance(error, ssl.SSLCertVerificationError):
        return Unavailable(f"its certificate is not trusted: {error.verify_message}")
    if isinstance(error, ConnectionRefusedError):
        return Unavailable("nobody answers there")
    return Unavailable(f"the connection broke: {type(error).__name__}")
