"""Records of the proof of an answer: the receipt, its sentences and their quotes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from omni_pipelines.record_fields import Blake3, Moment, Sha256, Text, now
from omni_pipelines.records import Record


class ReceiptQuote(Record):
    """Words of a document, with what is needed to find and verify them."""

    citation: Text
    """Name, page and lines, as `omni show` takes them."""
    uri: Text
    path: str
    chunk_id: Text
    quote: Text
    start_byte: Annotated[int, Field(ge=0)]
    """Offset in the file if `verbatim`, else in its parsed text as UTF-8; `end_byte` likewise."""
    end_byte: Annotated[int, Field(ge=0)]
    start_line: Annotated[int, Field(ge=1)]
    end_line: Annotated[int, Field(ge=1)]
    page: Annotated[int, Field(ge=1)] | None = None
    """Page number, if the document has pages."""
    encoding: str
    verbatim: bool
    quote_hash: Blake3
    """blake3 of the bytes in the range."""
    content_hash: Blake3
    """blake3 of the whole file."""

    @model_validator(mode="after")
    def _check_ranges(self) -> ReceiptQuote:
        if self.end_byte <= self.start_byte or self.end_line < self.start_line:
            raise ValueError("a quote must end after it starts")
        return self


class ReceiptSentence(Record):
    """A sentence of an answer, and the quotes that support it."""

    text: Text
    label: str = ""
    """The heading or symbol that the text belongs to."""
    quotes: Annotated[tuple[ReceiptQuote, ...], Field(min_length=1)]


class Receipt(Record):
    """The proof of an answer: its sentences, their quotes, the bytes of these, the release and the run.

    The home that gave the answer seals all fields together with a key of its own. Version 1 has no seal.
    """

    schema_version: Literal[1, 2] = 2
    question: Text
    where: dict[str, str] = Field(default={})
    """The filters of the search."""
    viewer: tuple[str, ...] | None = None
    """The access tags of the viewer who asked, sorted; None is the owner."""
    answer: str
    """The sentences, joined; "" if there is no answer."""
    sentences: tuple[ReceiptSentence, ...]
    release: Annotated[int, Field(ge=1)]
    release_checksum: Sha256
    """The checksum in the record of the release."""
    run_id: str
    """The Dagster run that published the release."""
    tables: dict[str, str]
    """Table to `uuid:version`, as in the release."""
    fingerprints: dict[str, str] = Field(default={})
    """Fingerprints of the release: readers, chunker, embedder and keyword analysis."""
    sources_seen: dict[str, Moment] = Field(default={})
    """Source of a quote to the time at which it was last listed; {} in receipts of earlier versions of omni."""
    answered_at: Moment = Field(default_factory=now)
    mode: Literal["extractive", "generative"] = "extractive"
    """Who wrote the sentences: the sources, or a language model that quotes them."""
    model: str = ""
    """The language model that wrote the sentences."""
    evidence: Annotated[float, Field(ge=0, le=1)] = 0.0
    note: str = ""
    """Why the answer is not the kind that was requested."""
    splitter: str = ""
    """Version of the rules that cut passages into the units that are quoted; "" if not known."""
    home_key: str = ""
    """Id of the key of the home that gave the answer."""
    home_seal: str = ""
    """HMAC-SHA256, with that key, of all fields but this one and `sha256`, in the same form as for `sha256`."""
    sha256: Sha256
    """sha256 of all other fields as JSON with sorted keys and no blanks."""
