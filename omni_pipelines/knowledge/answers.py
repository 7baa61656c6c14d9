"""A question to an answer in the sources' own words: verbatim sentences with their places, or no answer at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from omni_pipelines.knowledge.search import Hit
from omni_pipelines.providers import Attempt
from omni_pipelines.text.decoding import newline_offsets
from omni_pipelines.text.prose import plain, prose
from omni_pipelines.text.sentences import Range, trimmed

HITS_READ = 6
"""Chunks that are searched for the answer."""
MOST_SENTENCES = 3
NEARLY_AS_GOOD = 0.85
"""Share of the best sentence's score that a further sentence must reach."""
WEAK = 0.45
"""Below this evidence no answer is given; see `evidence`."""
_LONGEST = 600
_FEWEST_WORDS = 4
_PROSE_SHARE = 0.85
_PROSE = re.compile(r"[^\W\d_]|[\s,.;:'’()\"-]")  # noqa: RUF001
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


def answer(
    release: int,
    question: str,
    terms: set[str],
    hits: Sequence[Hit],
    embed: EmbedMany,
    stem: Callable[[str], list[str]],
) -> Answer:
    """The sentences of the hits that fit the question best, or an abstention where none fits well.

    `terms` are the question's content words as the keyword index sees them; `stem` gives those of a text.
    """
    candidates = [each for hit in hits[:HITS_READ] for each in _candidates(hit)]
    if not candidates:
        return _abstention(release, 0.0)
    vectors = embed([question, *(_read_as(each) for each in candidates)])  # (n + 1, d)
    cosines = vectors[1:] @ vectors[0]
    scores = [
        evidence(float(cosine), covered(terms, set(stem(_read_as(each)))))
        for each, cosine in zip(candidates, cosines, strict=True)
    ]
    order = np.argsort(scores)[::-1]
    best = scores[order[0]]
    if best < WEAK:
        return _abstention(release, best)
    chosen = _distinct([candidates[at] for at in order if scores[at] >= NEARLY_AS_GOOD * best])
    said = tuple(Sentence(text=each.text, citations=(cite(each.hit, each.start, each.end),)) for each in chosen)
    whole = " ".join(sentence.text for sentence in said)
    return Answer(release=release, abstained=False, answer=whole, sentences=said, evidence=round(best, 4))


def evidence(cosine: float, share: float) -> float:
    """How well a sentence fits: half its closeness in meaning, half the share of the question's words it holds."""
    return 0.5 * max(cosine, 0.0) + 0.5 * share


def covered(terms: set[str], found: set[str]) -> float:
    """The share of the question's words that were found; 0 where it has none."""
    return len(terms & found) / len(terms) if terms else 0.0


def on_one_line(quote: str, kind: str) -> str:
    """A quote as a sentence of an answer: its words, without the line ends and comment signs between them."""
    return plain(quote) if kind == "code" else " ".join(quote.split())


def _abstention(release: int, best: float) -> Answer:
    return Answer(release=release, abstained=True, answer="", sentences=(), evidence=round(max(best, 0.0), 4))


def _read_as(candidate: _Candidate) -> str:
    """A sentence as it is judged: under its heading, which often names what "it" is."""
    heading = candidate.hit.heading or candidate.hit.title
    return f"{heading}: {candidate.text}"


def _distinct(candidates: Sequence[_Candidate]) -> list[_Candidate]:
    chosen: dict[str, _Candidate] = {}
    for candidate in candidates:
        if len(chosen) < MOST_SENTENCES:
            chosen.setdefault(candidate.text, candidate)
    return list(chosen.values())


def _candidates(hit: Hit) -> Iterator[_Candidate]:
    for start, end in prose(hit.text, code=hit.kind == "code"):
        first, last = _core(hit.text, start, end)
        candidate = _Candidate(hit, first, last)
        if last - first <= _LONGEST and _says_something(candidate.text):
            yield candidate


def _says_something(text: str) -> bool:
    """Whether it is a sentence, and not one that only announces what follows."""
    return len(text.split()) >= _FEWEST_WORDS and not text.endswith(":") and _is_prose(text)


def _core(text: str, start: int, end: int) -> Range:
    """A sentence without the marks around it: list bullets, comment signs, quotes of a docstring."""
    start, end = trimmed(text, start, end)
    while start < end and text[start] in _EDGE:
        start += 1
    while end > start and text[end - 1] in _EDGE:
        end -= 1
    return start, end


def _is_prose(text: str) -> bool:
    return len(_PROSE.findall(text)) >= _PROSE_SHARE * len(text)


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
