"""Pages on the web: those that a sitemap names, or a single one. Nothing is asked but on behalf of an ingest.

What a page's change is told by, in this order: the date in the sitemap, once it is old enough to be the last of its
day; the ETag, the Last-Modified; the hash of the page. The stored mark is sent along, so that the server says "not
modified" instead of sending the page again. A page that does not answer is kept, one that is gone leaves.
"""

from __future__ import annotations

import email.utils
import mimetypes
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPMessage
from urllib.parse import urlsplit

from omni_pipelines import progress
from omni_pipelines.errors import SourceMissing
from omni_pipelines.ids import content_hash
from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.sources.file_reads import refuse_empty
from omni_pipelines.sources.source import Content, Found, Listing, Read, Source, SourceKind, chooses
from omni_pipelines.sources.web import sitemap
from omni_pipelines.sources.web.addresses import BadAddress, authority, location_of, page_path, web_address
from omni_pipelines.sources.web.client import (
    Answer,
    Blocked,
    TooLarge,
    Unavailable,
    WebClient,
    WebFailure,
    inflate,
)
from omni_pipelines.sources.web.robots import Robots
from omni_pipelines.text.readers.registry import READERS, Reader, reader_for, reader_named

MAX_PAGES, MAX_SITEMAPS = 50_000, 500
"""Of one source: more is a site that was named by mistake."""
SITEMAP_BYTES = 50 << 20
"""Of one sitemap, unpacked, as its standard says."""
PAGE_BYTES = 64 << 20
"""Of a page whose hash is its mark."""
MAX_FAILURES = 5
"""Pages in a row that do not answer: then the site is down, and there is no listing."""
UNSEEN = "unseen"
"""The mark of a page that nobody has asked for yet."""
_GONE = {"status:404", "status:410"}
"""Marks of pages that are not there."""
_NOT_TEXT = ("image/", "audio/", "video/", "font/")
_TYPES = mimetypes.MimeTypes(filenames=())  # without the lists of this machine: others must come to the same
_BY_TYPE = {reader.media_type: reader for reader in reversed(READERS)} | {
    "application/xhtml+xml": reader_named("html"),
    "text/xml": reader_named("xml"),
    "application/rss+xml": reader_named("xml"),
    "application/atom+xml": reader_named("xml"),
}
_HTML = reader_named("html")


def is_web(location: str) -> bool:
    """Whether a location names a page or a sitemap."""
    return location.lower().startswith(("http://", "https://"))


def web_at(location: str, name: str) -> Source:
    """The source at an address.

    Raises:
        ConfigurationError: it is none that can be used.
    """
    return Source(name=name, kind=SourceKind.WEB, url=location_of(location))


def list_pages(source: Source, known: Mapping[str, str]) -> Listing:
    """The pages that are there now, sorted by path.

    Args:
        source: the sitemap or the page.
        known: the marks of pages that are stored, by path: of a page without one, only the name is taken.

    Raises:
        SourceMissing: the sitemap or the single page does not answer, or the site is down: no proof of anything.
    """
    with closing(_Site(source)) as site:
        if is_sitemap(source):
            return _Look(site, known).listing()
        return _single(site, known)


@contextmanager
def reading_pages(source: Source) -> Iterator[Read]:
    """Read pages as they are now."""
    with closing(_Site(source)) as site:

        def read(found: Found, limit: int) -> Content:
            try:
                answer = site.get(source.uri(found.path), limit, wanted=_is_text)
            except Blocked as error:
                raise Unreadable(RefusalCode.PERM, error.whole, "blocked") from error
            except TooLarge as error:
                raise Unreadable(RefusalCode.TOO_LARGE, str(error)) from error
            except Unavailable as error:
                raise Unreadable(RefusalCode.IO, str(error)) from error
            return _content(source, found, answer)

        yield read


def is_sitemap(source: Source) -> bool:
    """Whether the address is that of a sitemap, by its name."""
    last = urlsplit(source.url).path.rpartition("/")[2].lower()
    return "sitemap" in last or last.endswith((".xml", ".xml.gz"))


class _Site:
    """The client of a source, and what its hosts' robots.txt say."""

    def __init__(self, source: Source) -> None:
        self.source = source
        hosts = frozenset({authority(source.url), *source.allow})
        self._client = WebClient(hosts, private=source.allow_private)
        self._robots = Robots(self._client)
        self._asked = 0.0

    def close(self) -> None:
        self._client.close()

    def get(self, address: str, limit: int, headers: Mapping[str, str] | None = None, **more: object) -> Answer:
        """The answer for an address, as often as its robots.txt allows.

        Raises:
            Blocked, Unavailable, TooLarge: there is none.
        """
        return self._client.get(address, limit, headers, permit=self._permit, **more)  # type: ignore[arg-type]

    def allows(self, address: str) -> bool:
        """Whether robots.txt lets a page be asked for.

        Raises:
            Unavailable: the robots.txt does not answer.
        """
        return self._robots.allows(address)

    def missing(self, why: str, cure: str = "") -> SourceMissing:
        """What to say when there is no listing."""
        what = f"source {self.source.name}: {self.source.location}: {why}"
        return SourceMissing(what, cure=cure or "check the address, or try again later; nothing is deleted")

    def _permit(self, address: str) -> None:
        if not self.allows(address):
            raise Blocked(f"the robots.txt of {authority(address)} keeps programs away from it")
        pause = self._asked + self._robots.pause(address) - time.monotonic()
        if pause > 0:
            time.sleep(pause)
        self._asked = time.monotonic()


