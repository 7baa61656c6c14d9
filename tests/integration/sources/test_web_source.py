"""Pages are read from a real server on this machine, and only as the site and the guard allow."""

from __future__ import annotations

import gzip
import json
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from omni_pipelines.sources.listing_cache import cached_listings, list_current
from typer.testing import CliRunner

from omni_pipelines.cli.main import app
from omni_pipelines.errors import ConfigurationError, DeletionRefused, SourceMissing
from omni_pipelines.pipeline.staleness import list_sources, stale_ingest
from omni_pipelines.sources.kinds import list_source
from omni_pipelines.sources.registry import load_sources, save_sources
from omni_pipelines.sources.web import pages as web
from omni_pipelines.sources.web import robots as web_robots
from tests.integration.line import Line, refused
from tests.integration.web_site import ALL, Page, Site, kept, listed, paths, robots, site, source_of

__all__ = ["kept", "site"]


# --- what is read


def test_the_pages_of_a_sitemap_are_read_and_cited_by_their_addresses(kept: Line, site: Site) -> None:
    assert paths(kept) == ALL
    (hit, *_) = kept.search("moose page")
    assert hit.uri == site.url("/docs/moose?lang=en&x=1")
    passage = kept.librarian().show(hit.uri)
    assert (passage.uri, passage.from_file) == (hit.uri, False)
    assert "The moose is on this page." in passage.lines
    titles = {row["path"]: row["title"] for row in kept.rows("documents", "path", "title")}
    assert titles["docs/otter"] == "The otter"


def test_a_page_is_asked_for_once_at_first(line: Line, site: Site) -> None:
    save_sources(line.home, [source_of(site)])
    line.run()
    assert [len(site.requests(path)) for path in ("/docs/heron.html", "/docs/otter")] == [1, 1]
    assert len(site.requests("/robots.txt")) == 2  # for the listing, and for the reading
    assert all(each.headers["user-agent"].startswith("omni-pipelines/") for each in site.asked)
    assert all("cookie" not in each.headers and "authorization" not in each.headers for each in site.asked)


def test_a_second_ingest_transfers_no_page_that_did_not_change(kept: Line, site: Site) -> None:
    assert not kept.run().published.new
    asked = {each.path: (each.status, each.sent) for each in site.asked}
    assert asked["/docs/heron.html"] == (304, 0)
    assert asked["/docs/otter"] == (304, 0)
    assert asked["/docs/moose?lang=en&x=1"][0] == 200  # its server gives nothing to compare: its hash tells
    assert site.requests("/docs/heron.html")[0].headers["if-none-match"] == '"h1"'


def test_what_changed_is_read_what_is_new_comes_and_what_is_gone_leaves(kept: Line, site: Site) -> None:
    site.page("/docs/heron.html", "The heron flies", etag='"h2"')
    site.page("/docs/new", "The new one")
    site.pages["/docs/otter"] = Page(b"gone", 410)
    site.sitemap("/docs/heron.html", "/docs/otter", "/docs/new")
    done = kept.run().documents.counts
    assert (done["added"], done["changed"], done["deleted"]) == (1, 1, 2)
    assert paths(kept) == ["docs/heron.html", "docs/new"]
    assert kept.search("heron flies")[0].path == "docs/heron.html"


def test_a_page_that_is_named_and_missing_is_told_once_in_quarantine(kept: Line, site: Site) -> None:
    del site.pages["/docs/otter"]
    kept.run()
    assert "docs/otter" not in paths(kept)
    kept.run()
    assert refused(kept) == {"docs/otter": "E_GONE"}
    before = kept.versions()
    kept.run()
    assert kept.versions() == before
    site.page("/docs/otter", "The otter is back")
    kept.run()
    assert (refused(kept), paths(kept)) == ({}, ALL)


def test_nothing_is_due_after_the_first_ingest(kept: Line) -> None:
    first = stale_ingest(kept.context)
    second = kept.ingest()
    assert (second.added, second.changed, second.unchanged) == (0, 0, 3)
    again = stale_ingest(kept.context)
    assert first is not None
    assert again is not None
    assert (first.wanted_state, first.reason) == (
        again.wanted_state,
        "embedder changed",
    )  # the model of a test line, and no source


def test_an_old_date_in_the_sitemap_spares_the_question(line: Line, site: Site) -> None:
    site.sitemap("/docs/heron.html", lastmod={"/docs/heron.html": "2026-01-02"})
    save_sources(line.home, [source_of(site)])
    line.run()
    site.forget_requests()
    line.run()
    assert [each.path for each in site.asked] == ["/robots.txt", "/sitemap.xml"]
    site.page("/docs/heron.html", "The heron flies")
    site.sitemap("/docs/heron.html", lastmod={"/docs/heron.html": "2026-01-03"})
    assert line.run().documents.changed == 1


