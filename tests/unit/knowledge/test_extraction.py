"""Extractive answers: verbatim sentences in a readable order, without code, repeats or weak evidence."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from omni_pipelines.knowledge.answers.cited_answer import Answer
from omni_pipelines.knowledge.answers.evidence import Question, evidence, term_coverage
from omni_pipelines.knowledge.answers.extraction import extract_answer
from omni_pipelines.knowledge.search.hits import Hit
from omni_pipelines.testing.fakes import FakeEmbedder
from tests.unit.knowledge.answering import hit, stem

OTTERS = "Otters sleep in the kelp. They eat nine kilos a day.\n\nOtters sleep holding hands, so that none drifts.\n"


def ask(question: str, hits: Sequence[Hit]) -> Answer:
    return extract_answer(1, Question(question, set(stem(question)), hits, FakeEmbedder().embed, stem))


def test_sentences_of_one_document_keep_its_order() -> None:
    answer = ask("How do otters sleep?", [hit(OTTERS)])
    starts = [sentence.citations[0].start_byte for sentence in answer.sentences]
    assert len(starts) > 1
    assert starts == sorted(starts)


def test_document_with_the_best_sentence_comes_first() -> None:
    good = hit("Otters sleep, it is said by some.", "far.md")
    best = hit("Here is more. Otters sleep holding hands.", "near.md", start_byte=500)
    answer = ask("otters sleep holding hands", [good, best])
    assert answer.sentences[0].citations[0].path == "near.md"


def test_chunks_of_one_document_keep_its_order() -> None:
    later = hit("Otters sleep holding hands today.", start_byte=900)
    earlier = hit("Otters sleep holding paws tonight.", start_byte=5)
    answer = ask("otters sleep holding", [later, earlier])
    assert [sentence.citations[0].start_byte for sentence in answer.sentences] == [5, 900]


@pytest.mark.parametrize(
    "repeat", ["Otters sleep holding hands.", "otters sleep HOLDING hands!", "Otters sleep,  holding hands."]
)
def test_sentence_with_the_same_words_is_left_out(repeat: str) -> None:
    answer = ask("otters sleep holding hands", [hit("Otters sleep holding hands."), hit(repeat, "b.md")])
    assert len(answer.sentences) == 1


def test_sentence_is_a_repeat_only_if_whole_words_match() -> None:
    different, same = (
        ask("seals rest on", [hit(first), hit("Seals rest on ice.", "b.md")])
        for first in ("Seals rest on icebergs.", "Seals rest on ice")
    )
    assert len(different.sentences) == 2
    assert len(same.sentences) == 1


def test_code_between_fences_is_not_quoted() -> None:
    text = (
        "Otters sleep holding hands.\n\n```python\notters sleep holding hands in code\n```\n\nThat is all there is.\n"
    )
    answer = ask("otters sleep holding hands", [hit(text)])
    assert answer.answer
    assert "in code" not in answer.answer


@pytest.mark.parametrize("table", ["| otters | 12 | 99% | {x} | [y] |", "otters = sleep(holding[0]) / hands[1] + 7"])
def test_lines_full_of_symbols_are_not_quoted(table: str) -> None:
    assert ask("otters sleep holding hands", [hit(table)]).abstained


@pytest.mark.parametrize("text", ["东大寺位于日本奈良。", "ปลาโลมานอนหลับในทะเลลึก", "ऊदबिलाव हाथ पकड़कर सोते हैं।"])
def test_text_in_any_script_is_quoted(text: str) -> None:
    question = Question(text, {"x"}, [hit(text)], FakeEmbedder().embed, lambda _text: ["x"])
    assert extract_answer(1, question).answer == text


def test_weak_evidence_gives_an_abstention() -> None:
    answer = ask("What does the treaty say on customs?", [hit(OTTERS)])
    assert (answer.abstained, answer.answer, answer.sentences) == (True, "", ())
    assert 0 < answer.evidence < 0.41


def test_evidence_is_the_mean_of_cosine_and_term_coverage() -> None:
    assert evidence(0.9, 0.2, readable=1.0) == pytest.approx(0.55)
    assert evidence(-0.5, 0.2) == pytest.approx(0.1)


def test_evidence_for_an_unreadable_question_is_its_term_coverage() -> None:
    assert evidence(0.9, 0.2, readable=0.0) == pytest.approx(0.2)


def test_term_coverage_without_terms_is_zero() -> None:
    assert term_coverage(set(), {"a"}) == 0.0
    assert term_coverage({"a", "b"}, {"b", "c"}) == 0.5


def test_citation_has_the_bytes_of_its_quote() -> None:
    answer = ask("otters sleep holding hands", [hit("Ä. Otters sleep holding hands.", start_byte=100)])
    cited = answer.sentences[-1].citations[0]
    assert cited.quote == "Otters sleep holding hands."
    assert (cited.start_byte, cited.end_byte) == (104, 131)
