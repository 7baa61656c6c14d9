"""Lists the pages of a website: those that its sitemaps name, or a single page.

A page that does not answer is kept as it was; a page that is gone is left out of the listing, so it gets deleted.
"""

import mimetypes
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

from omni_pipelines import progress
from omni_pipelines.refusals import Fate, Unreadable
from omni_pipelines.sources.model.limits import WebLimits
from omni_pipelines.sources.model.listing import Listing, SourceFile
from omni_pipelines.sources.model.selection import FileSelection
from omni_pipelines.sources.model.source import Source
from omni_pipelines.sources.model.web_addresses import BadAddress, authority, page_path, web_address
from omni_pipelines.sources.web.client import inflate
from omni_pipelines.sources.web.failures import Blocked, Unavailable, WebFailure
from omni_pipelines.sources.web.network import Network
from omni_pipelines.sources.web.page_reading import GONE_MARKS, NOT_TEXT, current_mark, reader_of_page
from omni_pipelines.sources.web.site import Site
from omni_pipelines.sources.web.sitemap import Sitemap, SitemapEntry, changed_ns, is_settled, read_sitemap

UNSEEN_MARK = "unseen"
"""Version mark of a page that was never fetched."""
MAX_SHOWN_ADDRESS = 200
_GZIP_MAGIC = b"\x1f\x8b"
_MEDIA_TYPES = mimetypes.MimeTypes(filenames=())  # not the types of this machine: every machine must list the same


def list_pages(source: Source, known: Mapping[str, str], limits: WebLimits, network: Network) -> Listing:
    """List the pages that are there now.

    Args:
        source: the sitemap or the page.
        known: path to version mark of the stored pages. The server is asked about these only; other pages are listed
            without a request.
        limits: of the website.
        network: DNS, certificates, clock and sleep.

    Raises:
        SourceMissing: the sitemap or the single page cannot be fetched, or the website is down.
    """
    with closing(Site(source, limits, network)) as site:
        return (
            _SitemapListing(site, known, FileSelection(source)).listing()
            if is_sitemap(source)
            else _list_single_page(site, known)
        )


def is_sitemap(source: Source) -> bool:
    """Whether the address is that of a sitemap, by its name."""
    last = urlsplit(source.url).path.rpartition("/")[2].lower()
    return "sitemap" in last or last.endswith((".xml", ".xml.gz"))


def _list_single_page(site: Site, known: Mapping[str, str]) -> Listing:
    source = site.source
    path = page_path(source.url, source.url)
    reader = reader_of_page(source.url)
    try:
        mark = current_mark(site, SourceFile(path, 0, 0, known.get(path, ""), reader))
    except WebFailure as error:
        raise site.missing(str(error), error.cure) from error
    if mark.startswith("status:"):
        raise site.missing(f"the server answers {mark.partition(':')[2]}")
    return Listing(source, (SourceFile(path, 0, 0, mark, reader),), (), (), datetime.now(UTC))