def test_the_date_of_today_does_not_hide_a_second_change(line: Line, site: Site) -> None:
    today = {"/docs/heron.html": time.strftime("%Y-%m-%d", time.gmtime())}
    site.sitemap("/docs/heron.html", lastmod=today)
    save_sources(line.home, [source_of(site)])
    line.run()
    site.page("/docs/heron.html", "The heron flies", etag='"h2"')
    assert line.run().documents.changed == 1


def test_one_page_is_a_source(line: Line, site: Site) -> None:
    save_sources(line.home, [source_of(site, "/docs/otter")])
    line.run()
    assert paths(line) == ["docs/otter"]
    del site.pages["/docs/otter"]
    with pytest.raises(SourceMissing, match="answers 404"):
        line.run()
    assert paths(line) == ["docs/otter"]


def test_the_page_at_the_top_has_a_name(line: Line, site: Site) -> None:
    site.page("/", "The top")
    save_sources(line.home, [source_of(site, "/")])
    line.run()
    assert paths(line) == [f"//{site.host}/"]
    assert line.librarian().show(site.url("/")).uri == site.url("/")


def test_indexes_and_packed_sitemaps_are_followed(site: Site) -> None:
    site.sitemap("/docs/heron.html", at="/one.xml.gz")
    site.sitemap("/docs/otter", "/docs/heron.html", at="/two.xml")
    site.index("/one.xml.gz", "/two.xml", "/sitemap.xml")  # and round in a circle
    assert listed(source_of(site)) == ["docs/heron.html", "docs/otter"]
    site.pages["/two.xml"].body = gzip.compress(site.pages["/two.xml"].body)
    site.pages["/two.xml"].headers["Content-Encoding"] = "gzip"
    assert listed(source_of(site)) == ["docs/heron.html", "docs/otter"]


def test_what_a_server_says_a_page_is_counts_where_the_name_says_nothing(line: Line, site: Site) -> None:
    site.pages["/plain"] = Page(b"Words of <b>plain</b> text.\n", headers={"Content-Type": "text/plain"})
    site.pages["/notes.md"] = Page(b"# Notes\n\nWords.\n", headers={"Content-Type": "text/plain"})
    site.page("/wiki/Node.js", "Node")
    site.pages["/feed"] = Page(b"<r><t>Words</t></r>", headers={"Content-Type": "application/rss+xml"})
    site.pages["/picture"] = Page(b"\x89PNG" + b"\0" * 50, headers={"Content-Type": "image/png"})
    site.sitemap("/plain", "/notes.md", "/wiki/Node.js", "/feed", "/picture", "/photo.jpg")
    save_sources(line.home, [source_of(site)])
    assert line.run().documents.skipped == 1
    kinds = {row["path"]: row["media_type"] for row in line.rows("documents", "path", "media_type")}
    assert kinds == {
        "plain": "text/plain",
        "notes.md": "text/markdown",
        "wiki/Node.js": "text/html",
        "feed": "application/xml",
    }
    assert refused(line) == {"picture": "E_BINARY"}
    assert not line.run().published.new


def test_a_row_knows_when_its_page_changed(kept: Line) -> None:
    changed = {row["path"]: row["mtime_ns"] for row in kept.rows("documents", "path", "mtime_ns")}
    assert changed["docs/otter"] == 1767693600 * 1_000_000_000
    assert abs(changed["docs/heron.html"] / 1e9 - time.time()) < 600  # not told: when it was first seen


def test_headers_and_dates_that_make_no_sense_stop_nothing(line: Line, site: Site) -> None:
    site.page("/folded", "Folded", etag='"a\r\n b"')
    site.page("/late", "Late", modified="Fri, 31 Dec 9999 23:59:59 GMT")
    site.page("/early", "Early", modified="Mon, 01 Jan 0001 00:00:00 GMT")
    site.page("/none", "None", modified="soon")
    site.page("/old", "Old")
    site.sitemap("/folded", "/late", "/early", "/none", "/old", lastmod={"/old": "0001-01-01T00:00:00+00:00"})
    save_sources(line.home, [source_of(site)])
    line.run()
    assert paths(line) == ["early", "folded", "late", "none", "old"]
    assert line.run().documents.unchanged == 5
    assert site.requests("/folded")[-1].headers["if-none-match"] == '"a b"'


def test_patterns_choose_before_anything_is_asked(site: Site) -> None:
    assert listed(source_of(site, exclude=("*.html",))) == ["docs/moose?lang=en&x=1", "docs/otter"]
    assert listed(source_of(site, include=("/docs/o*",))) == ["docs/otter"]


# --- what is kept


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_page_that_asks_for_patience_is_kept(kept: Line, site: Site, status: int) -> None:
    site.pages["/docs/heron.html"] = Page(b"later", status)
    done = kept.run().documents
    assert (done.deleted, paths(kept)) == (0, ALL)
    assert len(site.requests("/docs/heron.html")) == 3
    assert any("heron.html is left as it was: the server answers" in note for note in done.warnings)


