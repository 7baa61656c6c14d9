"""omni why-not: a missed document is followed through the stages of a search, up to the one that lost it."""

from __future__ import annotations

import pytest

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import Home
from omni_pipelines.knowledge.librarian import Librarian
from omni_pipelines.testing.fakes import FakeEmbedder
from tests.integration.line import Line, write

CROWD_SIZE = 130
"""More documents on one topic than there are candidates in a list."""


@pytest.fixture(scope="module")
def librarian(tmp_path_factory: pytest.TempPathFactory) -> Librarian:
    folder = tmp_path_factory.mktemp("project") / "docs"
    crowd = {f"crowd/{number}.md": f"otters swim, otters dive, number {number}\n" for number in range(CROWD_SIZE)}
    others = {"best.md": "otters sleep holding hands\n", "far.md": "a treaty on customs duties\n", "blank.txt": "\n"}
    write(folder, crowd | others | {"twin/a.md": "one of two\n", "other/twin/a.md": "two of two\n"})
    line = Line(Home(folder.parent / ".omni"))
    line.add(folder)
    line.run()
    return Librarian.open(line.home, embedder=FakeEmbedder())


def test_found_document_has_no_losing_stage(librarian: Librarian) -> None:
    explanation = librarian.why_not("otters sleep", "best.md")
    assert (explanation.lost_at, explanation.verdict) == (None, "It was found: hit 1.")
    assert [(step.stage, step.rank) for step in explanation.steps] == [
        ("release", None),
        ("keyword", 1),
        ("vector", 1),
        ("fused", 1),
    ]


def test_document_that_is_not_indexed_is_lost_at_the_release(librarian: Librarian) -> None:
    explanation = librarian.why_not("otters", "nowhere.md")
    assert explanation.lost_at == "release"
    assert "nowhere.md is not in release 1" in explanation.steps[0].says


def test_document_without_text_is_lost_at_the_release(librarian: Librarian) -> None:
    assert librarian.why_not("otters", "blank.txt").lost_at == "release"


def test_ambiguous_path_is_refused_with_a_cure(librarian: Librarian) -> None:
    explanation = librarian.why_not("one", "a.md")
    assert "give more of the path" in explanation.verdict


@pytest.mark.parametrize("where", [{"path": "crowd/**"}, {"kind": "code"}, {"source": "x"}])
def test_document_that_does_not_match_is_lost_at_the_filter(librarian: Librarian, where: dict[str, str]) -> None:
    explanation = librarian.why_not("otters", "best.md", where=where)
    assert explanation.lost_at == "filter"
    assert next(iter(where)) in explanation.steps[-1].says


def test_document_below_the_hits_has_its_fused_rank(librarian: Librarian) -> None:
    query = "otters swim dive number 7"
    paths = [hit.path for hit in librarian.search(query, 60)]
    explanation = librarian.why_not(query, paths[40], k=5)
    assert explanation.lost_at == "fused"
    assert explanation.steps[-1].rank == 41


def test_document_outside_the_candidates_has_its_rank_in_both_lists(librarian: Librarian) -> None:
    explanation = librarian.why_not("otters swim dive number", "far.md")
    keyword, vector = explanation.steps[-2:]
    assert explanation.lost_at == "vector"
    assert (keyword.passed, keyword.rank) == (False, None)
    assert not vector.passed
    assert vector.rank is not None
    assert vector.rank > 100


def test_invalid_query_is_refused(librarian: Librarian) -> None:
    with pytest.raises(ConfigurationError, match="empty"):
        librarian.why_not(" ", "best.md")
