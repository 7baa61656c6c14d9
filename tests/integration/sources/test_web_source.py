"""Websites as sources, with a real server on this machine."""

from __future__ import annotations

import gzip
import json
import re
import time
from dataclasses import replace
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from omni_pipelines.cli.main import app
from omni_pipelines.errors import ConfigurationError, DeletionRefused, SourceMissing
from omni_pipelines.home import Home
from omni_pipelines.pipeline.staleness import list_sources, stale_ingest
from omni_pipelines.sources.kinds import list_source
from omni_pipelines.sources.registry import load_sources, save_sources
from omni_pipelines.sources.session import SourceSession
from omni_pipelines.sources.web.network import Network
from tests.integration.line import Line, refused
from tests.integration.web_site import (
    ALL_PATHS,
    IMPATIENT,
    Page,
    Site,
    document_paths,
    listed_paths,
    robots,
    running_site,
    website,
)

# --- what is read


def test_ingest_reads_the_pages_of_a_sitemap_and_cites_their_addresses(ingested: Line, site: Site) -> None:
    assert document_paths(ingested) == ALL_PATHS
    (hit, *_) = ingested.search("moose page")
    assert hit.uri == site.url("/docs/moose?lang=en&x=1")
    passage = ingested.librarian().show(hit.uri)
    assert (passage.uri, passage.from_file) == (hit.uri, False)
    assert "The moose is on this page." in passage.lines
    titles = {row["path"]: row["title"] for row in ingested.rows("documents", "path", "title")}
    assert titles["docs/otter"] == "The otter"


def test_the_first_ingest_requests_each_page_once(line: Line, site: Site) -> None:
    save_sources(line.home, [website(site)])
    line.run()
    assert [len(site.requests_for(path)) for path in ("/docs/heron.html", "/docs/otter")] == [1, 1]
    assert len(site.requests_for("/robots.txt")) == 2  # for the listing, and for the reading
    headers = [request.headers for request in site.requests]
    assert all(sent["user-agent"].startswith("omni-pipelines/") for sent in headers)
    assert all("cookie" not in sent and "authorization" not in sent for sent in headers)


def test_a_second_ingest_transfers_only_pages_without_validators(ingested: Line, site: Site) -> None:
    assert not ingested.run().published.new
    answers = {request.path: (request.status, request.sent) for request in site.requests}
    assert answers["/docs/heron.html"] == (304, 0)
    assert answers["/docs/otter"] == (304, 0)
    assert answers["/docs/moose?lang=en&x=1"][0] == 200  # it has no validator, so its hash is compared
    assert site.requests_for("/docs/heron.html")[0].headers["if-none-match"] == '"h1"'


def test_ingest_reads_changed_adds_new_and_deletes_gone_pages(ingested: Line, site: Site) -> None:
    site.page("/docs/heron.html", "The heron flies", etag='"h2"')
    site.page("/docs/new", "The new one")
    site.pages["/docs/otter"] = Page(b"gone", 410)
    site.sitemap("/docs/heron.html", "/docs/otter", "/docs/new")
    done = ingested.run().documents.counts
    assert (done["added"], done["changed"], done["deleted"]) == (1, 1, 2)
    assert document_paths(ingested) == ["docs/heron.html", "docs/new"]
    assert ingested.search("heron flies")[0].path == "docs/heron.html"


def test_a_missing_page_that_the_sitemap_still_names_is_quarantined_once(ingested: Line, site: Site) -> None:
    del site.pages["/docs/otter"]
    ingested.run()
    assert "docs/otter" not in document_paths(ingested)
    ingested.run()
    assert refused(ingested) == {"docs/otter": "E_GONE"}
    before = ingested.versions()
    ingested.run()
    assert ingested.versions() == before
    site.page("/docs/otter", "The otter is back")
    ingested.run()
    assert (refused(ingested), document_paths(ingested)) == ({}, ALL_PATHS)


def test_nothing_is_stale_after_the_first_ingest(ingested: Line) -> None:
    assert stale_ingest(ingested.context) is None
    report = ingested.ingest()
    assert (report.added, report.changed, report.unchanged) == (0, 0, 3)
    assert stale_ingest(ingested.context) is None


