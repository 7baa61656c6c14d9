"""A site on this machine that stands in for the web: it serves what it is told, and writes down what it was asked."""

from __future__ import annotations

import gzip
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from omni_pipelines.sources.kinds import list_source
from omni_pipelines.sources.locations import source_at
from omni_pipelines.sources.registry import save_sources
from omni_pipelines.sources.source import Source
from omni_pipelines.sources.web import client as web_client
from tests.integration.line import Line

SPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


@dataclass
class Page:
    """What stands at a path."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    etag: str = ""
    modified: str = ""
    raw: Callable[[BaseHTTPRequestHandler], None] | None = None
    """Writes the answer itself, however wrong."""


@dataclass
class Asked:
    """One request."""

    path: str
    headers: Mapping[str, str]
    status: int
    sent: int


class Site:
    """Pages by path, and the requests so far."""

    def __init__(self, secure: ssl.SSLContext | None = None) -> None:
        self.pages: dict[str, Page] = {}
        self.asked: list[Asked] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                site.serve(self)

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if secure is not None:
            self._server.socket = secure.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    def url(self, path: str = "/") -> str:
        return f"http://{self.host}{path}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def page(self, path: str, text: str, **more: str) -> None:
        """A page of HTML."""
        body = f"<!doctype html><title>{text}</title><main><h1>{text}</h1><p>{text} is on this page.</p></main>"
        headers = {"Content-Type": "text/html; charset=utf-8"}
        self.pages[path] = Page(body.encode(), headers=headers, **more)  # type: ignore[arg-type]

    def sitemap(self, *paths: str, at: str = "/sitemap.xml", lastmod: Mapping[str, str] | None = None) -> None:
        dates = {path: f"<lastmod>{date}</lastmod>" for path, date in (lastmod or {}).items()}
        entries = (f"<url><loc>{self.where(path)}</loc>{dates.get(path, '')}</url>" for path in paths)
        self.put_xml(at, f"<urlset {SPACE}>{''.join(entries)}</urlset>")

    def index(self, *paths: str, at: str = "/sitemap.xml") -> None:
        entries = (f"<sitemap><loc>{self.where(path)}</loc></sitemap>" for path in paths)
        self.put_xml(at, f"<sitemapindex {SPACE}>{''.join(entries)}</sitemapindex>")

    def put_xml(self, at: str, text: str) -> None:
        raw = gzip.compress(text.encode()) if at.endswith(".gz") else text.encode()
        self.pages[at] = Page(raw, headers={"Content-Type": "application/xml"})

    def where(self, path: str) -> str:
        return (path if "://" in path else self.url(path)).replace("&", "&amp;")

    def requests(self, path: str) -> list[Asked]:
        return [each for each in self.asked if each.path == path]

    def forget_requests(self) -> None:
        self.asked.clear()

    def serve(self, request: BaseHTTPRequestHandler) -> None:
        page = self.pages.get(request.path, Page(b"not here", 404))
        sent = {name.lower(): value for name, value in request.headers.items()}
        status, body = page.status, page.body
        same = (page.etag and sent.get("if-none-match") == page.etag) or (
            page.modified and "if-none-match" not in sent and sent.get("if-modified-since") == page.modified
        )
        if status == 200 and same:
            status, body = 304, b""
        self.asked.append(Asked(request.path, sent, status, len(body)))
        if page.raw is not None:
            page.raw(request)
            request.close_connection = True
            return
        request.send_response(status)
        validators = {"ETag": page.etag, "Last-Modified": page.modified}
        for name, value in {**page.headers, **validators}.items():
            if value:
                request.send_header(name, value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)


@contextmanager
def running_site(secure: ssl.SSLContext | None = None) -> Iterator[Site]:
    site = Site(secure)
    try:
        yield site
    finally:
        site.stop()


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr(web_client, "FIRST_WAIT", 0.01)
    with running_site() as site:
        site.page("/docs/heron.html", "The heron", etag='"h1"')
        site.page("/docs/otter", "The otter", modified="Tue, 06 Jan 2026 10:00:00 GMT")
        site.page("/docs/moose?lang=en&x=1", "The moose")
        site.sitemap("/docs/heron.html", "/docs/otter", "/docs/moose?lang=en&x=1")
        yield site


def source_of(site: Site, path: str = "/sitemap.xml", **more: Any) -> Source:
    return source_at(site.url(path), "site").model_copy(update={"allow_private": True, **more})


@pytest.fixture
def kept(line: Line, site: Site) -> Line:
    save_sources(line.home, [source_of(site)])
    line.run()
    site.forget_requests()
    return line


def paths(line: Line) -> list[str]:
    return sorted(row["path"] for row in line.rows("documents", "path"))


def listed(source: Source) -> list[str]:
    return [found.path for found in list_source(source).files]


ALL = ["docs/heron.html", "docs/moose?lang=en&x=1", "docs/otter"]
"""Paths of the pages of `site`."""


def robots(site: Site, text: str, status: int = 200) -> None:
    site.pages["/robots.txt"] = Page(text.encode(), status)
