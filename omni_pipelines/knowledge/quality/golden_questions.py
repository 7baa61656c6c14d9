"""Golden questions: questions with known citations, which the quality gate asks.

A label names a document and either a quote from its text or a range of bytes, and not chunks or ids. However the
documents are chunked, a hit is right if it overlaps that passage; so the labels stay valid when the chunker changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated

import orjson
from pydantic import Field, ValidationError, model_validator

from native.durable import write_whole
from omni_pipelines import ids
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import Home
from omni_pipelines.knowledge.search.options import MAX_QUERY_LENGTH
from omni_pipelines.record_fields import Text
from omni_pipelines.records import Record


class GoldenLabel(Record):
    """A question and one passage that answers it. A question with several such passages has several labels."""

    question: Annotated[str, Field(min_length=1, max_length=MAX_QUERY_LENGTH, pattern=r"\S")]
    path: Text
    """Of the document, relative to its source."""
    source: str = ""
    """Name of the source; "" if the path alone is enough."""
    quote: str = ""
    """Words of the document, with any whitespace between them."""
    start_byte: Annotated[int, Field(ge=0)] = 0
    """Without a quote: the start of the range, counted as in chunks."""
    end_byte: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _has_quote_or_range(self) -> GoldenLabel:
        if not self.quote.strip() and self.end_byte <= self.start_byte:
            raise ValueError("a label needs a quote, or a range of bytes that ends after it starts")
        return self


GoldenSet = Mapping[str, Sequence[GoldenLabel]]
"""Question to its labels."""


def load_golden(home: Home) -> dict[str, list[GoldenLabel]]:
    """The golden set; empty if there is none.

    Raises:
        ConfigurationError: the file cannot be read, or one of its lines is not a label.
    """
    try:
        lines = home.golden.read_bytes().splitlines()
    except FileNotFoundError:
        return {}
    except OSError as error:
        problem = f"{home.golden} cannot be read: {error.strerror}"
        raise ConfigurationError(problem, cure="make it readable") from error
    golden: dict[str, list[GoldenLabel]] = {}
    for number, line in enumerate(lines, 1):
        if line.strip():
            label = _label(line, f"{home.golden}, line {number}")
            golden.setdefault(label.question, []).append(label)
    return golden


def _label(line: bytes, where: str) -> GoldenLabel:
    try:
        return GoldenLabel.model_validate(orjson.loads(line))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        problem = f"{field}: {first['msg']}" if field else first["msg"].removeprefix("Value error, ")
    except ValueError:
        problem = "is not JSON"
    raise ConfigurationError(f"{where}: {problem}", cure="correct the line; omni golden add writes such lines")


def save_golden(home: Home, labels: Iterable[GoldenLabel]) -> None:
    """Write the golden set, one label per line."""
    lines = [orjson.dumps(label.model_dump(exclude_defaults=True)) + b"\n" for label in labels]
    write_whole(home.golden, b"".join(lines))


def golden_fingerprint(home: Home) -> str:
    """Identifies the state of the golden set; "" if there is none."""
    golden = load_golden(home)
    labels = (label.model_dump_json() for labels in golden.values() for label in labels)
    return ids.text_hash(*labels) if golden else ""