def test_a_page_with_a_settled_date_in_the_sitemap_is_not_requested(line: Line, site: Site) -> None:
    site.sitemap("/docs/heron.html", lastmod={"/docs/heron.html": "2026-01-02"})
    save_sources(line.home, [website(site)])
    line.run()
    site.requests.clear()
    line.run()
    assert [request.path for request in site.requests] == ["/robots.txt", "/sitemap.xml"]
    site.page("/docs/heron.html", "The heron flies")
    site.sitemap("/docs/heron.html", lastmod={"/docs/heron.html": "2026-01-03"})
    assert line.run().documents.changed == 1


def test_a_page_with_the_date_of_today_is_requested_again(line: Line, site: Site) -> None:
    today = {"/docs/heron.html": time.strftime("%Y-%m-%d", time.gmtime())}
    site.sitemap("/docs/heron.html", lastmod=today)
    save_sources(line.home, [website(site)])
    line.run()
    site.page("/docs/heron.html", "The heron flies", etag='"h2"')
    assert line.run().documents.changed == 1


def test_a_single_page_is_a_source_and_is_kept_if_it_vanishes(line: Line, site: Site) -> None:
    save_sources(line.home, [website(site, "/docs/otter")])
    line.run()
    assert document_paths(line) == ["docs/otter"]
    del site.pages["/docs/otter"]
    assert re.search("answers 404", line.run_with_missing_source().problem)
    assert document_paths(line) == ["docs/otter"]


def test_the_home_page_has_a_document_path(line: Line, site: Site) -> None:
    site.page("/", "The top")
    save_sources(line.home, [website(site, "/")])
    line.run()
    assert document_paths(line) == [f"//{site.host}/"]
    assert line.librarian().show(site.url("/")).uri == site.url("/")


def test_sitemap_indexes_and_gzipped_sitemaps_are_followed(site: Site) -> None:
    site.sitemap("/docs/heron.html", file="/one.xml.gz")
    site.sitemap("/docs/otter", "/docs/heron.html", file="/two.xml")
    site.index("/one.xml.gz", "/two.xml", "/sitemap.xml")  # and round in a circle
    assert listed_paths(website(site)) == ["docs/heron.html", "docs/otter"]
    site.pages["/two.xml"].body = gzip.compress(site.pages["/two.xml"].body)
    site.pages["/two.xml"].headers["Content-Encoding"] = "gzip"
    assert listed_paths(website(site)) == ["docs/heron.html", "docs/otter"]


def test_the_media_type_of_the_server_chooses_the_reader_if_the_name_is_unknown(line: Line, site: Site) -> None:
    site.pages["/plain"] = Page(b"Words of <b>plain</b> text.\n", headers={"Content-Type": "text/plain"})
    site.pages["/notes.md"] = Page(b"# Notes\n\nWords.\n", headers={"Content-Type": "text/plain"})
    site.page("/wiki/Node.js", "Node")
    site.pages["/feed"] = Page(b"<r><t>Words</t></r>", headers={"Content-Type": "application/rss+xml"})
    site.pages["/picture"] = Page(b"\x89PNG" + b"\0" * 50, headers={"Content-Type": "image/png"})
    site.sitemap("/plain", "/notes.md", "/wiki/Node.js", "/feed", "/picture", "/photo.jpg")
    save_sources(line.home, [website(site)])
    assert line.run().documents.unread == 1
    kinds = {row["path"]: row["media_type"] for row in line.rows("documents", "path", "media_type")}
    assert kinds == {
        "plain": "text/plain",
        "notes.md": "text/markdown",
        "wiki/Node.js": "text/html",
        "feed": "application/xml",
    }
    assert refused(line) == {"picture": "E_BINARY"}
    assert not line.run().published.new


def test_the_charset_that_the_server_names_decodes_pages_that_declare_none(line: Line, site: Site) -> None:
    pages = {
        "page": ("Склад у причала", "cp1251", "text/html; charset=windows-1251"),
        "quoted": ("码头的仓库每周二盘点一次", "gb18030", 'text/html; charset="GB2312"'),
        "plain.txt": ("Größe", "latin-1", "text/plain; charset=ISO-8859-1; format=flowed"),
        "feed": ("灯台の鍵", "cp932", "application/xml;charset=Shift_JIS"),
        "wrong": ("Größe und Schlüssel", "utf-8", "text/plain; charset=windows-1251"),
    }
    for path, (text, codec, kind) in pages.items():
        body = f"<r>{text}</r>" if path == "feed" else text
        site.pages[f"/{path}"] = Page(body.encode(codec), headers={"Content-Type": kind})
    site.sitemap(*(f"/{path}" for path in pages))
    save_sources(line.home, [website(site)])
    line.run()
    texts = {row["path"]: row["text"].removeprefix("r: ") for row in line.rows("documents", "path", "text")}
    assert texts == {path: text for path, (text, _, _) in pages.items()}


