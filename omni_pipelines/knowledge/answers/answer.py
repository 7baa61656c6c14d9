"""A question to an answer in the sources' own words: verbatim sentences with their places, or no answer at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from native.tantivy_analysis import character_pairs
from omni_pipelines.knowledge.answers.conflicts import Conflict, conflicts, difference
from omni_pipelines.knowledge.search.search import Hit
from omni_pipelines.providers import Attempt
from omni_pipelines.text.decoding import newline_offsets
from omni_pipelines.text.prose import plain_quote, prose_sentences
from omni_pipelines.text.sentences import Range, trimmed

HITS_READ = 6
"""Chunks that are searched for the answer."""
MAX_SENTENCES = 3
NEARLY_AS_GOOD = 0.85
"""Share of the best sentence's score that a further sentence must reach."""
WEAK = 0.41
"""Below this evidence no answer is given; see `evidence`, and how it was calibrated in docs/quality.md."""
_MAX_LENGTH = 600
_FEWEST_WORDS = 4
_CHARACTERS_A_WORD = 2
"""In scripts that put no space between words."""
_MAX_MARKS = 0.15
_MARKS = re.compile(r"[\d_=<>{}\[\]/\\|&^$#@~`+*]")
"""What code and tables are full of, and sentences are not."""
_WORD = re.compile(r"\w+")
_EDGE = " \t\r\n\"'#*/`>-=~|"

EmbedMany = Callable[[Sequence[str]], np.ndarray]


class Citation(BaseModel):
    """Where a sentence stands, word for word."""

    model_config = ConfigDict(frozen=True)

    uri: str
    start_byte: int
    end_byte: int
    start_line: int
    end_line: int
    quote: str
    path: str
    chunk_id: str
    encoding: str
    verbatim: bool
    page: int | None = None


class Sentence(BaseModel):
    """A sentence of an answer and what it rests on."""

    model_config = ConfigDict(frozen=True)

    text: str
    """The quote on one line, without comment signs; the model's own words in a generated answer."""
    citations: tuple[Citation, ...]


class Answer(BaseModel):
    """An answer, or an abstention."""

    model_config = ConfigDict(frozen=True)

    question: str = ""
    release: int
    abstained: bool
    answer: str
    """"" where abstained."""
    sentences: tuple[Sentence, ...]
    evidence: float
    """How well the best sentence or quote fits the question, 0 to 1."""
    mode: Literal["extractive", "generative"] = "extractive"
    """Whether the sources speak, or a language model that quotes them."""
    note: str = ""
    """Why it is not what was asked for; "" if it is."""
    conflicts: tuple[Conflict, ...] = ()
    """Sentences of different documents that do not agree."""
    attempts: tuple[Attempt, ...] = ()
    """The language models that were asked, and what became of it."""


@dataclass(frozen=True)
class _Candidate:
    hit: Hit
    start: int
    end: int

    @property
    def quote(self) -> str:
        return self.hit.text[self.start : self.end]

    @property
    def text(self) -> str:
        return on_one_line(self.quote, self.hit.kind)


@dataclass(frozen=True)
class Question:
    """A question, the passages that may answer it, and the means to judge how well they do."""

    text: str
    terms: Set[str]
    """Its content words as the keyword index sees them."""
    hits: Sequence[Hit]
    embed: EmbedMany
    stem: Callable[[str], list[str]]
    """The terms of a text."""
    readable: float = 1.0
    """The share of it that the embedder can read; as much of the vectors is believed."""

    def evidence(self, texts: Sequence[str]) -> list[float]:
        """How well each text fits the question, 0 to 1."""
        vectors = self.embed([self.text, *texts])  # (n + 1, d)
        cosines = vectors[1:] @ vectors[0]
        return [
            evidence(float(cosine), covered(self.terms, set(self.stem(text))), self.readable)
            for cosine, text in zip(cosines, texts, strict=True)
        ]


def answer(release: int, question: Question) -> Answer:
    """The sentences of the hits that fit the question best, or an abstention where none fits well.

    Sentences of one document stand in its order; the document with the best sentence comes first.
    """
    candidates = [each for hit in question.hits[:HITS_READ] for each in _candidates(hit)]
    if not candidates:
        return _abstention(release, 0.0)
    scores = question.evidence([_read_as(each) for each in candidates])
    order = np.argsort(scores, kind="stable")[::-1]
    best = scores[order[0]]
    if best < WEAK:
        return _abstention(release, best)
    chosen = _distinct([candidates[at] for at in order if scores[at] >= NEARLY_AS_GOOD * best])
    fitting = [candidates[at] for at in order if scores[at] >= WEAK]
    chosen = _in_reading_order([*chosen, *_contradicting(chosen, fitting, question.stem)])
    said = tuple(Sentence(text=each.text, citations=(cite(each.hit, each.start, each.end),)) for each in chosen)
    whole = " ".join(sentence.text for sentence in said)
    found = conflicts([each.text for each in chosen], [each.hit.doc_id for each in chosen], question.stem)
    return Answer(
        release=release, abstained=False, answer=whole, sentences=said, evidence=round(best, 4), conflicts=found
    )


