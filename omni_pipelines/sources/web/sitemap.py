"""Sitemaps: the pages or further sitemaps that one lists, each with the date of its last change."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.readers.markup.xml_stream import Attributes, XmlHandler, parse_xml

MAX_ENTRIES = 50_000
"""Of one sitemap: the limit of the sitemap standard."""
_DATE_FORMATS = (("%Y-%m-%d", timedelta(days=1)), ("%Y-%m", timedelta(days=31)), ("%Y", timedelta(days=366)))
_TIME_ZONES = timedelta(hours=14)
"""A date without a time zone may end this much later."""
_CLOCK_DIFFERENCE = timedelta(minutes=1)
_MAX_SECONDS = 1 << 33
"""Since 1970: in the year 2242."""


class SitemapEntry(NamedTuple):
    """A page or a sitemap."""

    location: str
    lastmod: str
    """Date of its last change as written; empty if it is missing."""


class Sitemap(NamedTuple):
    """The entries of one sitemap."""

    is_index: bool
    """Whether the entries are sitemaps."""
    entries: tuple[SitemapEntry, ...]


def read_sitemap(raw: bytes) -> Sitemap:
    """Read a urlset or a sitemapindex.

    Raises:
        Unreadable: E_PARSE, E_DEPTH or E_XML_ENTITY; also if it has more than 50,000 entries.
    """
    handler = _EntryHandler()
    parse_xml(raw, handler)
    if handler.root not in ("urlset", "sitemapindex"):
        raise Unreadable(RefusalCode.PARSE, f"its root is {handler.root[:40]!r}, not urlset or sitemapindex")
    return Sitemap(handler.root == "sitemapindex", tuple(handler.entries))


def is_settled(lastmod: str, now: datetime) -> bool:
    """Whether the date is long enough past that every change of the page from now on must get another date."""
    span = _changed_between(lastmod)
    return span is not None and span[1] + _CLOCK_DIFFERENCE < now


def changed_ns(lastmod: str) -> int | None:
    """When a page changed, in nanoseconds since 1970; None if the date is missing or not plausible."""
    span = _changed_between(lastmod)
    return None if span is None else nanoseconds(span[0])


def nanoseconds(moment: datetime) -> int | None:
    """Nanoseconds since 1970; None for a moment at which no web page can have changed, such as 0001-01-01."""
    seconds = int(moment.timestamp())
    return seconds * 1_000_000_000 if 0 <= seconds <= _MAX_SECONDS else None


def _changed_between(lastmod: str) -> tuple[datetime, datetime] | None:
    """The first and the last moment that a date can mean."""
    try:
        return _parse_span(lastmod)
    except OverflowError:
        return None


def _parse_span(lastmod: str) -> tuple[datetime, datetime] | None:
    for form, length in _DATE_FORMATS:
        try:
            start = datetime.strptime(lastmod, form).replace(tzinfo=UTC)
        except ValueError:
            continue
        return start, start + length + _TIME_ZONES
    try:
        moment = datetime.fromisoformat(lastmod)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC), moment.replace(tzinfo=UTC) + _TIME_ZONES
    return moment, moment + timedelta(seconds=1)


class _EntryHandler(XmlHandler):
    def __init__(self) -> None:
        self.root = ""
        self.entries: list[SitemapEntry] = []
        self._path: list[str] = []
        self._values: dict[str, str] = {}

    def start(self, name: str, attributes: Attributes) -> None:
        self.root = self.root or name
        self._path.append(name)

    def text(self, data: str) -> None:
        if len(self._path) == 3 and self._path[2] in ("loc", "lastmod"):  # deeper: an image of a page has a loc, too
            self._values[self._path[2]] = self._values.get(self._path[2], "") + data

    def end(self, name: str) -> None:
        self._path.pop()
        if len(self._path) != 1:
            return
        if location := self._values.get("loc", "").strip():
            self.entries.append(SitemapEntry(location, self._values.get("lastmod", "").strip()))
        self._values.clear()
        if len(self.entries) > MAX_ENTRIES:
            raise Unreadable(RefusalCode.PARSE, f"it has more than {MAX_ENTRIES:,} entries")
