"""The librarian as Python code uses it: opened, closed, and called with anything."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

import omni_pipelines
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import HOME_NAME, Home
from omni_pipelines.knowledge.librarian import Librarian
from omni_pipelines.knowledge.state import metrics
from omni_pipelines.testing.builders import KnowledgeBase


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    folder = tmp_path_factory.mktemp("base")
    files = {"otters.md": "Otters sleep holding hands.", "keys.py": "def rotate() -> None:\n    pass\n"}
    return KnowledgeBase(Home(folder / HOME_NAME)).with_files(files).build()


@pytest.fixture
def librarian(base: KnowledgeBase) -> Librarian:
    return base.librarian()


WRONG: dict[str, Callable[[Any], object]] = {
    "no query": lambda librarian: librarian.search(None),
    "a number as query": lambda librarian: librarian.search(3),
    "bytes as query": lambda librarian: librarian.search(b"otters"),
    "a text as k": lambda librarian: librarian.search("otters", "ten"),
    "a text as filters": lambda librarian: librarian.search("otters", where="docs"),
    "an empty text as filters": lambda librarian: librarian.search("otters", where=""),
    "a list as filters": lambda librarian: librarian.search("otters", where=["kind=prose"]),
    "a number as filter": lambda librarian: librarian.search("otters", where={"kind": 3}),
    "none as filter": lambda librarian: librarian.search("otters", where={"kind": None}),
    "a number as name of a filter": lambda librarian: librarian.search("otters", where={3: "prose"}),
    "an unknown filter": lambda librarian: librarian.search("otters", where={"color": "red"}),
    "an unknown mode": lambda librarian: librarian.search("otters", mode="fuzzy"),
    "no mode": lambda librarian: librarian.search("otters", mode=None),
    "a score above 1": lambda librarian: librarian.search("otters", min_score=1.5),
    "a text as score": lambda librarian: librarian.search("otters", min_score="high"),
    "no question": lambda librarian: librarian.ask(None),
    "a text as filters of a question": lambda librarian: librarian.ask("otters?", "docs"),
    "no query of a context": lambda librarian: librarian.context(None, 100),
    "a text as tokens": lambda librarian: librarian.context("otters", "many"),
    "no query of why-not": lambda librarian: librarian.why_not(None, "otters.md"),
    "no citation": lambda librarian: librarian.show(None),
}


@pytest.mark.parametrize("call", WRONG.values(), ids=WRONG.keys())
def test_wrong_argument_is_refused_with_our_error(librarian: Librarian, call: Callable[[Any], object]) -> None:
    with pytest.raises(ConfigurationError) as refused:
        call(librarian)
    assert refused.value.exit_code == 2


def test_hits_below_the_lowest_score_are_left_out(librarian: Librarian) -> None:
    hits = librarian.search("otters sleep")
    least = hits[0].score
    assert [hit.chunk_id for hit in librarian.search("otters sleep", min_score=least)] == [
        hit.chunk_id for hit in hits if hit.score >= least
    ]
    assert librarian.search("otters sleep", min_score=0) == hits


def test_librarian_is_closed_at_the_end_of_its_block(base: KnowledgeBase) -> None:
    with base.librarian() as librarian:
        assert librarian.search("otters")
    for call in (lambda: librarian.search("otters"), lambda: librarian.ask("otters?"), lambda: librarian.release):
        with pytest.raises(ConfigurationError, match="this librarian is closed"):
            call()
    librarian.close()


def test_closing_a_librarian_writes_the_count_of_its_queries(base: KnowledgeBase) -> None:
    with base.librarian() as librarian:
        before = metrics.read(base.home, metrics.QUERIES).get("query_count", 0)
        librarian.search("otters")
    assert metrics.read(base.home, metrics.QUERIES)["query_count"] == before + 1


@pytest.mark.parametrize("query", [Librarian.search, Librarian.ask])
def test_librarian_that_nobody_holds_writes_the_count_of_its_queries(
    base: KnowledgeBase, query: Callable[[Librarian, str], object]
) -> None:
    gc.collect()
    before = metrics.read(base.home, metrics.QUERIES).get("query_count", 0)
    gc.disable()
    try:
        query(base.librarian(), "Where do otters sleep?")
        assert metrics.read(base.home, metrics.QUERIES)["query_count"] > before
    finally:
        gc.enable()


def test_librarian_opens_the_home_in_a_folder(base: KnowledgeBase) -> None:
    with Librarian.open(base.home.root.parent, embedder=base.embedder) as librarian:
        assert [hit.path for hit in librarian.search("otters", 1)] == ["otters.md"]


def test_librarian_is_a_name_of_the_package() -> None:
    assert omni_pipelines.Librarian is Librarian
    with pytest.raises(AttributeError, match="no attribute 'Library'"):
        omni_pipelines.Library  # noqa: B018


def test_import_of_the_package_loads_nothing_else() -> None:
    code = "import sys, omni_pipelines; print([name for name in sys.modules if name.startswith('omni_pipelines.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "[]"