def test_a_server_that_recovers_in_time_is_read(kept: Line, site: Site) -> None:
    answers = iter([503, 429])
    whole = site.serve

    def unsteady(request: BaseHTTPRequestHandler) -> None:
        page = site.pages["/docs/heron.html"]
        page.status = next(answers, 200) if request.path == "/docs/heron.html" else page.status
        whole(request)

    site.serve = unsteady  # type: ignore[method-assign]
    done = kept.run().documents
    assert (done.unchanged, done.warnings) == (3, ())


@pytest.mark.parametrize("as_date", [False, True], ids=["seconds", "date"])
def test_a_server_that_wants_to_be_left_alone_for_long_is(kept: Line, site: Site, as_date: bool) -> None:
    wanted = formatdate(time.time() + 3600, usegmt=True) if as_date else "3600"
    site.pages["/docs/heron.html"] = Page(b"later", 429, {"Retry-After": wanted})
    done = kept.run().documents
    assert len(site.requests("/docs/heron.html")) == 1
    assert any("wants to be asked again in 3," in note for note in done.warnings)


@pytest.mark.parametrize("status", [401, 403, 451])
def test_a_page_that_is_refused_is_kept_and_told(kept: Line, site: Site, status: int) -> None:
    site.pages["/docs/heron.html"] = Page(b"no", status)
    kept.run()
    assert (paths(kept), refused(kept)) == (ALL, {"docs/heron.html": "E_PERM"})


def test_a_site_that_is_down_deletes_nothing(kept: Line, site: Site) -> None:
    site.stop()
    with pytest.raises(SourceMissing, match="nobody answers there"):
        kept.run()
    assert paths(kept) == ALL
    site.__init__()  # type: ignore[misc]  # the fixture stops it once more


@pytest.mark.parametrize(
    "page",
    [
        Page(b"oops", 500),
        Page(b"gone", 404),
        Page(b"<html>Welcome</html>"),
        Page(b"<urlset><url>"),
        Page(b'<!DOCTYPE a [<!ENTITY b "c">]><urlset/>'),
    ],
)
def test_a_sitemap_that_is_none_deletes_nothing(kept: Line, site: Site, page: Page) -> None:
    site.pages["/sitemap.xml"] = page
    with pytest.raises(SourceMissing, match="sitemap"):
        kept.run()
    assert paths(kept) == ALL


def test_one_of_several_sitemaps_that_fails_proves_nothing_gone(line: Line, site: Site) -> None:
    site.sitemap("/docs/heron.html", at="/one.xml")
    site.sitemap("/docs/otter", at="/two.xml")
    site.index("/one.xml", "/two.xml")
    save_sources(line.home, [source_of(site)])
    line.run()
    site.pages["/two.xml"] = Page(b"oops", 500)
    site.sitemap("/docs/moose?lang=en&x=1", at="/one.xml")
    done = line.run().documents
    assert (done.added, done.deleted) == (1, 0)
    assert any(
        "two.xml is left out" in note and "nothing of source site is deleted" in note for note in done.warnings
    )
    site.sitemap("/docs/otter", at="/two.xml")
    assert line.run().documents.deleted == 1


def test_pages_that_fail_one_after_the_other_mean_that_the_site_is_down(line: Line, site: Site) -> None:
    names = [f"/p{number}" for number in range(8)]
    for name in names:
        site.page(name, name, etag='"1"')
    site.sitemap(*names)
    save_sources(line.home, [source_of(site)])
    line.run()
    for name in names:
        site.pages[name].status = 503
    site.forget_requests()
    with pytest.raises(SourceMissing, match="5 pages in a row"):
        line.run()
    assert len(paths(line)) == 8
    assert len([each for each in site.asked if each.path.startswith("/p")]) == 15


def test_a_sitemap_without_pages_asks_before_it_deletes(kept: Line, site: Site) -> None:
    site.sitemap()
    with pytest.raises(DeletionRefused):
        kept.run()
    assert paths(kept) == ALL


# --- robots.txt


def test_what_robots_txt_forbids_is_not_asked_for(line: Line, site: Site) -> None:
    robots(site, "User-agent: *\nDisallow: /docs/*lang=\nDisallow: /docs/otter$\n")
    save_sources(line.home, [source_of(site)])
    done = line.run().documents
    assert (paths(line), done.skipped) == (["docs/heron.html"], 2)
    assert [each.path for each in site.asked if each.path.startswith("/docs")] == ["/docs/heron.html"]
    assert "robots.txt keeps 2 pages out" in done.warnings


