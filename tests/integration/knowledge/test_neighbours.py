"""Keyword entries hold the words of neighbouring passages, and an incremental update refreshes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from native.tantivy_index import KeywordIndex
from omni_pipelines.knowledge.search.options import Mode
from omni_pipelines.schemas import FILTERS
from omni_pipelines.steps.step_records import read_step_record
from tests.integration.line import Line, paragraph, write

PARTS = ("alpha", "beta", "gamma", "delta")
TEXT = "\n".join(f"# {name}\n\n{paragraph(name)}\n" for name in PARTS)


@pytest.fixture
def filled(line: Line, docs: Path) -> Line:
    write(docs, {"parts.md": TEXT, "other.md": f"# omega\n\n{paragraph('omega')}\n"})
    line.add(docs)
    line.run()
    return line


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
    before = _fingerprints(filled)
    for generation in filled.home.keyword.iterdir():
        (generation / "meta.json").unlink()
    filled.run()
    assert _fingerprints(filled) == before


def _fingerprints(line: Line) -> dict[str, str]:
    record = read_step_record(line.home, "keyword_index")
    assert record is not None
    return KeywordIndex.open(line.home.keyword / record.output, FILTERS).fingerprints()