def test_a_document_has_the_time_of_the_last_change_of_its_page(ingested: Line) -> None:
    changed = {row["path"]: row["mtime_ns"] for row in ingested.rows("documents", "path", "mtime_ns")}
    assert changed["docs/otter"] == 1767693600 * 1_000_000_000
    assert abs(changed["docs/heron.html"] / 1e9 - time.time()) < 600  # no Last-Modified: when it was first seen


def test_invalid_headers_and_dates_do_not_stop_an_ingest(line: Line, site: Site) -> None:
    site.page("/folded", "Folded", etag='"a\r\n b"')
    site.page("/late", "Late", modified="Fri, 31 Dec 9999 23:59:59 GMT")
    site.page("/early", "Early", modified="Mon, 01 Jan 0001 00:00:00 GMT")
    site.page("/none", "None", modified="soon")
    site.page("/old", "Old")
    site.sitemap("/folded", "/late", "/early", "/none", "/old", lastmod={"/old": "0001-01-01T00:00:00+00:00"})
    save_sources(line.home, [website(site)])
    line.run()
    assert document_paths(line) == ["early", "folded", "late", "none", "old"]
    assert line.run().documents.unchanged == 5
    assert site.requests_for("/folded")[-1].headers["if-none-match"] == '"a b"'


def test_patterns_choose_pages(site: Site) -> None:
    assert listed_paths(website(site, exclude=("*.html",))) == ["docs/moose?lang=en&x=1", "docs/otter"]
    assert listed_paths(website(site, include=("/docs/o*",))) == ["docs/otter"]


# --- pages that are kept


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_page_with_a_temporary_error_is_kept_after_three_attempts(ingested: Line, site: Site, status: int) -> None:
    site.pages["/docs/heron.html"] = Page(b"later", status)
    done = ingested.run().documents
    assert (done.deleted, document_paths(ingested)) == (0, ALL_PATHS)
    assert len(site.requests_for("/docs/heron.html")) == 3
    assert any("heron.html is kept as it was: the server answers" in note for note in done.warnings)


def test_a_page_that_works_at_the_third_attempt_is_read(ingested: Line, site: Site) -> None:
    answers = iter([503, 429])
    whole = site.serve

    def unsteady(request: BaseHTTPRequestHandler) -> None:
        page = site.pages["/docs/heron.html"]
        page.status = next(answers, 200) if request.path == "/docs/heron.html" else page.status
        whole(request)

    site.serve = unsteady  # type: ignore[method-assign]
    done = ingested.run().documents
    assert (done.unchanged, done.warnings) == (3, ())


@pytest.mark.parametrize("as_date", [False, True], ids=["seconds", "date"])
def test_a_page_with_a_long_retry_after_is_not_requested_again(ingested: Line, site: Site, as_date: bool) -> None:
    wanted = formatdate(time.time() + 3600, usegmt=True) if as_date else "3600"
    site.pages["/docs/heron.html"] = Page(b"later", 429, {"Retry-After": wanted})
    done = ingested.run().documents
    assert len(site.requests_for("/docs/heron.html")) == 1
    assert any("wants to be asked again in 3," in note for note in done.warnings)


@pytest.mark.parametrize("status", [401, 403, 451])
def test_a_forbidden_page_is_kept_and_quarantined(ingested: Line, site: Site, status: int) -> None:
    site.pages["/docs/heron.html"] = Page(b"no", status)
    ingested.run()
    assert (document_paths(ingested), refused(ingested)) == (ALL_PATHS, {"docs/heron.html": "E_PERM"})


