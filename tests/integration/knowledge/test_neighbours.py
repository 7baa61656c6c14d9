"""A passage is found by what stands beside it, too, and an index brought up to date knows its new neighbours."""

from __future__ import annotations

from pathlib import Path

import pytest

from native.tantivy_index import KeywordIndex
from omni_pipelines.knowledge.search.search import Mode
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


def test_a_word_finds_its_passage_first_and_then_those_beside_it(filled: Line) -> None:
    found = headings(filled, "beta")
    assert found[0] == "beta"
    assert set(found) >= {"alpha", "beta", "gamma"}
    assert not set(found) & {"delta", "omega"}


def test_an_edit_reaches_the_entries_beside_it(filled: Line, docs: Path) -> None:
    write(docs, {"parts.md": TEXT.replace("beta", "novum")})
    filled.run()
    assert set(headings(filled, "novum")) >= {"alpha", "novum", "gamma"}
    assert headings(filled, "beta") == []


def test_an_edit_leaves_the_entries_of_other_documents_alone(filled: Line, docs: Path) -> None:
    write(docs, {"parts.md": TEXT.replace("delta", "novum")})
    others = len(headings(filled, "omega"))
    again = filled.run().keyword
    assert 0 < again.written <= again.rows - others


def test_an_index_brought_up_to_date_holds_what_a_new_one_would(filled: Line, docs: Path) -> None:
    write(docs, {"parts.md": TEXT.replace("beta", "novum")})
    filled.run()
    before = _fingerprints(filled)
    for generation in filled.home.keyword.iterdir():
        (generation / "meta.json").unlink()
    filled.run()
    assert _fingerprints(filled) == before


def _fingerprints(line: Line) -> dict[str, str]:
    built = read_step_record(line.home, "keyword_index")
    assert built is not None
    return KeywordIndex.open(line.home.keyword / built.output, FILTERS).fingerprints()
