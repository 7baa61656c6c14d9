"""A line and a website for tests of sources."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from omni_pipelines.home import Home
from omni_pipelines.sources.model.limits import SourceLimits
from omni_pipelines.sources.registry import save_sources
from tests.integration.line import Line
from tests.integration.web_site import IMPATIENT, Site, running_site, website


@pytest.fixture
def line(home: Home) -> Line:
    """A line that waits only a moment before it asks a web server again."""
    return Line(home, limits=SourceLimits(web=IMPATIENT))


@pytest.fixture
def site() -> Iterator[Site]:
    """A website of three pages."""
    with running_site() as site:
        site.page("/docs/heron.html", "The heron", etag='"h1"')
        site.page("/docs/otter", "The otter", modified="Tue, 06 Jan 2026 10:00:00 GMT")
        site.page("/docs/moose?lang=en&x=1", "The moose")
        site.sitemap("/docs/heron.html", "/docs/otter", "/docs/moose?lang=en&x=1")
        yield site


@pytest.fixture
def ingested(line: Line, site: Site) -> Line:
    """The line after it ingested the website; the site has forgotten the requests."""
    save_sources(line.home, [website(site)])
    line.run()
    site.requests.clear()
    return line