@dataclass
class _SitemapListing:
    """One listing of the pages of a sitemap."""

    site: Site
    known: Mapping[str, str]
    selection: FileSelection
    files: list[SourceFile] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _failures: int = 0
    """Pages in a row that did not answer."""

    def listing(self) -> Listing:
        pages = self._pages()
        permitted = {path: lastmod for path, lastmod in pages.items() if self._is_permitted(path)}
        if pages and not permitted and not self.unreadable:
            raise self.site.missing("its robots.txt forbids every page")
        if forbidden := len(pages) - len(permitted):
            self.notes.append(f"robots.txt forbids {forbidden:,} pages")
        for number, path in enumerate(sorted(permitted)):
            progress.report("checking pages", number, len(permitted), "pages", path)
            self._add(path, permitted[path])
        unread = self.selection.listing(self.unreadable, self.notes)
        return replace(unread, files=tuple(self.files))

    def _pages(self) -> dict[str, str]:
        """Path to lastmod of every page that the sitemaps name and the patterns choose."""
        pages: dict[str, str] = {}
        limit = self.site.limits.pages
        for entry in self._entries():
            try:
                path = self._path(entry.location)
            except BadAddress as error:
                shown = "an address with a user" if "@" in entry.location else entry.location[:MAX_SHOWN_ADDRESS]
                self.selection.ignore(shown, "address", f"built-in rule: {error}")
                continue
            media_type = _MEDIA_TYPES.guess_type(path.partition("?")[0])[0] or ""
            if self.selection.is_chosen(path):
                if media_type.startswith(NOT_TEXT):
                    self.selection.leave_out(path, Fate.UNKNOWN, f"no reader for {media_type}")
                else:
                    pages[path] = max(pages.get(path, ""), entry.lastmod)
            if len(pages) > limit:
                raise self.site.missing(f"it names more than {limit:,} pages", "use a sitemap of a part of the site")
        return pages

    def _path(self, location: str) -> str:
        """The document path of a page. Its scheme is dropped: http or https is that of the source."""
        source = self.site.source
        address = web_address(location, source.url)
        host = authority(address)
        if host != authority(source.url) and host not in source.allow:
            raise BadAddress("its host is not allowed")
        return page_path(address, source.url)

    def _entries(self) -> Iterator[SitemapEntry]:
        """The pages of all sitemaps, depth first."""
        pending, seen = [self.site.source.url], {self.site.source.url}
        limit = self.site.limits.sitemaps
        while pending:
            address = pending.pop()
            sitemap = self._sitemap(address, is_first=len(seen) == 1)
            if sitemap is None or not sitemap.is_index:
                yield from sitemap.entries if sitemap else ()
                continue
            for entry in reversed(sitemap.entries):
                try:
                    child = web_address(entry.location, address)
                except BadAddress as error:
                    self._mark_incomplete(f"a sitemap in {address} is left out: {error}")
                    continue
                if child not in seen:
                    seen.add(child)
                    pending.append(child)
            if len(seen) > limit:
                raise self.site.missing(f"it names more than {limit} sitemaps", "use one of them")

    def _sitemap(self, address: str, *, is_first: bool) -> Sitemap | None:
        """Fetch a sitemap; None for one of several that cannot be read: then no page counts as gone."""
        limit = self.site.limits.sitemap_bytes
        try:
            response = self.site.get(address, limit)
            if response.status != 200:
                raise Unavailable(f"the server answers {response.status}")
            is_packed = response.body.startswith(_GZIP_MAGIC)
            return read_sitemap(inflate(response.body, limit) if is_packed else response.body)
        except WebFailure as error:
            reason, cure = str(error), error.cure
        except Unreadable as error:
            reason, cure = f"it is not a sitemap: {error.detail}", ""
        if is_first:
            raise self.site.missing(reason, cure)
        self._mark_incomplete(f"{address} is left out: {reason}")
        return None

    def _mark_incomplete(self, note: str) -> None:
        self.unreadable.append("")  # every path starts with it
        self.notes.append(f"{note}; nothing of source {self.site.source.name} is deleted")

    def _is_permitted(self, path: str) -> bool:
        address = self.site.source.uri(path)
        try:
            if not self.site.permits(address):
                self.selection.ignore(path, "robots.txt", f"the robots.txt of {authority(address)} forbids it")
                return False
        except WebFailure as error:
            if isinstance(error, Unavailable) and authority(address) == authority(self.site.source.url):
                raise self.site.missing(str(error), error.cure) from error
            self._keep(path, str(error))
            return False
        return True

    def _add(self, path: str, lastmod: str) -> None:
        """Add a page. The server is asked only about a stored page whose date in the sitemap does not decide."""
        mark = self.known.get(path)
        changed = changed_ns(lastmod) or 0
        reader = reader_of_page(self.site.source.uri(path))
        if is_settled(lastmod, datetime.now(UTC)):
            self.files.append(SourceFile(path, 0, changed, f"lastmod:{lastmod}", reader))
        elif mark is None:
            self.files.append(SourceFile(path, 0, changed, UNSEEN_MARK, reader, is_provisional=True))
        else:
            self._ask(SourceFile(path, 0, changed, mark, reader))

    def _ask(self, file: SourceFile) -> None:
        limit = self.site.limits.failures
        try:
            mark = current_mark(self.site, file)
        except Blocked:
            mark = "blocked"
        except WebFailure as error:
            self._keep(file.path, str(error))
            self._failures += 1
            if self._failures >= limit:
                raise self.site.missing(f"{limit} pages in a row do not answer: {error}") from error
            return
        self._failures = 0
        if mark in GONE_MARKS and mark != file.version_mark:
            return  # its document is deleted; if the sitemap still names it at the next ingest, it is quarantined
        self.files.append(SourceFile(file.path, 0, file.mtime_ns, mark, file.reader))

    def _keep(self, path: str, reason: str) -> None:
        self.unreadable.append(path)
        self.notes.append(f"{self.site.source.uri(path)} is kept as it was: {reason}")
