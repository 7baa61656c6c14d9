"""Which IP addresses may be used, and what the web client needs of the system: DNS, certificates, clock."""

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass

_METADATA = frozenset(
    map(ipaddress.ip_address, ("169.254.169.254", "168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254"))
)
"""Metadata services of clouds; one of these addresses is public."""
_TRANSLATED = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "::/96")))
"""IPv6 networks whose addresses contain an IPv4 address that `ipaddress` does not extract."""
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
_NOT_GLOBAL = tuple(
    map(
        ipaddress.ip_network,
        (
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
            "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
            "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "2001::/23", "2001:db8::/32", "3fff::/20",
        ),
    )
)  # fmt: skip
"""What IANA's registries of special-purpose addresses do not call globally reachable, as of October 2025; of IPv6
only what is inside `_GLOBAL_UNICAST`. What Python says depends on its version."""
_ISATAP = 0x5EFE
"""In the third quarter of an IPv6 address; the last quarter is an IPv4 address. RFC 5214."""


def resolve_host(host: str) -> list[str]:
    """The IP addresses of a host, in the order of the system.

    Raises:
        OSError, UnicodeError: it has none.
    """
    results = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in results))


@dataclass(frozen=True)
class Network:
    """What the web client uses of the system; tests replace parts of it."""

    resolve: Callable[[str], list[str]] = resolve_host
    """The IP addresses of a host; raises OSError or UnicodeError if there are none."""
    tls: Callable[[], ssl.SSLContext] = ssl.create_default_context
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


SYSTEM_NETWORK = Network()


def refusal(address: str, *, private: bool) -> str:
    """Why an IP address must not be connected to; empty if it may be.

    Args:
        address: IPv4 or IPv6 address.
        private: whether private addresses are allowed. Link-local addresses and metadata services never are.
    """
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if ip.teredo or _is_isatap(ip) or (int(ip) > 1 and any(ip in network for network in _TRANSLATED)):
            return f"{ip} contains another address"
        ip = inner or ip
    if ip in _METADATA or ip.is_link_local:
        return f"{ip} belongs to the machine or its cloud"
    if ip.is_multicast or ip.is_unspecified or (ip.is_reserved and not ip.is_loopback):
        return f"{ip} is not an address of a server"
    if not _is_global(ip) and not private:
        return f"{ip} is a private address"
    return ""


def _is_global(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return (ip.version == 4 or ip in _GLOBAL_UNICAST) and not any(ip in network for network in _NOT_GLOBAL)


def _is_isatap(ip: ipaddress.IPv6Address) -> bool:
    return (int(ip) >> 32) & 0xFCFFFFFF == _ISATAP
