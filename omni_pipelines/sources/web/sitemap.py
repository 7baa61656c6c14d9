"""What a sitemap names: pages, or other sitemaps, each with the day it changed where that is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.readers.xml_stream import Attributes, XmlHandler, parse_xml

MAX_ENTRIES = 50_000
"""Of one sitemap, as its standard says."""
_FORMS = (("%Y-%m-%d", timedelta(days=1)), ("%Y-%m", timedelta(days=31)), ("%Y", timedelta(days=366)))
_ANYWHERE = timedelta(hours=14)
"""A day without a time zone may end this much later."""
_SETTLED = timedelta(minutes=1)
_LATEST = 1 << 33
"""Seconds since 1970: in the year 2242."""


class Entry(NamedTuple):
    """A page or a sitemap."""

    location: str
    lastmod: str
    """As it stands there; "" if it does not."""


class Sitemap(NamedTuple):
    """What one file names."""

    is_index: bool
    """Whether the entries are sitemaps."""
    entries: tuple[Entry, ...]


def read_sitemap(raw: bytes) -> Sitemap:
    """Read a urlset or a sitemapindex.

    Raises:
        Unreadable: E_PARSE, E_DEPTH, E_XML_ENTITY, or it names more than 50,000.
    """
    handler = _Entries()
    parse_xml(raw, handler)
    if handler.root not in ("urlset", "sitemapindex"):
        raise Unreadable(RefusalCode.PARSE, f"its root is {handler.root[:40]!r}, not urlset or sitemapindex")
    return Sitemap(handler.root == "sitemapindex", tuple(handler.entries))


def is_settled(lastmod: str, now: datetime) -> bool:
    """Whether a page that changed then has surely not changed again under the same date."""
    span = _changed(lastmod)
    return span is not None and span[1] + _SETTLED < now


def changed_ns(lastmod: str) -> int | None:
    """When a page changed, in nanoseconds since 1970; None if that is not told."""
    span = _changed(lastmod)
    return None if span is None else nanoseconds(span[0])


def nanoseconds(moment: datetime) -> int | None:
    """Since 1970; None for a moment that no page on the web can have changed at, such as 0001-01-01."""
    seconds = int(moment.timestamp())
    return seconds * 1_000_000_000 if 0 <= seconds <= _LATEST else None


def _changed(lastmod: str) -> tuple[datetime, datetime] | None:
    """The first and the last moment that a date may mean."""
    try:
        return _span(lastmod)
    except OverflowError:
        return None


def _span(lastmod: str) -> tuple[datetime, datetime] | None:
    for form, length in _FORMS:
        try:
            begins = datetime.strptime(lastmod, form).replace(tzinfo=UTC)
        except ValueError:
            continue
        return begins, begins + length + _ANYWHERE
    try:
        moment = datetime.fromisoformat(lastmod)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC), moment.replace(tzinfo=UTC) + _ANYWHERE
    return moment, moment + timedelta(seconds=1)


class _Entries(XmlHandler):
    def __init__(self) -> None:
        self.root = ""
        self.entries: list[Entry] = []
        self._path: list[str] = []
        self._values: dict[str, str] = {}

    def start(self, name: str, attributes: Attributes) -> None:
        self.root = self.root or name
        self._path.append(name)

    def text(self, data: str) -> None:
        if len(self._path) == 3 and self._path[2] in ("loc", "lastmod"):  # a picture of a page has a loc, too
            self._values[self._path[2]] = self._values.get(self._path[2], "") + data

    def end(self, name: str) -> None:
        self._path.pop()
        if len(self._path) != 1:
            return
        if location := self._values.get("loc", "").strip():
            self.entries.append(Entry(location, self._values.get("lastmod", "").strip()))
        self._values.clear()
        if len(self.entries) > MAX_ENTRIES:
            raise Unreadable(RefusalCode.PARSE, f"it names more than {MAX_ENTRIES:,}")
