"""Extractive answers: the sentences of the sources that fit a question best, word for word, or an abstention."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from native.tantivy_analysis import character_pairs
from omni_pipelines.knowledge.answers.cited_answer import Answer, Sentence
from omni_pipelines.knowledge.answers.conflicts import difference, find_conflicts
from omni_pipelines.knowledge.answers.evidence import MIN_EVIDENCE, Question, Terms
from omni_pipelines.knowledge.answers.quotes import cite, on_one_line
from omni_pipelines.knowledge.search.hits import Hit
from omni_pipelines.text.prose import prose_sentences
from omni_pipelines.text.sentences import Range, trimmed

MAX_HITS_READ = 6
"""Chunks that are searched for the answer."""
MAX_SENTENCES = 3
MIN_SHARE_OF_BEST = 0.85
"""A further sentence must reach this share of the best sentence's evidence."""
_MAX_LENGTH = 600
_MIN_WORDS = 4
_CHARACTERS_PER_WORD = 2
"""In scripts without spaces between words."""
_MAX_SYMBOL_SHARE = 0.15
_SYMBOLS = re.compile(r"[\d_=<>{}\[\]/\\|&^$#@~`+*]")
"""Characters that are frequent in code and tables, and rare in sentences."""
_WORD = re.compile(r"\w+")
_EDGE = " \t\r\n\"'#*/`>-=~|"


@dataclass(frozen=True)
class _Candidate:
    hit: Hit
    start: int
    end: int

    @property
    def text(self) -> str:
        return on_one_line(self.hit.text[self.start : self.end], self.hit.kind)

    @property
    def with_heading(self) -> str:
        """The sentence under its heading, which often names what "it" is."""
        return f"{self.hit.heading or self.hit.title}: {self.text}"


def extract_answer(release: int, question: Question) -> Answer:
    """The sentences of the hits that fit the question best, or an abstention if none fits well enough.

    The document with the best sentence comes first; sentences of one document keep its order.
    """
    candidates = [candidate for hit in question.hits[:MAX_HITS_READ] for candidate in _candidates(hit)]
    scores = question.evidence([each.with_heading for each in candidates]) if candidates else []
    best = max(scores, default=0.0)
    if best < MIN_EVIDENCE:
        return Answer(release=release, abstained=True, answer="", sentences=(), evidence=round(max(best, 0.0), 4))
    order = np.argsort(scores, kind="stable")[::-1]
    chosen = _distinct([candidates[index] for index in order if scores[index] >= MIN_SHARE_OF_BEST * best])
    fitting = [candidates[index] for index in order if scores[index] >= MIN_EVIDENCE]
    chosen += _contradictions(chosen, fitting, question.stem)
    documents = list(dict.fromkeys(each.hit.doc_id for each in chosen))
    chosen.sort(key=lambda each: (documents.index(each.hit.doc_id), each.hit.start_byte, each.start))
    sentences = tuple(Sentence(text=each.text, citations=(cite(each.hit, each.start, each.end),)) for each in chosen)
    return Answer(
        release=release,
        abstained=False,
        answer=" ".join(sentence.text for sentence in sentences),
        sentences=sentences,
        evidence=round(best, 4),
        conflicts=find_conflicts([each.text for each in chosen], [each.hit.doc_id for each in chosen], question.stem),
    )


def _distinct(candidates: Sequence[_Candidate]) -> list[_Candidate]:
    """The best few, without those that a better one contains."""
    chosen: list[_Candidate] = []
    for candidate in candidates:
        words = _words(candidate.text)
        if len(chosen) < MAX_SENTENCES and not any(words in _words(other.text) for other in chosen):
            chosen.append(candidate)
    return chosen


def _contradictions(chosen: Sequence[_Candidate], fitting: Sequence[_Candidate], terms: Terms) -> list[_Candidate]:
    """For each chosen sentence, the best sentence of another document that contradicts it: an answer shows both."""
    contradictions: list[_Candidate] = []
    rest = [other for other in fitting if other not in chosen]
    for each in chosen:
        elsewhere = (other for other in rest if other.hit.doc_id != each.hit.doc_id)
        first = next((other for other in elsewhere if difference(each.text, other.text, terms)), None)
        if first is not None and first not in contradictions:
            contradictions.append(first)
    return contradictions


def _words(text: str) -> str:
    """The words of a sentence without punctuation, with a space on each side."""
    return f" {' '.join(_WORD.findall(text.casefold()))} "


def _candidates(hit: Hit) -> Iterator[_Candidate]:
    for start, end in prose_sentences(hit.text, code=hit.kind == "code"):
        first, last = _without_marks(hit.text, start, end)
        candidate = _Candidate(hit, first, last)
        if last - first <= _MAX_LENGTH and _is_sentence(candidate.text):
            yield candidate


def _is_sentence(text: str) -> bool:
    """Whether the text is a sentence of its own: long enough, not an introduction to a list, not code or a table."""
    words = len(text.split()) + sum(1 for _ in character_pairs(text)) // _CHARACTERS_PER_WORD
    few_symbols = len(_SYMBOLS.findall(text)) <= _MAX_SYMBOL_SHARE * len(text)
    return words >= _MIN_WORDS and not text.endswith((":", "：")) and few_symbols  # noqa: RUF001


def _without_marks(text: str, start: int, end: int) -> Range:
    """The range of a sentence without the marks around it: list bullets, comment signs, docstring quotes."""
    start, end = trimmed(text, start, end)
    start = end - len(text[start:end].lstrip(_EDGE))
    return start, start + len(text[start:end].rstrip(_EDGE))
