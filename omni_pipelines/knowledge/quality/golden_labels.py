"""Where the labels of golden questions are in a release, and which hits show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from native.filters import equals
from omni_pipelines.errors import CitationNotFound, ConfigurationError
from omni_pipelines.knowledge.answers.quotes import find_quote
from omni_pipelines.knowledge.quality.golden_questions import GoldenLabel
from omni_pipelines.knowledge.search.citations import open_citation
from omni_pipelines.knowledge.search.hits import Hit
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.text.document_rows import parsed_document

MIN_OVERLAP = 0.5
"""Share of the labelled passage, or of the hit if that is shorter, that a hit must overlap."""


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
