"""A document that a search missed is followed from stage to stage, and the one that lost it is named."""

from __future__ import annotations

import pytest

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import Home
from omni_pipelines.knowledge.librarian import Librarian
from omni_pipelines.testing.fakes import FakeEmbedder
from tests.integration.line import Line, write

CROWD = 130
"""More documents on one topic than there are candidates in a list."""


@pytest.fixture(scope="module")
def librarian(tmp_path_factory: pytest.TempPathFactory) -> Librarian:
    folder = tmp_path_factory.mktemp("project") / "docs"
    crowd = {f"crowd/{number}.md": f"otters swim, otters dive, number {number}\n" for number in range(CROWD)}
    others = {"best.md": "otters sleep holding hands\n", "far.md": "a treaty on customs duties\n", "blank.txt": "\n"}
    write(folder, crowd | others | {"twin/a.md": "one of two\n", "other/twin/a.md": "two of two\n"})
    line = Line(Home(folder.parent / ".omni"))
    line.add(folder)
    line.run()
    return Librarian.open(line.home, embedder=FakeEmbedder())


def test_a_document_that_was_found_says_where(librarian: Librarian) -> None:
    found = librarian.why_not("otters sleep", "best.md")
    assert (found.lost_at, found.verdict) == (None, "It was found: hit 1.")
    assert [(step.stage, step.rank) for step in found.steps] == [
        ("release", None),
        ("keyword", 1),
        ("vector", 1),
        ("fused", 1),
    ]


def test_a_document_that_was_never_indexed_is_lost_at_the_release(librarian: Librarian) -> None:
    found = librarian.why_not("otters", "nowhere.md")
    assert found.lost_at == "release"
    assert "nowhere.md is not in release 1" in found.steps[0].says


def test_a_document_without_text_is_lost_at_the_release(librarian: Librarian) -> None:
    assert librarian.why_not("otters", "blank.txt").lost_at == "release"


def test_a_path_that_fits_several_documents_asks_for_more_of_it(librarian: Librarian) -> None:
    found = librarian.why_not("one", "a.md")
    assert "give more of the path" in found.verdict


@pytest.mark.parametrize("where", [{"path": "crowd/**"}, {"kind": "code"}, {"source": "x"}])
def test_a_document_that_does_not_fit_is_lost_at_the_filter(librarian: Librarian, where: dict[str, str]) -> None:
    found = librarian.why_not("otters", "best.md", where=where)
    assert found.lost_at == "filter"
    assert next(iter(where)) in found.steps[-1].says


def test_a_document_that_ranks_too_low_gives_its_rank(librarian: Librarian) -> None:
    asked = "otters swim dive number 7"
    paths = [hit.path for hit in librarian.search(asked, 60)]
    found = librarian.why_not(asked, paths[40], k=5)
    assert found.lost_at == "fused"
    assert found.steps[-1].rank == 41


def test_a_document_that_is_no_candidate_gives_its_rank_in_both_lists(librarian: Librarian) -> None:
    found = librarian.why_not("otters swim dive number", "far.md")
    keyword, vector = found.steps[-2:]
    assert found.lost_at == "vector"
    assert (keyword.passed, keyword.rank) == (False, None)
    assert not vector.passed
    assert vector.rank is not None
    assert vector.rank > 100


def test_a_bad_query_is_refused_as_in_a_search(librarian: Librarian) -> None:
    with pytest.raises(ConfigurationError, match="empty"):
        librarian.why_not(" ", "best.md")
