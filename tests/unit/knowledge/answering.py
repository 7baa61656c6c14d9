"""Hits, questions and a stemmer for the tests of answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from native.query_words import query_words, text_forms
from native.tantivy_analysis import Analyzer
from omni_pipelines.knowledge.answers.cited_answer import Answer
from omni_pipelines.knowledge.answers.evidence import Question
from omni_pipelines.knowledge.answers.extraction import extract_answer
from omni_pipelines.knowledge.answers.weighted_words import WeightedWords
from omni_pipelines.knowledge.search.hits import Hit, Ranks
from omni_pipelines.testing.fakes import FakeEmbedder
from omni_pipelines.text.calibration import Calibration

STOP_WORDS = {"how", "do", "the", "in"}
CALIBRATION = Calibration(unrelated=0.05, related=0.60)
ENTRIES = 1_000
"""Entries of the corpus that the hits come from."""
_WORDS, _TEXT = Analyzer(stopwords="en"), Analyzer(stopwords=None)


def hit(
    text: str,
    path: str = "a.md",
    *,
    start_byte: int = 0,
    start_line: int = 1,
    kind: str = "prose",
    heading: str = "",
    title: str = "",
) -> Hit:
    """A hit with this text, at this location of the file `path`."""
    return Hit(
        rank=1,
        citation=f"s/{path}:{start_line}",
        score=1.0,
        chunk_id=f"{path}@{start_byte}",
        doc_id=path,
        uri=f"file:///{path}",
        title=title or path,
        start_byte=start_byte,
        end_byte=start_byte + len(text.encode("utf-8", "replace")),
        start_line=start_line,
        end_line=start_line + text.count("\n"),
        heading=heading,
        text=text,
        ranks=Ranks(keyword=1, vector=1),
        source="s",
        path=path,
        encoding="utf-8",
        verbatim=True,
        kind=kind,
    )


def stem(text: str) -> list[str]:
    """The words of a text, in lower case and without stop words."""
    words = (word.strip(".,?:") for word in text.lower().split())
    return [word for word in words if word not in STOP_WORDS]


def forms(text: str) -> set[str]:
    """The forms of the words of a text in an English index."""
    return text_forms(text, _TEXT)


def asked(text: str, hits: Sequence[Hit]) -> Question:
    """A question to a corpus in which only these hits have its words, with vectors of word overlap."""
    embedder = FakeEmbedder()
    vectors = embedder.embed([text, *(each.text for each in hits)])
    cosines = (vectors[1:] @ vectors[0]).tolist()
    found = [forms(f"{each.title} {each.heading} {each.text}") for each in hits]
    words = query_words(text, _WORDS)
    counted = [replace(word, count=sum(not word.forms.isdisjoint(each) for each in found)) for word in words]
    return Question(
        text=text,
        words=WeightedWords.of(counted, ENTRIES),
        hits=hits,
        cosines=dict(zip((each.chunk_id for each in hits), cosines, strict=True)),
        embed=lambda texts, kind: embedder.embed(texts, kind=kind),
        forms=forms,
        terms=stem,
        calibration=CALIBRATION,
    )


def ask(text: str, hits: Sequence[Hit]) -> Answer:
    """The extractive answer of these hits."""
    return extract_answer(1, asked(text, hits))
