"""Addresses of pages: normalised, compared with allowed hosts, and turned into document paths."""

from __future__ import annotations

import pytest

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.sources.model.source import Source, SourceKind
from omni_pipelines.sources.model.web_addresses import (
    BadAddress,
    allowed_host,
    page_address,
    page_path,
    source_address,
    web_address,
)


@pytest.mark.parametrize(
    "text",
    [
        "ftp://h/x", "file:///etc/passwd", "javascript:alert(1)", "//h/x", "h/x", "http:///x", "http://u@h/",
        "http://u:p@h/", "http://h:99999/", "http://h:x/", "http://h/a\nb", "http://h/a\\b", "http://-h-/", "http://[::1/",
        "http://h h/", "http://h/" + "a" * 2_000, "gopher://h/", "http://h%00/", "http://a..b/é" * 300,
    ],
)  # fmt: skip
def test_web_address_refuses_what_no_page_can_have(text: str) -> None:
    with pytest.raises(BadAddress) as refused:
        web_address(text)
    assert "u:p" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "expected"),
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
def test_web_address_normalises(text: str, expected: str) -> None:
    assert web_address(text) == expected
    assert web_address(expected) == expected


def test_web_address_resolves_a_relative_address_against_its_base() -> None:
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
def test_page_address_reverses_page_path(address: str, path: str) -> None:
    assert page_path(address, "https://h/sitemap.xml") == path
    assert page_address(path, "https://h/sitemap.xml") == address
    assert Source(name="s", kind=SourceKind.WEB, url="https://h/sitemap.xml").uri(path) == address


@pytest.mark.parametrize("host", ["", "a/b", "https://h", "u@h", "h:99999", "a b"])
def test_allowed_host_refuses_what_is_not_a_host(host: str) -> None:
    with pytest.raises(ValueError, match="is not a host"):
        allowed_host(host)


def test_source_address_refuses_a_password_without_repeating_it() -> None:
    with pytest.raises(ConfigurationError) as refused:
        source_address("https://user:hunter2@example.org/")
    assert "hunter2" not in str(refused.value)
