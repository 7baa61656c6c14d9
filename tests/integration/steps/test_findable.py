"""What finds what: each row of the tables in docs/explanation/languages.md, in a real index of all their texts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from native.tantivy_entries import KeywordEntry
from native.tantivy_index import KeywordIndex

PAGE = Path(__file__).parents[3] / "docs" / "explanation" / "languages.md"
BEGIN, END = "<!-- pairs: begin -->\n", "<!-- pairs: end -->\n"
_QUOTED = re.compile(r"`([^`]+)`")
MIN_PAIRS = 80


@dataclass(frozen=True)
class Row:
    """A query, the texts that it finds, best first, those that it does not find, and their language."""

    query: str
    found: list[str]
    missed: list[str]
    language: str


def rows() -> list[Row]:
    """The rows of all tables between the marks."""
    tables = PAGE.read_text("utf-8").partition(BEGIN)[2].partition(END)[0]
    cells = [line.strip("|\n").split(" | ") for line in tables.splitlines() if line.startswith("| `")]
    return [
        Row(_QUOTED.findall(query)[0], _QUOTED.findall(found), _QUOTED.findall(missed), language.strip())
        for query, found, missed, language in cells
    ]


ROWS = rows()


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> KeywordIndex:
    index = KeywordIndex.create(tmp_path_factory.mktemp("findable") / "index", ("row", "language"))
    with index.writer() as writer:
        writer.upsert(
            KeywordEntry(f"{number} {text}", "", text, "", {"row": str(number), "language": row.language})
            for number, row in enumerate(ROWS)
            for text in (*row.found, *row.missed)
        )
        writer.commit()
    index.reload()
    return index


@pytest.mark.parametrize("number", range(len(ROWS)), ids=[row.query for row in ROWS])
def test_query_finds_the_texts_of_its_row_best_first_and_no_other_of_it(index: KeywordIndex, number: int) -> None:
    hits = index.search(ROWS[number].query, 9, {"row": str(number)})
    assert [key.partition(" ")[2] for key, _ in hits] == ROWS[number].found


def test_page_has_enough_pairs() -> None:
    assert sum(len(row.found) + len(row.missed) for row in ROWS) > len(ROWS) >= MIN_PAIRS
