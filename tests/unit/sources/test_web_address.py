"""Which addresses may be asked, and how addresses of pages are written: tables, and no network."""

from __future__ import annotations

import http.client
import socket
from typing import Any

import pytest

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.sources.source import Source, SourceKind
from omni_pipelines.sources.web import client as web_client
from omni_pipelines.sources.web.addresses import (
    BadAddress,
    allowed_host,
    source_address,
    page_address,
    page_path,
    web_address,
)
from omni_pipelines.sources.web.client import inflate
from omni_pipelines.sources.web.failures import Blocked, TooLarge, Unavailable
from omni_pipelines.sources.web.network import refusal

PRIVATE = [
    "127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "192.0.0.8", "198.18.0.1",
    "::1", "fd00::1", "fc00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::", "2002:a00:1::",
]  # fmt: skip
NEVER = [
    "169.254.169.254", "169.254.0.1", "168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254", "fe80::1",
    "fe80::1%eth0", "::ffff:169.254.169.254", "2002:a9fe:a9fe::", "64:ff9b::7f00:1", "64:ff9b::808:808",
    "64:ff9b:1::1", "::7f00:1", "2001:0:4136:e378::1", "0.0.0.0", "::", "224.0.0.1", "239.1.1.1", "ff02::1",
    "240.0.0.1", "255.255.255.255",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:8.8.8.8"]


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_asked_only_where_it_was_allowed(address: str) -> None:
    assert "private address" in refusal(address, private=False)
    assert refusal(address, private=True) == ""


@pytest.mark.parametrize("address", NEVER)
@pytest.mark.parametrize("private", [False, True])
def test_what_belongs_to_machine_or_cloud_or_hides_another_is_never_asked(address: str, private: bool) -> None:
    assert refusal(address, private=private) != ""


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_asked(address: str) -> None:
    assert refusal(address, private=False) == ""


@pytest.mark.parametrize(
    ("host", "addresses"),
    [
        ("inside.test", ["10.0.0.1"]),
        ("both.test", ["8.8.8.8", "127.0.0.1"]),
        ("mapped.test", ["::ffff:127.0.0.1"]),
        ("cloud.test", ["169.254.169.254"]),
    ],
)
def test_a_name_of_which_one_address_is_refused_is_not_connected_to(
    monkeypatch: pytest.MonkeyPatch, host: str, addresses: list[str]
) -> None:
    told = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: told)
    monkeypatch.setattr(socket, "socket", lambda *_: pytest.fail("connected"))
    with pytest.raises(Blocked):
        WebClient(frozenset({host}), private=False).get(f"http://{host}/", 100)


