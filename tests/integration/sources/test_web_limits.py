"""What the web client refuses or ends: other hosts, private addresses, and responses over the limits."""

from __future__ import annotations

import gzip
import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from omni_pipelines.errors import SourceMissing
from omni_pipelines.sources.kinds import list_source
from omni_pipelines.sources.locations import source_at
from omni_pipelines.sources.model.limits import SourceLimits, WebLimits
from omni_pipelines.sources.registry import save_sources
from omni_pipelines.sources.web.network import Network
from tests.integration.line import Line, refused
from tests.integration.web_site import Page, Site, document_paths, listed_paths, robots, running_site, website


def test_a_private_address_is_refused_without_allow_private(site: Site) -> None:
    with pytest.raises(SourceMissing, match="private address; if it is a site of your own network: --allow-private"):
        listed_paths(website(site, allow_private=False))
    assert site.requests == []


def test_a_name_of_a_private_address_is_refused_without_allow_private(site: Site) -> None:
    port = site.host.partition(":")[2]
    network = Network(resolve=lambda _: ["127.0.0.1"])
    with pytest.raises(SourceMissing, match="private address"):
        listed_paths(source_at(f"http://public.test:{port}/sitemap.xml", "site"), network=network)
    allowed = source_at(f"http://public.test:{port}/docs/otter", "site").model_copy(update={"allow_private": True})
    assert listed_paths(allowed, network=network) == ["docs/otter"]
    assert site.requests[-1].headers["host"] == f"public.test:{port}"


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
def test_a_redirect_to_a_forbidden_address_is_not_followed(line: Line, site: Site, location: str) -> None:
    site.pages["/docs/otter"] = Page(b"", 302, {"Location": location})
    save_sources(line.home, [website(site)])
    line.run()
    assert refused(line) == {"docs/otter": "E_PERM"}
    assert not line.run().published.new


def test_a_redirect_within_the_site_is_followed(line: Line, site: Site) -> None:
    site.pages["/docs/otter"] = Page(b"", 301, {"Location": "../new/otter"})
    site.page("/new/otter", "The otter moved", etag='"1"')
    save_sources(line.home, [website(site)])
    line.run()
    assert line.search("otter moved")[0].path == "docs/otter"
    assert not line.run().published.new


def test_robots_txt_is_checked_after_a_redirect(line: Line, site: Site) -> None:
    robots(site, "User-agent: *\nDisallow: /secret\n")
    site.pages["/docs/otter"] = Page(b"", 302, {"Location": "/secret/otter"})
    site.page("/secret/otter", "The secret otter")
    save_sources(line.home, [website(site)])
    line.run()
    assert site.requests_for("/secret/otter") == []
    assert refused(line) == {"docs/otter": "E_PERM"}


def test_a_redirect_loop_ends_after_five_redirects(line: Line, site: Site) -> None:
    site.pages["/docs/otter"] = Page(b"", 302, {"Location": "/docs/otter"})
    save_sources(line.home, [website(site)])
    line.run()
    assert refused(line) == {"docs/otter": "E_PERM"}
    assert len(site.requests_for("/docs/otter")) == 6


def test_another_host_is_used_only_if_it_is_allowed(line: Line, site: Site) -> None:
    with running_site() as other:
        other.page("/far", "The far page")
        site.sitemap("/docs/otter", other.url("/far"))
        assert listed_paths(website(site)) == ["docs/otter"]
        assert other.requests == []
        save_sources(line.home, [website(site, allow=(other.host,))])
        line.run()
        assert document_paths(line) == [f"//{other.host}/far", "docs/otter"]
        assert line.search("far page")[0].uri == other.url("/far")


def test_a_page_over_the_size_limit_is_quarantined(line: Line, site: Site) -> None:
    site.pages["/big"] = Page(b"a" * 5_000, headers={"Content-Type": "text/html"})
    site.pages["/packed"] = Page(gzip.compress(b"a" * 5_000_000), headers={"Content-Encoding": "gzip"})
    site.sitemap("/big", "/packed", "/docs/otter")
    line.settings = line.settings.model_copy(update={"max_file_bytes": 2_000})
    save_sources(line.home, [website(site)])
    line.run()
    assert (refused(line), document_paths(line)) == ({"big": "E_TOO_LARGE", "packed": "E_TOO_LARGE"}, ["docs/otter"])


