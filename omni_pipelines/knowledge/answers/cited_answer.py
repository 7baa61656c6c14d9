"""An answer: its sentences, each with the citations that support it."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from omni_pipelines.knowledge.answers.conflicts import Conflict
from omni_pipelines.providers import Attempt

READING, ANSWERING = "reading", "answering"
"""Steps of the progress reports about an answer that a language model words: the number of passages that it reads,
and each claim that is kept, as the detail."""
LIKELY_EVIDENCE = 0.5
"""Of the answers with less evidence, less than half are right; of the others, nearly two thirds."""


class Citation(BaseModel, frozen=True):
    """A verbatim quote and its location."""

    citation: str
    """Opens exactly the quote; see `citation_names`."""
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
    confidence: float = 1.0
    """How sure the words are, 0 to 1: below 1 if they were recognised in a scan or picture."""
    source_seen: datetime | None = None
    """When the source of the document was last listed completely."""
    stale: bool | None = None
    """Whether the file has changed since it was read; see `Hit.stale`."""


class Sentence(BaseModel, frozen=True):
    """A part of an answer, such as a sentence, a list or a signature, and the quotes that support it."""

    text: str
    """The quotes, prose without line ends and comment signs; in a generated answer, the model's own words."""
    label: str = ""
    """The heading or symbol that the text belongs to; "" if the text names it."""
    citations: tuple[Citation, ...]


class Answer(BaseModel, frozen=True):
    """An answer, or an abstention."""

    question: str = ""
    read_as: str = ""
    """The question with its misspelt words replaced; "" if none was replaced."""
    release: int
    abstained: bool
    answer: str
    """All sentences; "" in an abstention."""
    sentences: tuple[Sentence, ...]
    evidence: float
    """The probability that the quotes answer the question, 0 to 1."""
    mode: Literal["extractive", "generative"] = "extractive"
    """Quotes from the sources, or the words of a language model with quotes that support them."""
    note: str = ""
    """Why the answer is not the kind that was requested; "" if it is."""
    conflicts: tuple[Conflict, ...] = ()
    """Sentences of different documents that contradict each other."""
    subjects: tuple[str, ...] = ()
    """What the sentences are about, one each, if the question fits several things."""
    missing: tuple[str, ...] = ()
    """In an abstention: words of the question that no source contains."""
    nearest: tuple[Citation, ...] = ()
    """In an abstention: the passages that come nearest to the question, best first."""
    attempts: tuple[Attempt, ...] = ()
    """The language models that were asked, with the result of each."""

    @property
    def is_doubtful(self) -> bool:
        """Whether answers with so little evidence are wrong more often than right."""
        return self.mode == "extractive" and not self.abstained and self.evidence < LIKELY_EVIDENCE
