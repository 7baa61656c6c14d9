"""Golden questions: questions with known citations, which the quality gate asks.

A label names a document and either a quote from its text or a range of bytes, and not chunks or ids. However the
documents are chunked, a hit is right if it overlaps that passage; so the labels stay valid when the chunker changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import orjson
from pydantic import Field, ValidationError, model_validator

from native.durable import write_whole
from native.filters import equals
from omni_pipelines import ids
from omni_pipelines.errors import CitationNotFound, ConfigurationError
from omni_pipelines.home import Home
from omni_pipelines.knowledge.answers.quotes import find_quote
from omni_pipelines.knowledge.search.citations import open_citation
from omni_pipelines.knowledge.search.hits import Hit
from omni_pipelines.knowledge.search.options import MAX_QUERY_LENGTH
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.record_fields import Text
from omni_pipelines.records import Record
from omni_pipelines.text.document_rows import parsed_document

MIN_OVERLAP = 0.5
"""Share of the labelled passage, or of the hit if that is shorter, that a hit must overlap."""


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


@dataclass(frozen=True)
class LabelLocation:
    """The location of a label in one release."""

    doc_id: str
    start_byte: int
    end_byte: int

    def is_shown_by(self, hit: Hit) -> bool:
        """Whether a hit overlaps enough of it."""
        if hit.doc_id != self.doc_id:
            return False
        shared = min(hit.end_byte, self.end_byte) - max(hit.start_byte, self.start_byte)
        shorter = min(hit.end_byte - hit.start_byte, self.end_byte - self.start_byte)
        return shared > 0 and shared >= MIN_OVERLAP * shorter


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


def label_citation(snapshot: Snapshot, question: str, citation: str) -> GoldenLabel:
    """The label of the lines that a citation names.

    Raises:
        CitationNotFound: the lines do not exist, are blank, or are not part of the indexed text.
        ConfigurationError: the question is empty or too long.
    """
    passage = open_citation(snapshot, citation)
    quote = passage.text.strip()
    if not quote:
        raise CitationNotFound(f"{citation} is blank", cure="cite the lines that answer the question")
    try:
        label = GoldenLabel(question=question, path=passage.path, source=passage.source, quote=quote)
    except ValidationError as error:
        problem = error.errors()[0]["msg"]
        raise ConfigurationError(f"this question is not valid: {problem}", cure="use other words") from error
    if locate_label(snapshot, label) is None:
        problem = f"the lines of {citation} are not in the text of release {snapshot.release.release}"
        raise CitationNotFound(problem, cure="run omni ingest, or cite lines of the text that omni search shows")
    return label


def locate_label(snapshot: Snapshot, label: GoldenLabel) -> LabelLocation | None:
    """The location of a label in a release; None if its document or its quote is gone."""
    rows = snapshot.documents(("doc_id", "source"), equals("path", label.path))
    doc_id = next((row["doc_id"] for row in rows if not label.source or row["source"] == label.source), None)
    row = snapshot.document(doc_id) if doc_id is not None else None
    if row is None:
        return None
    if not label.quote.strip():
        return LabelLocation(row["doc_id"], label.start_byte, label.end_byte)
    parsed = parsed_document(row)
    span = find_quote(label.quote, parsed.text)
    return LabelLocation(row["doc_id"], *parsed.byte_offsets(list(span))) if span else None


def hit_keys(hits: Sequence[Hit], locations: Mapping[str, LabelLocation | None]) -> list[str]:
    """The hits as keys for the measures: the key of the label a hit shows, otherwise its chunk id."""
    located = {key: location for key, location in locations.items() if location is not None}
    return [next((key for key, each in located.items() if each.is_shown_by(hit)), hit.chunk_id) for hit in hits]
