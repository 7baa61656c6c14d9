"""What the guard of pages refuses, and what it ends: other hosts, private addresses, and answers without end."""

from __future__ import annotations

import gzip
import socket
import ssl
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from omni_pipelines.errors import SourceMissing
from omni_pipelines.sources.kinds import list_source
from omni_pipelines.sources.locations import source_at
from omni_pipelines.sources.registry import save_sources
from omni_pipelines.sources.web import client as web_client
from omni_pipelines.sources.web import pages as web
from tests.integration.line import Line, refused
from tests.integration.web_site import (
    Page,
    Site,
    kept,
    listed,
    paths,
    robots,
    running_site,
    site,
    source_of,
)

__all__ = ["kept", "site"]


def test_a_private_host_is_refused_unless_it_was_allowed(site: Site) -> None:
    with pytest.raises(SourceMissing, match="private address; if it is a site of your own network: --allow-private"):
        listed(source_of(site, allow_private=False))
    assert site.asked == []


def test_the_name_of_a_private_host_is_refused_as_well(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    port = int(site.host.partition(":")[2])
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
    )
    with pytest.raises(SourceMissing, match="private address"):
        listed(source_at(f"http://public.test:{port}/sitemap.xml", "site"))
    allowed = source_at(f"http://public.test:{port}/docs/otter", "site").model_copy(update={"allow_private": True})
    assert listed(allowed) == ["docs/otter"]
    assert site.asked[-1].headers["host"] == f"public.test:{port}"


@pytest.mark.parametrize(
    "location",
    [
        "http://elsewhere.test/",
        "http://169.254.169.254/latest/meta-data/",
        "http://127.0.0.1:1/",
        "file:///etc/passwd",
        "ftp://127.0.0.1/x",
        "gopher://127.0.0.1/",
        "http://user:pw@127.0.0.1/",
    ],
)
def test_a_page_that_leads_elsewhere_is_not_followed(line: Line, site: Site, location: str) -> None:
    site.pages["/docs/otter"] = Page(b"", 302, {"Location": location})
    save_sources(line.home, [source_of(site)])
    line.run()
    assert refused(line) == {"docs/otter": "E_PERM"}
    assert not line.run().published.new


def test_a_page_that_moves_within_the_site_is_read_where_it_is(line: Line, site: Site) -> None:
    site.pages["/docs/otter"] = Page(b"", 301, {"Location": "../new/otter"})
    site.page("/new/otter", "The otter moved", etag='"1"')
    save_sources(line.home, [source_of(site)])
    line.run()
    assert line.search("otter moved")[0].path == "docs/otter"
    assert not line.run().published.new


def test_robots_txt_holds_behind_a_redirect_too(line: Line, site: Site) -> None:
    robots(site, "User-agent: *\nDisallow: /secret\n")
    site.pages["/docs/otter"] = Page(b"", 302, {"Location": "/secret/otter"})
    site.page("/secret/otter", "The secret otter")
    save_sources(line.home, [source_of(site)])
    line.run()
    assert site.requests("/secret/otter") == []
    assert refused(line) == {"docs/otter": "E_PERM"}


def test_redirects_without_end_are_ended(line: Line, site: Site) -> None:
    site.pages["/docs/otter"] = Page(b"", 302, {"Location": "/docs/otter"})
    save_sources(line.home, [source_of(site)])
    line.run()
    assert refused(line) == {"docs/otter": "E_PERM"}
    assert len(site.requests("/docs/otter")) == 6


def test_another_host_is_asked_only_where_it_was_allowed(line: Line, site: Site) -> None:
    with running_site() as other:
        other.page("/far", "The far page")
        site.sitemap("/docs/otter", other.url("/far"))
        assert listed(source_of(site)) == ["docs/otter"]
        assert other.asked == []
        save_sources(line.home, [source_of(site, allow=(other.host,))])
        line.run()
        assert paths(line) == [f"//{other.host}/far", "docs/otter"]
        assert line.search("far page")[0].uri == other.url("/far")


