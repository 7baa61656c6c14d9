"""A line and a website for tests of sources."""

from __future__ import annotations

import shutil
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


@pytest.fixture(scope="module")
def server() -> Iterator[Site]:
    with running_site() as site:
        yield site


@pytest.fixture
def site(server: Site) -> Site:
    """A website of three pages, which nobody has requested."""
    server.furnish()
    return server


@pytest.fixture(scope="module")
def filled(server: Site, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home that ingested the website."""
    server.furnish()
    filled = Line(Home(tmp_path_factory.mktemp("website") / ".omni"))
    filled.home.create()
    save_sources(filled.home, [website(server)])
    filled.run()
    return filled.home


@pytest.fixture
def ingested(filled: Home, line: Line, site: Site) -> Line:
    """The line over a copy of that home."""
    shutil.copytree(filled.root, line.home.root, dirs_exist_ok=True)
    return line
