"""An extractive answer: verbatim sentences in an order that reads well, without code, repeats or guesses."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from omni_pipelines.knowledge.answers.cited_answer import Answer
from omni_pipelines.knowledge.answers.evidence import MIN_EVIDENCE, Question, evidence, term_coverage
from omni_pipelines.knowledge.answers.extraction import extract_answer
from omni_pipelines.knowledge.search.hits import Hit, Ranks
from omni_pipelines.testing.fakes import FakeEmbedder

OTTERS = "Otters sleep in the kelp. They eat nine kilos a day.\n\nOtters sleep holding hands, so that none drifts.\n"


def hit(text: str, path: str = "a.md", start: int = 0, kind: str = "prose", heading: str = "") -> Hit:
    lines = text.count("\n") + 1
    fields = {
        "chunk_id": f"{path}@{start}",
        "doc_id": path,
        "uri": f"file:///{path}",
        "title": "",
        "heading": heading,
    }
    place = {"start_byte": start, "end_byte": start + len(text.encode()), "start_line": 1, "end_line": lines}
    told = {"source": "s", "path": path, "encoding": "utf-8", "verbatim": True, "kind": kind, "text": text}
    return Hit(rank=1, score=1.0, ranks=Ranks(keyword=1, vector=1), **fields, **place, **told)


def stem(text: str) -> list[str]:
    return [
        word.strip(".,?:") for word in text.lower().split() if word.strip(".,?:") not in {"how", "do", "the", "in"}
    ]


def asked(question: str, hits: Sequence[Hit], readable: float = 1.0) -> Answer:
    return extract_answer(1, Question(question, set(stem(question)), hits, FakeEmbedder().embed, stem, readable))


def test_sentences_of_one_document_stand_in_its_order() -> None:
    found = asked("How do otters sleep?", [hit(OTTERS)])
    starts = [sentence.citations[0].start_byte for sentence in found.sentences]
    assert len(starts) > 1
    assert starts == sorted(starts)


def test_the_document_with_the_best_sentence_comes_first() -> None:
    first = hit("Otters sleep, it is said by some.", "far.md")
    best = hit("Here is more. Otters sleep holding hands.", "near.md", start=500)
    found = asked("otters sleep holding hands", [first, best])
    assert found.sentences[0].citations[0].path == "near.md"


def test_chunks_of_one_document_are_read_in_its_order() -> None:
    later, earlier = (
        hit("Otters sleep holding hands today.", start=900),
        hit("Otters sleep holding paws tonight.", start=5),
    )
    found = asked("otters sleep holding", [later, earlier])
    assert [sentence.citations[0].start_byte for sentence in found.sentences] == [5, 900]


@pytest.mark.parametrize(
    "repeat", ["Otters sleep holding hands.", "otters sleep HOLDING hands!", "Otters sleep,  holding hands."]
)
def test_nothing_is_said_twice(repeat: str) -> None:
    found = asked("otters sleep holding hands", [hit("Otters sleep holding hands."), hit(repeat, "b.md")])
    assert len(found.sentences) == 1


def test_a_word_within_a_word_is_no_repeat() -> None:
    found, repeat = (
        asked("seals rest on", [hit(first), hit("Seals rest on ice.", "b.md")])
        for first in ("Seals rest on icebergs.", "Seals rest on ice")
    )
    assert len(found.sentences) == 2
    assert len(repeat.sentences) == 1


def test_code_between_fences_is_not_quoted() -> None:
    text = (
        "Otters sleep holding hands.\n\n```python\notters sleep holding hands in code\n```\n\nThat is all there is.\n"
    )
    found = asked("otters sleep holding hands", [hit(text)])
    assert "in code" not in found.answer


@pytest.mark.parametrize("table", ["| otters | 12 | 99% | {x} | [y] |", "otters = sleep(holding[0]) / hands[1] + 7"])
def test_rows_of_marks_and_figures_are_no_sentences(table: str) -> None:
    assert asked("otters sleep holding hands", [hit(table)]).abstained


@pytest.mark.parametrize("text", ["东大寺位于日本奈良。", "ปลาโลมานอนหลับในทะเลลึก", "ऊदबिलाव हाथ पकड़कर सोते हैं।"])
def test_every_script_can_be_quoted(text: str) -> None:
    question = Question(text, {"x"}, [hit(text)], FakeEmbedder().embed, lambda _text: ["x"])
    assert extract_answer(1, question).answer == text


def test_evidence_that_is_weak_is_no_answer() -> None:
    found = asked("What does the treaty say on customs?", [hit(OTTERS)])
    assert (found.abstained, found.answer, found.sentences) == (True, "", ())
    assert found.evidence < MIN_EVIDENCE


def test_a_question_nobody_can_read_is_judged_by_its_words() -> None:
    assert evidence(0.9, 0.2, readable=0.0) == pytest.approx(0.2)
    assert evidence(0.9, 0.2, readable=1.0) == pytest.approx(0.55)
    assert evidence(-0.5, 0.2) == pytest.approx(0.1)


def test_a_question_without_content_words_is_covered_by_nothing() -> None:
    assert term_coverage(set(), {"a"}) == 0.0
    assert term_coverage({"a", "b"}, {"b", "c"}) == 0.5


def test_a_quote_is_cited_at_its_bytes() -> None:
    found = asked("otters sleep holding hands", [hit("Ä. Otters sleep holding hands.", start=100)])
    cited = found.sentences[-1].citations[0]
    assert cited.quote == "Otters sleep holding hands."
    assert (cited.start_byte, cited.end_byte) == (104, 131)
