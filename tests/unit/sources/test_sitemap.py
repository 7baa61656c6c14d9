"""Sitemaps: their entries, and when their dates can be trusted."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from omni_pipelines.refusals import Unreadable
from omni_pipelines.sources.web.sitemap import SitemapEntry, changed_ns, is_settled, read_sitemap

SPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"'
NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def test_read_sitemap_returns_pages_with_dates_and_ignores_images() -> None:
    read = read_sitemap(
        f"""<?xml version="1.0"?><urlset {SPACE}>
        <url><loc> https://h/a </loc><lastmod>2026-01-02</lastmod><image:image><image:loc>https://h/p.png</image:loc>
        </image:image></url><url><loc>https://h/b?x=1&amp;y=2</loc></url><url><lastmod>2026</lastmod></url></urlset>""".encode()
    )
    assert read == (False, (SitemapEntry("https://h/a", "2026-01-02"), SitemapEntry("https://h/b?x=1&y=2", "")))


def test_read_sitemap_of_an_index_returns_sitemaps() -> None:
    read = read_sitemap(
        f"<sitemapindex {SPACE}><sitemap><loc>https://h/1.xml</loc></sitemap></sitemapindex>".encode()
    )
    assert (read.is_index, [entry.location for entry in read.entries]) == (True, ["https://h/1.xml"])


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"<html></html>", "E_PARSE"),
        (b"<urlset><url>", "E_PARSE"),
        (b"", "E_PARSE"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><urlset><url><loc>&a;</loc></url></urlset>', "E_XML_ENTITY"),
        (b"<urlset>" + b"<a>" * 300, "E_DEPTH"),
        (b"<urlset>" + b"<url><loc>http://h/</loc></url>" * 50_001 + b"</urlset>", "E_PARSE"),
    ],
)
def test_read_sitemap_refuses_other_documents(raw: bytes, code: str) -> None:
    with pytest.raises(Unreadable, match=code):
        read_sitemap(raw)


@pytest.mark.parametrize(
    ("lastmod", "settled"),
    [
        ("2026-03-08", True),
        ("2026-03-10", False),
        ("2026-03-11", False),
        ("2026-03", False),
        ("2026-01", True),
        ("2025", True),
        ("2026-03-10T11:00:00Z", True),
        ("2026-03-10T11:00:00+00:00", True),
        ("2026-03-10T11:59:30Z", False),
        ("2026-03-10T11:00:00", False),
        ("2026-03-10T13:00:00+02:00", True),
        ("yesterday", False),
        ("9999-12-31", False),
        ("9999-12-31T23:59:59+00:00", False),
        ("0001-01-01T00:00:00+14:00", True),
        ("", False),
    ],
)
def test_is_settled_once_every_later_change_gets_another_date(lastmod: str, settled: bool) -> None:
    assert is_settled(lastmod, NOW) is settled


def test_changed_ns_is_none_for_implausible_dates() -> None:
    assert changed_ns("1970-01-02") == 86_400 * 1_000_000_000
    for unlikely in ("soon", "0001-01-01", "0001-01-01T00:00:00+14:00", "9999-12-31", "9999", "1969-12-31"):
        assert changed_ns(unlikely) is None
