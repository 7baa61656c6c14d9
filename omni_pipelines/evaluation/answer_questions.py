"""Questions with the passages that answer them, or without an answer: what `omni eval --answers` asks.

A file holds one question per line. A gold range is a range of bytes of a source file with a hash of these bytes, so
that the file of questions copies no text of its sources.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import orjson
from pydantic import Field, ValidationError, model_validator

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.knowledge.search.options import MAX_QUERY_LENGTH
from omni_pipelines.record_fields import Text
from omni_pipelines.records import Record

HASH_LENGTH = 16
"""Hex digits of the hash of a gold range."""


class QuestionKind(StrEnum):
    """What a question asks for, or how it is asked."""

    HOW_TO = "howto"
    FACT = "fact"
    WHERE = "where"
    SIGNATURE = "signature"
    DEFAULT = "default"
    ERROR = "error"
    COMPARISON = "comparison"
    VERSION = "version"
    LIST = "list"
    TABLE = "table"
    CONFLICT = "conflict"
    MISSPELT = "misspelt"
    LANGUAGE = "language"
    """In another language than the sources."""
    AMBIGUOUS = "ambiguous"


class Missing(StrEnum):
    """What the sources lack for an answer."""

    NOTHING = ""
    THING = "thing"
    """Another product, entity or version under familiar words."""
    FACT = "fact"
    """The sources mention the thing, but do not say this about it."""
    DOMAIN = "domain"
    """They are about another subject altogether."""


class Half(StrEnum):
    """Which questions are asked."""

    DEVELOPMENT = "development"
    HELD_OUT = "held-out"
    ALL = "all"


class GoldRange(Record):
    """A passage that an answer must quote: a range of bytes, or words."""

    path: Text
    """Of the document, relative to its source."""
    start: Annotated[int, Field(ge=0)] = 0
    end: Annotated[int, Field(ge=0)] = 0
    sha256: Annotated[str, Field(pattern=f"^([0-9a-f]{{{HASH_LENGTH}}})?$")] = ""
    """First hex digits of the hash of the bytes of the range; see `range_hash`."""
    quote: str = ""
    """Instead of a range: words of the document, with any whitespace between them."""

    @model_validator(mode="after")
    def _has_quote_or_range(self) -> "GoldRange":
        if not self.quote.strip() and not (self.start < self.end and self.sha256):
            raise ValueError("a gold range needs a quote, or a start below its end and a sha256")
        return self


class AnswerQuestion(Record):
    """A question, and what answers it."""

    id: Annotated[str, Field(min_length=1)]
    question: Annotated[str, Field(min_length=1, max_length=MAX_QUERY_LENGTH, pattern=r"\S")]
    kind: QuestionKind
    gold: tuple[tuple[GoldRange, ...], ...] = ()
    """Alternatives, of which one is enough; each has one or more ranges that are needed together."""
    missing: Missing = Missing.NOTHING

    @model_validator(mode="after")
    def _is_answerable_or_not(self) -> "AnswerQuestion":
        if bool(self.gold) == bool(self.missing):
            raise ValueError("a question has either gold ranges, or says in `missing` what the sources lack")
        if not all(self.gold):
            raise ValueError("an alternative of `gold` has no range")
        return self

    @property
    def half(self) -> Half:
        """The half it belongs to, by a hash of its id: it stays there whatever questions are added."""
        first = hashlib.sha256(self.id.encode()).digest()[0]
        return Half.DEVELOPMENT if first % 2 == 0 else Half.HELD_OUT


def range_hash(content: bytes) -> str:
    """The hash of the bytes of a gold range."""
    return hashlib.sha256(content).hexdigest()[:HASH_LENGTH]


def load_questions(path: Path) -> list[AnswerQuestion]:
    """Read a file of questions.

    Raises:
        ConfigurationError: the file cannot be read, holds no question or an id twice, or a line is not a question.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        cure = "name a file with one question per line"
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}", cure=cure) from error
    questions = [_question(line, f"{path}, line {number}") for number, line in enumerate(lines, 1) if line.strip()]
    if not questions:
        raise ConfigurationError(f"{path} holds no question", cure="write one JSON object per line")
    twice = [name for name, count in Counter(each.id for each in questions).items() if count > 1]
    if twice:
        raise ConfigurationError(f"{path} has the id {twice[0]} twice", cure="give each question its own id")
    return questions


def questions_of(questions: Iterable[AnswerQuestion], half: Half) -> list[AnswerQuestion]:
    """The questions of a half."""
    return [each for each in questions if half in (Half.ALL, each.half)]


def _question(line: bytes, where: str) -> AnswerQuestion:
    try:
        return AnswerQuestion.model_validate(orjson.loads(line))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        message = first["msg"].removeprefix("Value error, ")
        problem = f"{field}: {message}" if field else message
    except ValueError:
        problem = "is not JSON"
    raise ConfigurationError(f"{where}: {problem}", cure="docs/explanation/answer-quality.md shows the format")
