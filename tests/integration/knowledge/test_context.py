"""Contexts: passages within a token budget, under their citations, with neighbours, and none twice."""

from __future__ import annotations

import pytest

from omni_pipelines.home import Home
from omni_pipelines.knowledge.librarian import Librarian
from omni_pipelines.knowledge.search.context import Context, collect_context
from omni_pipelines.testing.fakes import FakeEmbedder, WordCounter
from tests.integration.line import Line, write

NAMES = ("alpha", "beta", "gamma", "delta", "epsilon")
TEXT = "\n".join(
    f"# {name}\n\n" + f"{name} is told here at some length, as befits {name}. " * 3 + "\n" for name in NAMES
)


@pytest.fixture(scope="module")
def librarian(tmp_path_factory: pytest.TempPathFactory) -> Librarian:
    folder = tmp_path_factory.mktemp("project") / "docs"
    write(folder, {"letters.md": TEXT, "zeta.md": "# zeta\n\nzeta stands alone, and gamma is named.\n"})
    line = Line(Home(folder.parent / ".omni"))
    line.add(folder)
    line.run()
    return Librarian.open(line.home, embedder=FakeEmbedder())


def context_of(librarian: Librarian, query: str, tokens: int, neighbours: int) -> Context:
    return collect_context(librarian._snapshot, librarian.search(query, 10), tokens, WordCounter(), neighbours)


def first_passage(context: Context) -> str:
    return context.text.partition("\n\n[2] ")[0]


@pytest.mark.parametrize("neighbours", [0, 1, 3])
@pytest.mark.parametrize("tokens", [10, 60, 150, 1000])
def test_context_counts_its_tokens_and_stays_within_the_budget(
    librarian: Librarian, tokens: int, neighbours: int
) -> None:
    context = context_of(librarian, "gamma", tokens, neighbours)
    assert context.tokens == WordCounter()(context.text) <= tokens


def test_context_without_neighbours_holds_the_hit_alone(librarian: Librarian) -> None:
    hit = librarian.search("gamma length", 1)[0]
    passage = first_passage(context_of(librarian, "gamma length", 1000, 0))
    assert passage.strip() == f"[1] {hit.citation}\n{hit.text}"


@pytest.mark.parametrize(
    ("neighbours", "inside", "outside"),
    [(1, ("beta", "gamma", "delta"), ("alpha", "epsilon")), (2, NAMES, ()), (9, NAMES, ())],
)
def test_neighbours_are_added_in_the_order_of_the_document(
    librarian: Librarian, neighbours: int, inside: tuple[str, ...], outside: tuple[str, ...]
) -> None:
    passage = first_passage(context_of(librarian, "gamma length", 1000, neighbours))
    positions = [passage.index(f"# {name}") for name in inside]
    assert positions == sorted(positions)
    assert not [name for name in outside if f"# {name}" in passage]


def test_citation_covers_the_lines_of_all_neighbours(librarian: Librarian) -> None:
    passage = first_passage(context_of(librarian, "gamma length", 1000, 9))
    assert passage.startswith(f"[1] docs/letters.md:1-{len(TEXT.rstrip().splitlines())}\n")


@pytest.mark.parametrize("neighbours", [0, 1, 2, 9])
def test_context_holds_no_passage_twice(librarian: Librarian, neighbours: int) -> None:
    context = context_of(librarian, "gamma delta alpha told here at some length", 1000, neighbours)
    assert all(context.text.count(f"# {name}") == 1 for name in NAMES)


def test_hit_is_added_alone_when_its_neighbours_do_not_fit(librarian: Librarian) -> None:
    alone = context_of(librarian, "gamma length", 1000, 0)
    tight = WordCounter()(first_passage(alone)) + 5
    context = context_of(librarian, "gamma length", tight, 2)
    assert [hit.heading for hit in context.hits] == ["gamma"]
    assert "# beta" not in context.text


def test_section_is_added_when_it_fits(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("sections") / "docs"
    parts = "\n\n".join(f"The {name} part of the heron story is told at length here. " * 4 for name in NAMES)
    write(folder, {"birds.md": f"# Heron\n\n{parts}\n\n# Otter\n\n{'Otters are told of elsewhere. ' * 12}\n"})
    line = Line(Home(folder.parent / ".omni"))
    line.add(folder)
    line.run()
    librarian = Librarian.open(line.home, embedder=FakeEmbedder())
    hits = librarian.search("gamma part", 3)
    whole = first_passage(collect_context(librarian._snapshot, hits, 1000, WordCounter(), sections=True))
    assert all(f"The {name} part" in whole for name in NAMES)
    assert "Otters" not in whole
    small = collect_context(librarian._snapshot, hits, 60, WordCounter(), sections=True)
    assert 0 < small.tokens <= 60