@dataclass
class _Look:
    """One look at the pages of a sitemap."""

    site: _Site
    known: Mapping[str, str]
    skipped: int = 0
    files: list[Found] = field(default_factory=list)
    unlistable: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _failures: int = 0

    def listing(self) -> Listing:
        pages = self._pages()
        allowed = {path: lastmod for path, lastmod in pages.items() if self._is_allowed(path)}
        if pages and not allowed and not self.unlistable:
            raise self.site.missing("its robots.txt keeps programs away from every page")
        if kept_out := len(pages) - len(allowed):
            self.skipped += kept_out
            self.notes.append(f"robots.txt keeps {kept_out:,} pages out")
        for number, path in enumerate(sorted(allowed)):
            progress.report("looking at pages", number, len(allowed), "pages", path)
            self._look_at(path, allowed[path])
        now = datetime.now(UTC)
        files, unlistable = tuple(self.files), tuple(self.unlistable)
        return Listing(self.site.source, files, self.skipped, unlistable, now, tuple(self.notes))

    def _pages(self) -> dict[str, str]:
        """Path to lastmod of every page that may be asked for, by the sitemaps and the patterns."""
        pages: dict[str, str] = {}
        is_chosen = chooses(self.site.source)
        for entry in self._entries():
            try:
                path = self._path(entry.location)
            except BadAddress:
                self.skipped += 1
                continue
            if not is_chosen(path):
                continue
            if (_TYPES.guess_type(path.partition("?")[0])[0] or "").startswith(_NOT_TEXT):
                self.skipped += 1
                continue
            pages[path] = max(pages.get(path, ""), entry.lastmod)
            if len(pages) > MAX_PAGES:
                raise self.site.missing(f"it names more than {MAX_PAGES:,} pages", "name a sitemap of a part")
        return pages

    def _path(self, location: str) -> str:
        """The path of a page. A page of the source's own host is asked for as the source is, by http or https."""
        source = self.site.source
        address = web_address(location, source.url)
        host = authority(address)
        if host != authority(source.url) and host not in source.allow:
            raise BadAddress("its host is not allowed")
        return page_path(address, source.url)

    def _entries(self) -> Iterator[sitemap.Entry]:
        pending, seen = [self.site.source.url], {self.site.source.url}
        while pending:
            address = pending.pop()
            read = self._sitemap(address, is_first=len(seen) == 1)
            if read is None or not read.is_index:
                yield from read.entries if read else ()
                continue
            for entry in reversed(read.entries):
                try:
                    child = web_address(entry.location, address)
                except BadAddress as error:
                    self._incomplete(f"a sitemap in {address} is left out: {error}")
                    continue
                if child not in seen:
                    seen.add(child)
                    pending.append(child)
            if len(seen) > MAX_SITEMAPS:
                raise self.site.missing(f"it names more than {MAX_SITEMAPS} sitemaps", "name one of them")

    def _sitemap(self, address: str, *, is_first: bool) -> sitemap.Sitemap | None:
        """A sitemap; None for one of several that cannot be read: then nothing is proven to be gone."""
        try:
            answer = self.site.get(address, SITEMAP_BYTES)
            if answer.status != 200:
                raise Unavailable(f"the server answers {answer.status}")
            packed = answer.body.startswith(b"\x1f\x8b")
            return sitemap.read_sitemap(inflate(iter([answer.body]), SITEMAP_BYTES) if packed else answer.body)
        except WebFailure as error:
            why, cure = str(error), error.cure
        except Unreadable as error:
            why, cure = f"it is no sitemap: {error.detail}", ""
        if is_first:
            raise self.site.missing(why, cure)
        self._incomplete(f"{address} is left out: {why}")
        return None

    def _incomplete(self, note: str) -> None:
        self.unlistable.append("")
        self.notes.append(f"{note}; nothing of source {self.site.source.name} is deleted")

    def _is_allowed(self, path: str) -> bool:
        address = self.site.source.uri(path)
        try:
            return self.site.allows(address)
        except Unavailable as error:
            if authority(address) == authority(self.site.source.url):
                raise self.site.missing(str(error), error.cure) from error
            self._keep(path, str(error))
            return False
        except WebFailure as error:
            self._keep(path, str(error))
            return False

    def _look_at(self, path: str, lastmod: str) -> None:
        mark = self.known.get(path)
        changed = sitemap.changed_ns(lastmod)
        reader = _own_reader(self.site.source.uri(path)) or _HTML
        if sitemap.is_settled(lastmod, datetime.now(UTC)):
            self.files.append(Found(path, 0, changed or 0, f"lastmod:{lastmod}", reader))
        elif mark is None:
            self.files.append(Found(path, 0, changed or 0, UNSEEN, reader, is_provisional=True))
        else:
            self._ask(Found(path, 0, changed or 0, mark, reader))

    def _ask(self, found: Found) -> None:
        try:
            mark = _mark_now(self.site, found)
        except Blocked:
            mark = "blocked"
        except WebFailure as error:
            self._keep(found.path, str(error))
            self._failures += 1
            if self._failures >= MAX_FAILURES:
                raise self.site.missing(f"{MAX_FAILURES} pages in a row do not answer: {error}") from error
            return
        self._failures = 0
        if mark in _GONE and mark != found.stat:
            return  # it leaves; and if the sitemap still names it at the next look, that is told in quarantine
        self.files.append(Found(found.path, 0, found.mtime_ns, mark, found.reader))

    def _keep(self, path: str, why: str) -> None:
        self.unlistable.append(path)
        self.notes.append(f"{self.site.source.uri(path)} is left as it was: {why}")


