"""How `omni search --explain` writes a score, and how `omni ask` prints an answer."""

from __future__ import annotations

import re
from typing import Literal

import pytest

from omni_pipelines.cli.views.search import score_as_sum, show_answer
from omni_pipelines.knowledge.answers.cited_answer import LIKELY_EVIDENCE, Answer, Sentence
from omni_pipelines.knowledge.search.hits import Hit, Ranks, ScoreParts
from omni_pipelines.knowledge.search.relevance import probability


def hit(parts: ScoreParts, ranks: Ranks) -> Hit:
    return Hit(
        rank=1,
        score=probability([part for _, part in parts]),
        citation="notes/otters.md:1",
        chunk_id="c",
        doc_id="d",
        uri="file:///notes/otters.md",
        title="Otters",
        start_byte=0,
        end_byte=6,
        start_line=1,
        end_line=1,
        heading="",
        text="Otters",
        ranks=ranks,
        source="notes",
        path="otters.md",
        encoding="utf-8",
        verbatim=True,
        kind="prose",
        parts=parts,
    )


@pytest.mark.parametrize(
    ("parts", "ranks", "names"),
    [
        (
            ScoreParts(keyword=0.3, vector=0.4, rerank=0.4),
            Ranks(keyword=1, vector=2),
            ["keyword", "vector", "rerank"],
        ),
        (ScoreParts(base=-2.5, keyword=0.3, vector=0.4), Ranks(keyword=1, vector=2), ["base", "keyword", "vector"]),
        (ScoreParts(vector=0.8), Ranks(keyword=None, vector=1), ["vector"]),
        (ScoreParts(keyword=0.0, vector=0.8), Ranks(keyword=9, vector=1), ["keyword", "vector"]),
    ],
    ids=["reranked", "with a base", "vector only", "part of 0 with a rank"],
)
def test_explained_score_names_every_part_and_is_the_probability_of_their_sum(
    parts: ScoreParts, ranks: Ranks, names: list[str]
) -> None:
    score, _, terms = score_as_sum(hit(parts, ranks)).partition(" = ")
    shown = re.findall(r"([+-][\d.]+) (\w+)", re.sub(r" \(rank \d+\)", "", terms))
    assert [name for _, name in shown] == names
    assert probability([float(part) for part, _ in shown]) == pytest.approx(float(score), abs=1e-3)


@pytest.mark.parametrize(
    ("evidence", "mode", "is_doubted"),
    [
        (LIKELY_EVIDENCE - 0.1, "extractive", True),
        (LIKELY_EVIDENCE, "extractive", False),
        (LIKELY_EVIDENCE - 0.1, "generative", False),
    ],
)
def test_answer_with_little_evidence_is_called_doubtful(
    capsys: pytest.CaptureFixture[str], evidence: float, mode: Literal["extractive", "generative"], is_doubted: bool
) -> None:
    text = "Otters sleep at night."
    show_answer(
        Answer(
            release=1,
            abstained=False,
            answer=text,
            sentences=(Sentence(text=text, citations=()),),
            evidence=evidence,
            mode=mode,
        )
    )
    assert ("may not answer" in capsys.readouterr().err) is is_doubted
