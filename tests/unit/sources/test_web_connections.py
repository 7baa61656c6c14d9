"""Connections go only to IP addresses that were checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import httpcore
import pytest

from omni_pipelines.sources.model.limits import WebLimits
from omni_pipelines.sources.web.connections import CheckedBackend
from omni_pipelines.sources.web.failures import Blocked, Unavailable
from omni_pipelines.sources.web.network import Network, refusal

PRIVATE = [
    "127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "192.0.0.8", "198.18.0.1",
    "::1", "fd00::1", "fc00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::", "2002:a00:1::",
    "fec0::1", "feff::1", "3fff::1", "3fff:fff::1", "2001:db8::1", "2001:20::1", "192.88.99.1", "192.0.0.9",
]  # fmt: skip
NEVER = [
    "169.254.169.254", "169.254.0.1", "168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254", "fe80::1",
    "fe80::1%eth0", "::ffff:169.254.169.254", "2002:a9fe:a9fe::", "64:ff9b::7f00:1", "64:ff9b::808:808",
    "64:ff9b:1::1", "::7f00:1", "2001:0:4136:e378::1", "0.0.0.0", "::", "224.0.0.1", "239.1.1.1", "ff02::1",
    "240.0.0.1", "255.255.255.255", "2606:2800::5efe:a00:1", "2606:2800::200:5efe:7f00:1", "fe80::5efe:10.0.0.1",
    "5f00::1", "4000::1", "100:0:0:1::1",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:8.8.8.8"]


@pytest.mark.parametrize("address", PRIVATE)
def test_refusal_permits_a_private_address_only_if_private_is_set(address: str) -> None:
    assert "private address" in refusal(address, private=False)
    assert refusal(address, private=True) == ""


@pytest.mark.parametrize("address", NEVER)
@pytest.mark.parametrize("private", [False, True])
def test_refusal_never_permits_machine_cloud_and_translated_addresses(address: str, private: bool) -> None:
    assert refusal(address, private=private) != ""


@pytest.mark.parametrize("address", PUBLIC)
def test_refusal_permits_a_public_address(address: str) -> None:
    assert refusal(address, private=False) == ""


class RecordingBackend(httpcore.NetworkBackend):
    """Records the addresses that are connected to; connections to `down` fail."""

    def __init__(self, down: Iterable[str] = ()) -> None:
        self.addresses: list[str] = []
        self._down = set(down)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        self.addresses.append(host)
        if host in self._down:
            raise httpcore.ConnectError
        return httpcore.MockStream([])


def checked_backend(
    resolve: Callable[[str], list[str]], connections: httpcore.NetworkBackend, clock: Iterator[float] | None = None
) -> CheckedBackend:
    network = Network(resolve=resolve) if clock is None else Network(resolve=resolve, clock=lambda: next(clock))
    return CheckedBackend(network, WebLimits(), allow_private=False, connections=connections)


@pytest.mark.parametrize(
    "addresses",
    [["10.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["::ffff:127.0.0.1"], ["169.254.169.254"]],
    ids=["private", "one of two private", "mapped", "cloud"],
)
def test_connect_refuses_a_host_with_a_forbidden_address(addresses: list[str]) -> None:
    connections = RecordingBackend()
    with pytest.raises(Blocked):
        checked_backend(lambda _: addresses, connections).connect_tcp("inside.test", 80)
    assert connections.addresses == []


def test_connect_uses_the_address_that_was_checked_if_the_name_resolves_differently_later() -> None:
    answers = iter([["8.8.8.8"], ["127.0.0.1"]])
    connections = RecordingBackend()
    checked_backend(lambda _: next(answers), connections).connect_tcp("rebinding.test", 80)
    assert connections.addresses == ["8.8.8.8"]


def test_connect_tries_the_next_address_if_one_is_down() -> None:
    connections = RecordingBackend(down=["8.8.8.8"])
    checked_backend(lambda _: ["8.8.8.8", "8.8.4.4", "1.1.1.1"], connections).connect_tcp("dns.test", 80)
    assert connections.addresses == ["8.8.8.8", "8.8.4.4"]


def test_connect_gives_up_after_four_addresses() -> None:
    addresses = [f"8.8.8.{number}" for number in range(1, 9)]
    connections = RecordingBackend(down=addresses)
    with pytest.raises(httpcore.ConnectError):
        checked_backend(lambda _: addresses, connections).connect_tcp("dns.test", 80)
    assert connections.addresses == addresses[:4]


def test_connect_reports_a_host_that_has_no_address() -> None:
    def fail(_: str) -> list[str]:
        raise OSError("name resolution failed")

    with pytest.raises(Unavailable, match=r"there is no host nowhere\.test"):
        checked_backend(fail, RecordingBackend()).connect_tcp("nowhere.test", 80)


def test_a_read_fails_after_the_deadline_although_bytes_still_arrive() -> None:
    connections = RecordingBackend()
    clock = iter([0.0, 59.0, 61.0])  # connected, first read, second read
    stream = checked_backend(lambda _: ["8.8.8.8"], connections, clock).connect_tcp("slow.test", 80)
    stream.read(1)
    with pytest.raises(httpcore.ReadTimeout):
        stream.read(1)