def test_a_website_that_is_down_deletes_nothing(line: Line) -> None:
    with running_site() as site:
        site.furnish()
        save_sources(line.home, [website(site)])
        line.run()
    assert re.search("the server refuses the connection", line.run_with_missing_source().problem)
    assert document_paths(line) == ALL_PATHS


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
def test_an_invalid_sitemap_deletes_nothing(ingested: Line, site: Site, page: Page) -> None:
    site.pages["/sitemap.xml"] = page
    assert re.search("sitemap", ingested.run_with_missing_source().problem)
    assert document_paths(ingested) == ALL_PATHS


def test_a_failing_sitemap_of_several_deletes_nothing(line: Line, site: Site) -> None:
    site.sitemap("/docs/heron.html", file="/one.xml")
    site.sitemap("/docs/otter", file="/two.xml")
    site.index("/one.xml", "/two.xml")
    save_sources(line.home, [website(site)])
    line.run()
    site.pages["/two.xml"] = Page(b"oops", 500)
    site.sitemap("/docs/moose?lang=en&x=1", file="/one.xml")
    done = line.run().documents
    assert (done.added, done.deleted) == (1, 0)
    assert any(
        "two.xml is left out" in note and "nothing of source site is deleted" in note for note in done.warnings
    )
    site.sitemap("/docs/otter", file="/two.xml")
    assert line.run().documents.deleted == 1


def test_five_failing_pages_in_a_row_stop_the_ingest(line: Line, site: Site) -> None:
    names = [f"/p{number}" for number in range(8)]
    for name in names:
        site.page(name, name, etag='"1"')
    site.sitemap(*names)
    save_sources(line.home, [website(site)])
    line.run()
    for name in names:
        site.pages[name].status = 503
    site.requests.clear()
    assert re.search("5 pages in a row", line.run_with_missing_source().problem)
    assert len(document_paths(line)) == 8
    assert len([request for request in site.requests if request.path.startswith("/p")]) == 15


def test_an_empty_sitemap_triggers_the_deletion_guard(ingested: Line, site: Site) -> None:
    site.sitemap()
    with pytest.raises(DeletionRefused):
        ingested.run()
    assert document_paths(ingested) == ALL_PATHS


# --- robots.txt


def test_pages_that_robots_txt_forbids_are_not_requested(line: Line, site: Site) -> None:
    robots(site, "User-agent: *\nDisallow: /docs/*lang=\nDisallow: /docs/otter$\n")
    save_sources(line.home, [website(site)])
    done = line.run().documents
    assert (document_paths(line), done.unread) == (["docs/heron.html"], 2)
    assert [request.path for request in site.requests if request.path.startswith("/docs")] == ["/docs/heron.html"]
    assert "robots.txt forbids 2 pages" in done.warnings


def test_a_rule_for_our_agent_overrides_the_rule_for_all(site: Site) -> None:
    robots(site, "User-agent: *\nDisallow: /\n\nUser-agent: omni-pipelines\nDisallow: /docs/otter\n")
    assert listed_paths(website(site)) == ["docs/heron.html", "docs/moose?lang=en&x=1"]


@pytest.mark.parametrize("status", [500, 503])
def test_a_robots_txt_with_a_server_error_stops_the_ingest(ingested: Line, site: Site, status: int) -> None:
    robots(site, "", status)
    assert re.search(r"/robots\.txt: the server answers", ingested.run_with_missing_source().problem)
    assert document_paths(ingested) == ALL_PATHS


def test_a_robots_txt_that_forbids_everything_deletes_nothing(ingested: Line, site: Site) -> None:
    robots(site, "User-agent: *\nDisallow: /docs\n")
    assert re.search(r"robots\.txt forbids every page", ingested.run_with_missing_source().problem)
    robots(site, "User-agent: *\nDisallow: /\n")
    assert re.search(r"the robots\.txt of .* forbids it", ingested.run_with_missing_source().problem)
    assert document_paths(ingested) == ALL_PATHS


def test_the_crawl_delay_is_followed_up_to_a_limit(site: Site) -> None:
    slept: list[float] = []
    network, marks = Network(sleep=slept.append), dict.fromkeys(ALL_PATHS, "hash:")
    robots(site, "User-agent: *\nCrawl-delay: 2\n")
    list_source(website(site), marks, network=network)
    assert len(slept) == 3
    assert all(1.5 < seconds <= 2 for seconds in slept)
    slept.clear()
    robots(site, "User-agent: *\nCrawl-delay: 86400\n")
    list_source(website(site), marks, network=network)
    assert 9.5 < max(slept) <= IMPATIENT.max_pause_seconds