def _single(site: _Site, known: Mapping[str, str]) -> Listing:
    source = site.source
    path = page_path(source.url, source.url)
    found = Found(path, 0, 0, known.get(path, ""), _own_reader(source.url) or _HTML)
    try:
        mark = _mark_now(site, found)
    except WebFailure as error:
        raise site.missing(str(error), error.cure) from error
    if mark.startswith("status:"):
        raise site.missing(f"the server answers {mark.partition(':')[2]}")
    return Listing(source, (Found(path, 0, 0, mark, found.reader),), 0, (), datetime.now(UTC))


def _mark_now(site: _Site, found: Found) -> str:
    """The mark of a page. Its body comes only where the server has nothing else to tell a change by."""
    kind, _, value = found.stat.partition(":")
    condition = {"etag": "If-None-Match", "modified": "If-Modified-Since"}.get(kind)
    headers = {condition: value} if condition else {}
    answer = site.get(site.source.uri(found.path), PAGE_BYTES, headers, wanted=_has_no_validator)
    if answer.status == 304 and condition:
        return found.stat
    return _mark(answer)


def _has_no_validator(headers: HTTPMessage) -> bool:
    return not headers.get("ETag") and not headers.get("Last-Modified")


def _is_text(headers: HTTPMessage) -> bool:
    return not headers.get_content_type().startswith(_NOT_TEXT)


def _mark(answer: Answer) -> str:
    if answer.status != 200:
        return f"status:{answer.status}"
    if etag := answer.headers.get("etag"):
        return f"etag:{etag}"
    if modified := answer.headers.get("last-modified"):
        return f"modified:{modified}"
    return f"hash:{content_hash(answer.body)}"


def _content(source: Source, found: Found, answer: Answer) -> Content:
    mark = _mark(answer)
    if mark in _GONE:
        raise Unreadable(RefusalCode.GONE, f"the server answers {answer.status}", mark)
    if answer.status != 200:
        raise Unreadable(RefusalCode.PERM, f"the server answers {answer.status}", mark)
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind.startswith(_NOT_TEXT):
        raise Unreadable(RefusalCode.BINARY, f"the server says that it is {kind[:40]}", mark)
    try:
        refuse_empty(answer.body)
    except Unreadable as error:
        raise Unreadable(error.code, error.detail, mark) from error
    if found.stat.startswith("lastmod:"):
        mark = found.stat
    return Content(
        answer.body, mark, _told_reader(source.uri(found.path), kind), found.mtime_ns or _changed_ns(answer)
    )


def _own_reader(address: str) -> Reader | None:
    """The reader for the name of a page; most have none that tells."""
    return reader_for(urlsplit(address).path)


def _told_reader(address: str, kind: str) -> Reader | None:
    """The reader for what the server says it is; a name that is known says more than "text"."""
    told = _BY_TYPE.get(kind)
    return told if told is _HTML or _own_reader(address) is None else None


def _changed_ns(answer: Answer) -> int:
    """When a page changed, as its server tells; else now, for it was not known before."""
    try:
        moment = email.utils.parsedate_to_datetime(answer.headers.get("last-modified", ""))
        return sitemap.nanoseconds(moment) or time.time_ns()
    except (TypeError, ValueError, OverflowError):
        return time.time_ns()