def test_a_page_larger_than_the_settings_allow_goes_to_quarantine_unread(line: Line, site: Site) -> None:
    site.pages["/big"] = Page(b"a" * 5_000, headers={"Content-Type": "text/html"})
    site.pages["/packed"] = Page(gzip.compress(b"a" * 5_000_000), headers={"Content-Encoding": "gzip"})
    site.sitemap("/big", "/packed", "/docs/otter")
    line.settings = line.settings.model_copy(update={"max_file_bytes": 2_000})
    save_sources(line.home, [source_of(site)])
    line.run()
    assert (refused(line), paths(line)) == ({"big": "E_TOO_LARGE", "packed": "E_TOO_LARGE"}, ["docs/otter"])


def test_a_sitemap_that_unpacks_without_end_is_refused(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "SITEMAP_BYTES", 10_000)
    site.put_xml("/sitemap.xml.gz", f"<urlset>{' ' * 1_000_000}</urlset>")
    with pytest.raises(SourceMissing, match="unpacks to more than 10,000"):
        listed(source_of(site, "/sitemap.xml.gz"))


def endless(request: BaseHTTPRequestHandler) -> None:
    """Never ends, and never pauses for long."""
    request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
    for _ in range(400):
        request.wfile.write(b"a")
        time.sleep(0.02)


def endless_head(request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
    for _ in range(400):
        request.wfile.write(b"a")
        time.sleep(0.02)


def cut_short(request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nContent-Type: text/html\r\n\r\n<html>Half")


def no_http(request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"220 smtp ready\r\n")


@pytest.mark.parametrize("raw", [endless, endless_head, cut_short, no_http])
def test_an_answer_that_never_ends_or_breaks_off_is_given_up(
    line: Line, site: Site, monkeypatch: pytest.MonkeyPatch, raw: Any
) -> None:
    monkeypatch.setattr(web_client, "PAGE_SECONDS", 0.3)
    monkeypatch.setattr(web_client, "ATTEMPTS", 1)
    site.pages["/docs/otter"] = Page(raw=raw)
    save_sources(line.home, [source_of(site)])
    line.run()
    assert refused(line) == {"docs/otter": "E_IO"}


def test_a_kept_connection_that_was_closed_is_opened_anew(kept: Line, site: Site) -> None:
    whole = site.serve

    def closing(request: BaseHTTPRequestHandler) -> None:
        whole(request)
        request.close_connection = True  # without saying so

    site.serve = closing  # type: ignore[method-assign]
    assert kept.run().documents.unchanged == 3


def test_too_many_pages_or_sitemaps_are_refused(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "MAX_PAGES", 2)
    with pytest.raises(SourceMissing, match="more than 2 pages"):
        listed(source_of(site))
    monkeypatch.setattr(web, "MAX_SITEMAPS", 2)
    site.index("/1.xml", "/2.xml", "/3.xml")
    with pytest.raises(SourceMissing, match="more than 2 sitemaps"):
        listed(source_of(site))


def test_addresses_in_a_sitemap_that_are_none_are_skipped(site: Site) -> None:
    site.sitemap("/docs/otter", "javascript://x", "http://u:p@127.0.0.1/x", "http://[::1/", "http://elsewhere.test/y")
    listing = list_source(source_of(site))
    assert ([found.path for found in listing.files], listing.skipped) == (["docs/otter"], 4)


def certificate(folder: Path, *names: str) -> Path:
    """A certificate for hosts that signs itself, with its key."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(list(map(x509.DNSName, names))), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "site.pem"
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path


def test_a_certificate_must_be_trusted_and_be_that_of_the_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem = certificate(tmp_path, "site.test")
    secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    secure.load_cert_chain(pem)
    trusting = ssl.create_default_context(cafile=str(pem))
    with running_site(secure) as site:
        port = int(site.host.partition(":")[2])
        place = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: place)
        monkeypatch.setattr(web_client, "ATTEMPTS", 1)
        site.page("/docs/otter", "The otter", etag='"1"')

        def listed_at(host: str) -> list[str]:
            source = source_at(f"https://{host}:{port}/docs/otter", "site")
            return listed(source.model_copy(update={"allow_private": True}))

        with pytest.raises(SourceMissing, match="certificate is not trusted: self"):
            listed_at("site.test")
        monkeypatch.setattr(ssl, "create_default_context", lambda: trusting)
        assert listed_at("site.test") == ["docs/otter"]
        with pytest.raises(SourceMissing, match="certificate is not trusted: Hostname mismatch"):
            listed_at("other.test")
        assert site.asked[-1].headers["host"] == f"site.test:{port}"
