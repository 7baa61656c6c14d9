"""The golden set: questions, and the words that answer them. Labels are places in documents, not chunks or ids.

A label names a document and either a quote, which is looked for in its text, or a range of bytes. However documents
are cut, a hit is right where it overlaps such a place; so a golden set outlives every change of the chunker.
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
from omni_pipelines.knowledge.answers.generation import find_words
from omni_pipelines.knowledge.search.citations import open_citation
from omni_pipelines.knowledge.search.search import MAX_CHARACTERS, Hit
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.records import Record, Text
from omni_pipelines.text.document_rows import parsed_document

ENOUGH = 0.5
"""Share of the place, or of the passage if that is shorter, that a hit must overlap."""


class GoldenLabel(Record):
    """A question and one place that answers it. Several labels of one question are several such places."""

    question: Annotated[str, Field(min_length=1, max_length=MAX_CHARACTERS, pattern=r"\S")]
    path: Text
    """Of the document, relative to its source."""
    source: str = ""
    """Name of the source; "" where the path alone is enough."""
    quote: str = ""
    """Words of the document; blanks and line ends between them may be any."""
    start_byte: Annotated[int, Field(ge=0)] = 0
    """Where there is no quote: the range, as in chunks; so is `end_byte`."""
    end_byte: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _names_a_place(self) -> GoldenLabel:
        if not self.quote.strip() and self.end_byte <= self.start_byte:
            raise ValueError("a label needs a quote, or a range of bytes that ends after it starts")
        return self


@dataclass(frozen=True)
class Place:
    """Where a label stands in one release."""

    doc_id: str
    start_byte: int
    end_byte: int

    def is_in(self, hit: Hit) -> bool:
        """Whether a hit shows enough of the place."""
        if hit.doc_id != self.doc_id:
            return False
        shared = min(hit.end_byte, self.end_byte) - max(hit.start_byte, self.start_byte)
        shorter = min(hit.end_byte - hit.start_byte, self.end_byte - self.start_byte)
        return shared > 0 and shared >= ENOUGH * shorter


Golden = Mapping[str, Sequence[GoldenLabel]]
"""Question to its labels."""


def load_golden(home: Home) -> dict[str, list[GoldenLabel]]:
    """The golden set; empty where there is none.

    Raises:
        ConfigurationError: the file cannot be read, or a line of it is no label.
    """
    try:
        lines = home.golden.read_bytes().splitlines()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigurationError(
            f"{home.golden} cannot be read: {error.strerror}", cure="make it readable"
        ) from error
    found: dict[str, list[GoldenLabel]] = {}
    for number, line in enumerate(lines, 1):
        if line.strip():
            label = _label(line, f"{home.golden}, line {number}")
            found.setdefault(label.question, []).append(label)
    return found


def _label(line: bytes, where: str) -> GoldenLabel:
    try:
        return GoldenLabel.model_validate(orjson.loads(line))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        why = f"{field}: {first['msg']}" if field else first["msg"].removeprefix("Value error, ")
    except ValueError:
        why = "is no JSON"
    raise ConfigurationError(f"{where}: {why}", cure="correct the line; omni golden add writes such lines")


def save_golden(home: Home, labels: Iterable[GoldenLabel]) -> None:
    """Write the golden set, one label a line."""
    lines = (
        orjson.dumps(each.model_dump(exclude_defaults=True), option=orjson.OPT_APPEND_NEWLINE) for each in labels
    )
    write_whole(home.golden, b"".join(lines))


def golden_fingerprint(home: Home) -> str:
    """Names the state of the golden set; "" where there is none."""
    golden = load_golden(home)
    said = (each.model_dump_json() for labels in golden.values() for each in labels)
    return ids.text_hash(*said) if golden else ""


def label_citation(snapshot: Snapshot, question: str, citation: str) -> GoldenLabel:
    """The label of the lines that a citation names.

    Raises:
        CitationNotFound: there are no such lines; or they are blank, or not in the text that is indexed.
        ConfigurationError: the question cannot be asked.
    """
    passage = open_citation(snapshot, citation)
    quote = "\n".join(passage.lines).strip()
    source = next(row["source"] for row in snapshot.document_names() if row["uri"] == passage.uri)
    if not quote:
        raise CitationNotFound(f"{citation} is blank", cure="cite the lines that answer the question")
    try:
        label = GoldenLabel(question=question, path=passage.path, source=source, quote=quote)
    except ValidationError as error:
        why = error.errors()[0]["msg"]
        raise ConfigurationError(f"this question cannot be asked: {why}", cure="ask it in other words") from error
    if locate_label(snapshot, label) is None:
        raise CitationNotFound(
            f"the lines of {citation} are not in the text of release {snapshot.release.release}",
            cure="run omni ingest, or cite lines of the text that omni search shows",
        )
    return label


def locate_label(snapshot: Snapshot, label: GoldenLabel) -> Place | None:
    """Where a label stands in a release; None where its document or its words are gone."""
    names = snapshot.documents(("doc_id", "source"), equals("path", label.path))
    names = [row for row in names if not label.source or row["source"] == label.source]
    row = snapshot.document(names[0]["doc_id"]) if names else None
    if row is None:
        return None
    if not label.quote.strip():
        return Place(row["doc_id"], label.start_byte, label.end_byte)
    parsed = parsed_document(row)
    found = find_words(label.quote, parsed.text)
    return Place(row["doc_id"], *parsed.byte_offsets(list(found))) if found else None


def rank_places(hits: Sequence[Hit], places: Mapping[str, Place | None]) -> list[str]:
    """The hits as keys for the measures: the key of the place a hit shows, else its own chunk id."""
    found = {key: place for key, place in places.items() if place is not None}
    return [next((key for key, place in found.items() if place.is_in(hit)), hit.chunk_id) for hit in hits]
