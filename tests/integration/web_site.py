"""A website on this machine that serves the pages of a test and records the requests."""

from __future__ import annotations

import gzip
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from omni_pipelines.sources.kinds import list_source
from omni_pipelines.sources.locations import source_at
from omni_pipelines.sources.model.limits import SourceLimits, WebLimits
from omni_pipelines.sources.model.source import Source
from omni_pipelines.sources.web.network import SYSTEM_NETWORK, Network
from tests.integration.line import Line

IMPATIENT = WebLimits(first_wait_seconds=0.01)
SPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


@dataclass
class Page:
    """A page as the server sends it."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    etag: str = ""
    modified: str = ""
    raw: Callable[[BaseHTTPRequestHandler], None] | None = None
    """Writes the response itself, for responses that are not valid."""


@dataclass
class SiteRequest:
    """A request and its response."""

    path: str
    headers: Mapping[str, str]
    status: int
    sent: int
    """Bytes of the body."""


class Site:
    """Pages by path, and the requests so far."""

    def __init__(self, secure: ssl.SSLContext | None = None) -> None:
        self.pages: dict[str, Page] = {}
        self.requests: list[SiteRequest] = []
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

    def furnish(self) -> None:
        """Have the pages of `ALL_PATHS`, no others, and no requests yet."""
        self.pages.clear()
        self.requests.clear()
        vars(self).pop("serve", None)  # a test may have put its own there
        self.page("/docs/heron.html", "The heron", etag='"h1"')
        self.page("/docs/otter", "The otter", modified="Tue, 06 Jan 2026 10:00:00 GMT")
        self.page("/docs/moose?lang=en&x=1", "The moose")
        self.sitemap("/docs/heron.html", "/docs/otter", "/docs/moose?lang=en&x=1")

    def page(self, path: str, text: str, *, etag: str = "", modified: str = "") -> None:
        """Add an HTML page."""
        body = f"<!doctype html><title>{text}</title><main><h1>{text}</h1><p>{text} is on this page.</p></main>"
        headers = {"Content-Type": "text/html; charset=utf-8"}
        self.pages[path] = Page(body.encode(), headers=headers, etag=etag, modified=modified)

    def sitemap(self, *pages: str, file: str = "/sitemap.xml", lastmod: Mapping[str, str] | None = None) -> None:
        dates = {path: f"<lastmod>{date}</lastmod>" for path, date in (lastmod or {}).items()}
        entries = (f"<url><loc>{self.absolute(path)}</loc>{dates.get(path, '')}</url>" for path in pages)
        self.put_xml(file, f"<urlset {SPACE}>{''.join(entries)}</urlset>")

    def index(self, *sitemaps: str, file: str = "/sitemap.xml") -> None:
        entries = (f"<sitemap><loc>{self.absolute(path)}</loc></sitemap>" for path in sitemaps)
        self.put_xml(file, f"<sitemapindex {SPACE}>{''.join(entries)}</sitemapindex>")

    def put_xml(self, path: str, text: str) -> None:
        raw = gzip.compress(text.encode()) if path.endswith(".gz") else text.encode()
        self.pages[path] = Page(raw, headers={"Content-Type": "application/xml"})

    def absolute(self, path: str) -> str:
        return (path if "://" in path else self.url(path)).replace("&", "&amp;")

    def requests_for(self, path: str) -> list[SiteRequest]:
        return [request for request in self.requests if request.path == path]

    def serve(self, request: BaseHTTPRequestHandler) -> None:
        page = self.pages.get(request.path, Page(b"not found", 404))
        sent = {name.lower(): value for name, value in request.headers.items()}
        status, body = page.status, page.body
        same = (page.etag and sent.get("if-none-match") == page.etag) or (
            page.modified and "if-none-match" not in sent and sent.get("if-modified-since") == page.modified
        )
        if status == 200 and same:
            status, body = 304, b""
        self.requests.append(SiteRequest(request.path, sent, status, len(body)))
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


def website(site: Site, path: str = "/sitemap.xml", **options: Any) -> Source:
    """The site as a source."""
    return source_at(site.url(path), "site").model_copy(update={"allow_private": True, **options})


def document_paths(line: Line) -> list[str]:
    return sorted(row["path"] for row in line.rows("documents", "path"))


def listed_paths(source: Source, limits: WebLimits = IMPATIENT, network: Network = SYSTEM_NETWORK) -> list[str]:
    return [file.path for file in list_source(source, limits=SourceLimits(web=limits), network=network).files]


ALL_PATHS = ["docs/heron.html", "docs/moose?lang=en&x=1", "docs/otter"]
"""Document paths of the pages of the fixture `site`."""


def robots(site: Site, text: str, status: int = 200) -> None:
    site.pages["/robots.txt"] = Page(text.encode(), status)