def test_a_rule_for_us_beats_that_for_all(site: Site) -> None:
    robots(site, "User-agent: *\nDisallow: /\n\nUser-agent: omni-pipelines\nDisallow: /docs/otter\n")
    assert listed(source_of(site)) == ["docs/heron.html", "docs/moose?lang=en&x=1"]


@pytest.mark.parametrize("status", [500, 503])
def test_a_robots_txt_that_cannot_be_read_says_no_for_now(kept: Line, site: Site, status: int) -> None:
    robots(site, "", status)
    with pytest.raises(SourceMissing, match=r"/robots\.txt: the server answers"):
        kept.run()
    assert paths(kept) == ALL


def test_a_robots_txt_that_forbids_all_deletes_nothing(kept: Line, site: Site) -> None:
    robots(site, "User-agent: *\nDisallow: /docs\n")
    with pytest.raises(SourceMissing, match="keeps programs away from every page"):
        kept.run()
    robots(site, "User-agent: *\nDisallow: /\n")
    with pytest.raises(SourceMissing, match="keeps programs away"):
        kept.run()
    assert paths(kept) == ALL


def test_the_pause_that_a_site_wants_is_kept_up_to_a_limit(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(web.time, "sleep", slept.append)
    robots(site, "User-agent: *\nCrawl-delay: 2\n")
    list_source(source_of(site), dict.fromkeys(ALL, "hash:"))
    assert len(slept) == 3
    assert all(1.5 < each <= 2 for each in slept)
    slept.clear()
    robots(site, "User-agent: *\nCrawl-delay: 86400\n")
    list_source(source_of(site), dict.fromkeys(ALL, "hash:"))
    assert max(slept) <= web_robots.MAX_PAUSE


# --- the command, the sensor, forgetting


def test_a_site_is_added_by_command(line: Line, site: Site) -> None:
    def run(*words: str) -> Any:
        return CliRunner().invoke(app, ["source", *words, "--home", str(line.home.root)])

    refusal = run("add", site.url("/sitemap.xml"))
    assert isinstance(refusal.exception, SourceMissing)
    assert load_sources(line.home) == []
    done = run("add", site.url("/sitemap.xml"), "--allow-private", "--allow", "cdn.example.org", "--json")
    assert done.exit_code == 0, done.exception
    told = json.loads(done.stdout)
    assert (told["kind"], told["files"], told["allow"], told["allow_private"]) == (
        "web",
        3,
        ["cdn.example.org"],
        True,
    )
    assert told["name"].startswith("127.0.0.1-")
    assert "already" in str(run("add", site.url("/sitemap.xml"), "--allow-private").exception)


def test_allowances_are_for_sites_only(line: Line, docs: Path) -> None:
    words = ["source", "add", str(docs), "--allow-private", "--home", str(line.home.root)]
    assert isinstance(CliRunner().invoke(app, words).exception, ConfigurationError)


def test_a_site_can_be_declared(line: Line, site: Site) -> None:
    from omni_pipelines.configuration import load_settings

    line.home.create()
    line.home.config.write_text(
        f'[sources.wiki]\nlocation = "{site.url("/sitemap.xml")}"\nallow_private = true\nacl = ["hr"]\n'
    )
    line.settings = line.settings.model_copy(update={"sources": load_settings(line.home).sources})
    line.run()
    assert [(row["source"], row["acl"]) for row in line.rows("documents")] == [("wiki", ["hr"])] * 3


def test_a_sensor_asks_no_site(kept: Line, site: Site) -> None:
    assert list_sources(kept.context, remote=False) == []
    assert site.asked == []


def test_an_ingest_of_a_folder_asks_no_site(kept: Line, site: Site, docs: Path) -> None:
    (docs / "here.md").write_text("A file of this machine.\n")
    kept.add(docs)
    assert [each.source.name for each in list_sources(replace(kept.context, sources=("docs",)))] == ["docs"]
    assert kept.ingest("docs").added == 1
    assert site.asked == []
    assert paths(kept) == [*ALL, "here.md"]


def test_one_command_looks_once(kept: Line, site: Site) -> None:
    (source,) = load_sources(kept.home)
    with cached_listings():
        assert list_current(kept.home, source) is list_current(kept.home, source)
    assert len(site.requests("/sitemap.xml")) == 1
    assert list_current(kept.home, source) is not list_current(kept.home, source)


def test_a_page_that_is_forgotten_is_never_asked_for_again(kept: Line, site: Site) -> None:
    from omni_pipelines.erasure.erase import erase
    from omni_pipelines.pipeline.writer_session import writer_session

    with writer_session(kept.home, kept.settings):
        certificate, _ = erase(kept.context, site.url("/docs/otter"))
    assert certificate is not None
    site.forget_requests()
    kept.run()
    assert paths(kept) == ["docs/heron.html", "docs/moose?lang=en&x=1"]
    assert site.requests("/docs/otter") == []
