"""Keyword entries hold the words of neighbouring passages, and an incremental update refreshes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from native.lance_tables import LanceTable
from omni_pipelines.home import Home
from omni_pipelines.ids import text_hash
from omni_pipelines.knowledge.search.options import Mode
from omni_pipelines.steps.keyword_index import in_order, with_neighbours
from tests.integration.line import Line, Original, paragraph, write

PARTS = ("alpha", "beta", "gamma", "delta")
TEXT = "\n".join(f"# {name}\n\n{paragraph(name)}\n" for name in PARTS)


def fill(line: Line, docs: Path) -> None:
    write(docs, {"parts.md": TEXT, "other.md": f"# omega\n\n{paragraph('omega')}\n"})
    line.add(docs)
    line.run()


@pytest.fixture
def filled(original: Original, home: Home) -> Line:
    return original.copy(home)


def headings(line: Line, word: str) -> list[str]:
    return [hit.heading for hit in line.librarian().search(word, 10, Mode.KEYWORD)]


def test_keyword_search_finds_the_passage_first_and_then_its_neighbours(filled: Line) -> None:
    ranked = headings(filled, "beta")
    assert ranked[0] == "beta"
    assert set(ranked) >= {"alpha", "beta", "gamma"}
    assert not set(ranked) & {"delta", "omega"}


def test_edit_updates_the_entries_of_neighbouring_passages(filled: Line, docs: Path) -> None:
    write(docs, {"parts.md": TEXT.replace("beta", "novum")})
    filled.run()
    assert set(headings(filled, "novum")) >= {"alpha", "novum", "gamma"}
    assert headings(filled, "beta") == []


def test_edit_leaves_the_entries_of_other_documents_unchanged(filled: Line, docs: Path) -> None:
    write(docs, {"parts.md": TEXT.replace("delta", "novum")})
    others = len(headings(filled, "omega"))
    again = filled.run().keyword
    assert 0 < again.written <= again.rows - others


def test_updated_index_equals_a_new_one(filled: Line, docs: Path) -> None:
    write(docs, {"parts.md": TEXT.replace("beta", "novum")})
    filled.run()
    before = filled.keyword_entries()
    for generation in filled.home.keyword.iterdir():
        (generation / "meta.json").unlink()
    filled.run()
    assert filled.keyword_entries() == before


def test_an_entry_is_marked_by_its_passage_and_the_texts_around_it(filled: Line) -> None:
    """As in every home that exists: with other marks, each of them would build its index again."""
    passages = LanceTable(filled.home.table("chunks")).read()
    assert filled.keyword_entries() == {
        row["chunk_id"]: text_hash(
            *(row[name] for name in ("chunk_id", "text_hash", "title", "path", "source", "language", "kind")),
            str(row["modified"].toordinal()),
            *("" if other is None else other["text_hash"] for other in around),
        )
        for row, around in with_neighbours(in_order(passages))
    }