def test_a_name_that_changes_its_mind_is_asked_where_it_was_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second answer, which points inside, is never asked for."""
    answers = iter([["8.8.8.8"], ["127.0.0.1"]])
    connected: list[Any] = []

    class Socket:
        def __init__(self, *_: Any) -> None: ...
        def settimeout(self, _: float) -> None: ...
        def close(self) -> None: ...
        def connect(self, place: Any) -> None:
            connected.append(place)
            raise ConnectionRefusedError

    def resolve(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in next(answers)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "socket", Socket)
    with pytest.raises(Unavailable, match="nobody answers"):
        web_client.connect("rebind.test", 80, private=False)
    assert connected == [("8.8.8.8", 80)]


@pytest.mark.parametrize(
    "text",
    [
        "ftp://h/x", "file:///etc/passwd", "javascript:alert(1)", "//h/x", "h/x", "http:///x", "http://u@h/",
        "http://u:p@h/", "http://h:99999/", "http://h:x/", "http://h/a\nb", "http://h/a\\b", "http://-h-/", "http://[::1/",
        "http://h h/", "http://h/" + "a" * 2_000, "gopher://h/", "http://h%00/", "http://a..b/é" * 300,
    ],
)  # fmt: skip
def test_what_is_no_address_of_a_page_is_refused(text: str) -> None:
    with pytest.raises(BadAddress) as caught:
        web_address(text)
    assert "u:p" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("HTTP://Example.ORG", "http://example.org/"),
        ("http://example.org:80/a#b", "http://example.org/a"),
        ("https://example.org:443", "https://example.org/"),
        ("https://example.org:8443/", "https://example.org:8443/"),
        ("http://h/a/../b/./c", "http://h/b/c"),
        ("http://h/../../etc", "http://h/etc"),
        ("http://h/a/b/..", "http://h/a/"),
        ("http://h/a/.", "http://h/a/"),
        ("http://h/a b?q=ü x", "http://h/a%20b?q=%C3%BC%20x"),
        ("http://h/%2e%2e/a%2Fb", "http://h/%2e%2e/a%2Fb"),
        ("http://h/a//b", "http://h/a//b"),
        ("http://müller.example/", "http://xn--mller-kva.example/"),
        ("http://[::1]:80/", "http://[::1]/"),
        ("  http://h/x\n", "http://h/x"),
    ],
)
def test_an_address_is_written_in_one_way(text: str, written: str) -> None:
    assert web_address(text) == written
    assert web_address(written) == written


def test_a_relative_address_is_one_of_where_it_was_found() -> None:
    assert web_address("../b?c=1", "https://h/a/d/e") == "https://h/a/b?c=1"


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("https://h/docs/a.html", "docs/a.html"),
        ("https://h/docs/?x=1&y=2", "docs/?x=1&y=2"),
        ("https://h/", "//h/"),
        ("https://h/?p=1", "//h/?p=1"),
        ("https://h//a", "//h//a"),
        ("https://other.example/docs/a.html", "//other.example/docs/a.html"),
        ("https://h:8080/a", "//h:8080/a"),
    ],
)
def test_each_page_has_a_path_that_leads_back_to_it(address: str, path: str) -> None:
    assert page_path(address, "https://h/sitemap.xml") == path
    assert page_address(path, "https://h/sitemap.xml") == address
    assert Source(name="s", kind=SourceKind.WEB, url="https://h/sitemap.xml").uri(path) == address


@pytest.mark.parametrize("host", ["", "a/b", "https://h", "u@h", "h:99999", "a b"])
def test_what_is_no_host_is_not_allowed(host: str) -> None:
    with pytest.raises(ValueError, match="is no host"):
        allowed_host(host)


def test_a_password_in_an_address_is_refused_and_not_said() -> None:
    with pytest.raises(ConfigurationError) as caught:
        source_address("https://user:hunter2@example.org/")
    assert "hunter2" not in str(caught.value)


def test_what_is_packed_is_unpacked_to_a_limit_and_whole() -> None:
    import gzip

    packed = gzip.compress(b"a" * 100_000)
    assert inflate(iter([packed]), 100_000) == b"a" * 100_000
    assert inflate(iter([packed + packed + bytes(8)]), 200_000) == b"a" * 200_000
    assert inflate((bytes([byte]) for byte in packed + packed), 200_000) == b"a" * 200_000
    for too_much in (packed, packed + gzip.compress(b"b")):
        with pytest.raises(TooLarge):
            inflate(iter([too_much]), 100_000 - (too_much is packed))
    for damaged in (packed[:-9], b"\x1f\x8b" + b"x" * 50):
        with pytest.raises(Unavailable):
            inflate(iter([damaged]), 1 << 20)


def test_a_bomb_is_never_unpacked_beyond_the_limit() -> None:
    import tracemalloc
    import zlib

    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join([*(packer.compress(bytes(1 << 20)) for _ in range(64)), packer.flush()])
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            inflate(iter([bomb]), 1_000)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_a_connection_never_opens_itself() -> None:
    """It would resolve the name anew, without a look at the address."""
    connection = http.client.HTTPConnection("example.org")
    connection.auto_open = 0
    with pytest.raises(http.client.NotConnected):
        connection.request("GET", "/")