def evidence(cosine: float, share: float, readable: float = 1.0) -> float:
    """How well a sentence fits: half its closeness in meaning, half the share of the question's words it holds.

    Of a question that the embedder cannot read, the words decide alone.
    """
    meaning = 0.5 * readable
    return meaning * max(cosine, 0.0) + (1 - meaning) * share


def covered(terms: Set[str], found: Set[str]) -> float:
    """The share of the question's words that were found; 0 where it has none."""
    return len(terms & found) / len(terms) if terms else 0.0


def on_one_line(quote: str, kind: str) -> str:
    """A quote as a sentence of an answer: its words, without the line ends and comment signs between them."""
    return plain_quote(quote) if kind == "code" else " ".join(quote.split())


def _abstention(release: int, best: float) -> Answer:
    return Answer(release=release, abstained=True, answer="", sentences=(), evidence=round(max(best, 0.0), 4))


def _read_as(candidate: _Candidate) -> str:
    """A sentence as it is judged: under its heading, which often names what "it" is."""
    heading = candidate.hit.heading or candidate.hit.title
    return f"{heading}: {candidate.text}"


def _distinct(candidates: Sequence[_Candidate]) -> list[_Candidate]:
    """The best few, without one that says no more than a better one does."""
    chosen: list[_Candidate] = []
    for candidate in candidates:
        if len(chosen) < MAX_SENTENCES and not any(_says_no_more(candidate, other) for other in chosen):
            chosen.append(candidate)
    return chosen


def _contradicting(
    chosen: Sequence[_Candidate], fitting: Sequence[_Candidate], terms: Callable[[str], list[str]]
) -> list[_Candidate]:
    """For each chosen sentence the best one of another document that says otherwise: an answer must not hide it."""
    found: list[_Candidate] = []
    for each in chosen:
        against = (
            other
            for other in fitting
            if other.hit.doc_id != each.hit.doc_id
            and other not in chosen
            and difference(each.text, other.text, terms)
        )
        first = next(against, None)
        if first is not None and first not in found:
            found.append(first)
    return found


def _says_no_more(candidate: _Candidate, other: _Candidate) -> bool:
    return _bare(candidate.text) in _bare(other.text)


def _bare(text: str) -> str:
    """A sentence's words alone, between spaces."""
    return f" {' '.join(_WORD.findall(text.casefold()))} "


def _in_reading_order(chosen: Sequence[_Candidate]) -> list[_Candidate]:
    """Best document first, each document's sentences in its order."""
    documents = list(dict.fromkeys(each.hit.doc_id for each in chosen))
    return sorted(chosen, key=lambda each: (documents.index(each.hit.doc_id), each.hit.start_byte, each.start))


def _candidates(hit: Hit) -> Iterator[_Candidate]:
    for start, end in prose_sentences(hit.text, code=hit.kind == "code"):
        first, last = _core(hit.text, start, end)
        candidate = _Candidate(hit, first, last)
        if last - first <= _MAX_LENGTH and _says_something(candidate.text):
            yield candidate


def _says_something(text: str) -> bool:
    """Whether it is a sentence, and not one that only announces what follows."""
    words = len(text.split()) + sum(1 for _ in character_pairs(text)) // _CHARACTERS_A_WORD
    return words >= _FEWEST_WORDS and not text.endswith((":", "：")) and _is_prose(text)  # noqa: RUF001


def _core(text: str, start: int, end: int) -> Range:
    """A sentence without the marks around it: list bullets, comment signs, quotes of a docstring."""
    start, end = trimmed(text, start, end)
    while start < end and text[start] in _EDGE:
        start += 1
    while end > start and text[end - 1] in _EDGE:
        end -= 1
    return start, end


def _is_prose(text: str) -> bool:
    return len(_MARKS.findall(text)) <= _MAX_MARKS * len(text)


def cite(hit: Hit, start: int, end: int) -> Citation:
    """The citation of some characters of a hit's text."""
    quote = hit.text[start:end]
    encoding = hit.encoding if hit.verbatim else "utf-8"
    start_byte = hit.start_byte + len(hit.text[:start].encode(encoding))
    first_line, last_line = hit.start_line, hit.end_line
    if hit.verbatim:
        first_line += len(newline_offsets(hit.text[:start]))
        last_line = first_line + len(newline_offsets(quote))
    return Citation(
        uri=hit.uri,
        start_byte=start_byte,
        end_byte=start_byte + len(quote.encode(encoding)),
        start_line=first_line,
        end_line=last_line,
        quote=quote,
        path=hit.path,
        chunk_id=hit.chunk_id,
        encoding=hit.encoding,
        verbatim=hit.verbatim,
        page=hit.page,
    )