def test_a_sitemap_that_inflates_over_the_limit_is_refused(site: Site) -> None:
    site.put_xml("/sitemap.xml.gz", f"<urlset>{' ' * 1_000_000}</urlset>")
    with pytest.raises(SourceMissing, match="inflates to more than 10,000"):
        listed_paths(website(site, "/sitemap.xml.gz"), WebLimits(sitemap_bytes=10_000))


def endless(request: BaseHTTPRequestHandler) -> None:
    """Sends a body without end, a byte at a time."""
    request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
    for _ in range(400):
        request.wfile.write(b"a")
        time.sleep(0.02)


def endless_head(request: BaseHTTPRequestHandler) -> None:
    """Sends a header without end, a byte at a time."""
    request.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
    for _ in range(400):
        request.wfile.write(b"a")
        time.sleep(0.02)


def cut_short(request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nContent-Type: text/html\r\n\r\n<html>Half")


def no_http(request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"220 smtp ready\r\n")


@pytest.mark.parametrize("raw", [endless, endless_head, cut_short, no_http])
def test_an_endless_or_broken_response_is_quarantined(
    line: Line, site: Site, raw: Callable[[BaseHTTPRequestHandler], None]
) -> None:
    line.limits = SourceLimits(web=WebLimits(attempts=1, answer_seconds=1.5))
    site.pages["/docs/otter"] = Page(raw=raw)
    save_sources(line.home, [website(site)])
    line.run()
    assert refused(line) == {"docs/otter": "E_IO"}


def test_a_connection_that_the_server_closed_is_opened_again(ingested: Line, site: Site) -> None:
    whole = site.serve

    def closing(request: BaseHTTPRequestHandler) -> None:
        whole(request)
        request.close_connection = True  # without saying so

    site.serve = closing  # type: ignore[method-assign]
    assert ingested.run().documents.unchanged == 3


def test_too_many_pages_or_sitemaps_are_refused(site: Site) -> None:
    with pytest.raises(SourceMissing, match="more than 2 pages"):
        listed_paths(website(site), WebLimits(pages=2))
    site.index("/1.xml", "/2.xml", "/3.xml")
    with pytest.raises(SourceMissing, match="more than 2 sitemaps"):
        listed_paths(website(site), WebLimits(sitemaps=2))


def test_addresses_in_a_sitemap_that_are_not_followed_are_named_without_passwords(site: Site) -> None:
    site.sitemap("/docs/otter", "javascript://x", "http://u:p@127.0.0.1/x", "http://[::1/", "http://elsewhere.test/y")
    listing = list_source(website(site))
    assert [file.path for file in listing.files] == ["docs/otter"]
    assert {file.path: file.reason for file in listing.unread} == {
        "javascript://x": "built-in rule: it is neither http nor https",
        "an address with a user": "built-in rule: it contains a user name or password",
        "http://[::1/": "built-in rule: its host is not valid",
        "http://elsewhere.test/y": "built-in rule: its host is not allowed",
    }


def certificate(folder: Path, *names: str) -> Path:
    """A self-signed certificate for hosts, with its key."""
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


def test_a_certificate_must_be_trusted_and_match_the_host(tmp_path: Path) -> None:
    pem = certificate(tmp_path, "site.test")
    secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    secure.load_cert_chain(pem)
    trusting = ssl.create_default_context(cafile=str(pem))
    with running_site(secure) as site:
        port = site.host.partition(":")[2]
        site.page("/docs/otter", "The otter", etag='"1"')

        def listed_at(host: str, tls: ssl.SSLContext) -> list[str]:
            source = source_at(f"https://{host}:{port}/docs/otter", "site")
            network = Network(resolve=lambda _: ["127.0.0.1"], tls=lambda: tls)
            return listed_paths(source.model_copy(update={"allow_private": True}), WebLimits(attempts=1), network)

        with pytest.raises(SourceMissing, match="certificate is not trusted: self"):
            listed_at("site.test", ssl.create_default_context())
        assert listed_at("site.test", trusting) == ["docs/otter"]
        with pytest.raises(SourceMissing, match="certificate is not trusted: Hostname mismatch"):
            listed_at("other.test", trusting)
        assert site.requests[-1].headers["host"] == f"site.test:{port}"
