"""The committed question set: large enough, of every kind, and its own corpus has the bytes that it cites."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from benchmarks.answer_corpora import FOLDER, load_corpora, locate
from benchmarks.answer_questions import check
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.evaluation.answer_questions import (
    AnswerQuestion,
    Missing,
    QuestionKind,
    load_questions,
    range_hash,
)


@pytest.fixture(scope="module")
def questions() -> list[AnswerQuestion]:
    return [question for path in sorted(FOLDER.glob("*.jsonl")) for question in load_questions(path)]


def test_every_file_of_questions_has_a_corpus_with_a_licence() -> None:
    corpora = load_corpora()
    for path in FOLDER.glob("*.jsonl"):
        assert corpora[path.stem].licence


def test_every_kind_is_asked_and_ids_are_unique(questions: list[AnswerQuestion]) -> None:
    assert {each.kind for each in questions} == set(QuestionKind)
    assert len({each.id for each in questions}) == len(questions)


def test_unanswerable_questions_are_mostly_near_the_domain(questions: list[AnswerQuestion]) -> None:
    missing = Counter(each.missing for each in questions if each.missing)
    assert missing[Missing.THING] + missing[Missing.FACT] > 3 * missing[Missing.DOMAIN]
    assert abs(missing[Missing.THING] - missing[Missing.FACT]) < 0.2 * missing.total()


def test_handbook_has_the_bytes_that_its_questions_cite() -> None:
    assert check(["handbook"]) == 0


@pytest.mark.parametrize(
    ("name", "snippet", "found"),
    [
        ("a.txt", "two three", b"two\n  three"),
        ("a.txt", "one ... three", b"one two\n  three"),
        ("a.html", "to < here", b"to</b> &lt; <i>here"),
    ],
)
def test_locate_finds_a_snippet_with_any_space_and_without_tags(
    tmp_path: Path, name: str, snippet: str, found: bytes
) -> None:
    raw = "Über one two\n  three <p><b>to</b> &lt; <i>here</i></p>".encode()
    (tmp_path / name).write_bytes(raw)
    gold = locate(tmp_path, name, snippet)
    assert raw[gold.start : gold.end] == found
    assert gold.sha256 == range_hash(found)


def test_locate_refuses_a_snippet_that_stands_twice_without_the_number_of_one(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("30 days\n30 days\n")
    with pytest.raises(ConfigurationError, match=r"a\.txt contains the snippet 2 times: line 1, line 2"):
        locate(tmp_path, "a.txt", "30 days")
    assert locate(tmp_path, "a.txt", "30 days", 2).start == 8