# --- the command, the sensor, forgetting


def test_source_add_registers_a_website(line: Line, site: Site) -> None:
    def run(*words: str) -> Any:
        return CliRunner().invoke(app, ["source", *words, "--home", str(line.home.root)])

    refusal = run("add", site.url("/sitemap.xml"))
    assert isinstance(refusal.exception, SourceMissing)
    assert load_sources(line.home) == []
    done = run("add", site.url("/sitemap.xml"), "--allow-private", "--allow", "cdn.example.org", "--json")
    assert done.exit_code == 0, done.exception
    added = json.loads(done.stdout)
    assert (added["kind"], added["files"], added["allow"], added["allow_private"]) == (
        "web",
        3,
        ["cdn.example.org"],
        True,
    )
    assert added["name"].startswith("127.0.0.1-")
    assert "already" in str(run("add", site.url("/sitemap.xml"), "--allow-private").exception)


def test_source_add_refuses_allow_private_for_a_folder(line: Line, docs: Path) -> None:
    words = ["source", "add", str(docs), "--allow-private", "--home", str(line.home.root)]
    assert isinstance(CliRunner().invoke(app, words).exception, ConfigurationError)


def test_a_website_can_be_declared_in_omni_toml(line: Line, site: Site) -> None:
    from omni_pipelines.configuration import load_settings, trust_settings

    line.home.create()
    line.home.config.write_text(
        f'[sources.wiki]\nlocation = "{site.url("/sitemap.xml")}"\nallow_private = true\nacl = ["hr"]\n'
    )
    trust_settings(line.home)
    line.settings = line.settings.model_copy(update={"sources": load_settings(line.home).sources})
    line.run()
    assert [(row["source"], row["acl"]) for row in line.rows("documents")] == [("wiki", ["hr"])] * 3


def test_a_sensor_requests_no_page(ingested: Line, site: Site) -> None:
    assert list(list_sources(ingested.context, remote=False).listed) == []
    assert site.requests == []


def test_an_ingest_of_a_folder_requests_no_page(ingested: Line, site: Site, docs: Path) -> None:
    (docs / "here.md").write_text("A file of this machine.\n")
    ingested.add(docs)
    assert [listing.source.name for listing in list_sources(replace(ingested.context, sources=("docs",))).listed] == [
        "docs"
    ]
    assert ingested.ingest("docs").added == 1
    assert site.requests == []
    assert document_paths(ingested) == [*ALL_PATHS, "here.md"]


def test_a_session_lists_a_website_once(ingested: Line, site: Site) -> None:
    (source,) = load_sources(ingested.home)
    session = SourceSession()
    assert session.list(ingested.home, source) is session.list(ingested.home, source)
    assert len(site.requests_for("/sitemap.xml")) == 1
    assert SourceSession().list(ingested.home, source) is not session.list(ingested.home, source)


def test_the_ingest_command_lists_a_website_once_for_its_check_and_its_run(
    models: None, home: Home, site: Site
) -> None:
    home.create()
    save_sources(home, [website(site)])
    for etag in ('"h1"', '"h2"'):
        site.page("/docs/heron.html", "The heron", etag=etag)
        site.requests.clear()
        done = CliRunner().invoke(app, ["ingest", "--json", "--home", str(home.root)])
        assert done.exit_code == 0, done.exception
        assert len(site.requests_for("/sitemap.xml")) == 1
    assert [request.status for request in site.requests_for("/docs/heron.html")] == [200, 200]  # checked, then read


def test_an_erased_page_is_not_requested_again(ingested: Line, site: Site) -> None:
    from omni_pipelines.erasure.erase import erase
    from omni_pipelines.pipeline.writer_session import writer_session

    with writer_session(ingested.home, ingested.settings):
        certificate, _ = erase(ingested.context, site.url("/docs/otter"))
    assert certificate is not None
    site.requests.clear()
    ingested.run()
    assert document_paths(ingested) == ["docs/heron.html", "docs/moose?lang=en&x=1"]
    assert site.requests_for("/docs/otter") == []
