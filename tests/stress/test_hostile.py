"""Hostile files of every format: each becomes clean text or one row in quarantine, and the run goes on."""

from __future__ import annotations

import resource
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

from tests.integration.line import Line, write
from tests.stress.hostile import documents, markup, plain
from tests.stress.hostile.case import READ, Hostile

SOURCES = (
    plain.texts, plain.markdown, plain.data, plain.code, markup.pages, markup.xml, markup.letters, documents.pdfs,
    documents.archives,
)  # fmt: skip
MOST_MEMORY = 1 << 30
"""Bytes that the parent may hold while it reads them all."""


def all_cases() -> Iterator[Hostile]:
    return chain.from_iterable(source() for source in SOURCES)


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Name of each file to what became of it."""
    from omni_pipelines.settings import Home

    root = tmp_path_factory.mktemp("hostile")
    for each in all_cases():
        write(root / "files", {each.name: each.raw})
    line = Line(Home(root / ".omni"))
    line.add(root / "files")
    line.ingest()
    found = [(row["path"], READ) for row in line.rows("documents", "path")]
    found += [(row["path"], row["code"]) for row in line.rows("quarantine", "path", "code")]
    assert max(Counter(name for name, _ in found).values()) == 1, "a file has two records"
    return dict(found)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("hostile", [pytest.param(each, id=each.name) for each in all_cases()])
def test_a_hostile_file_ends_as_expected(hostile: Hostile, outcomes: dict[str, str]) -> None:
    assert outcomes[hostile.name] in hostile.outcomes


def test_the_parent_stays_small(outcomes: dict[str, str]) -> None:
    assert outcomes
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 < MOST_MEMORY


def test_nothing_was_planted(outcomes: dict[str, str]) -> None:
    assert outcomes
    assert not [path for place in (Path.cwd(), Path("/tmp"), Path("/")) for path in place.glob("planted*")]
