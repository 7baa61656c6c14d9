"""What the tools answer over MCP: the records of the library, without what a language model has no use for.

A client sends the schemas of these results to its model with every request, so they are as small as they can be.
"""

from collections.abc import Mapping
from typing import Any, Literal, cast

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaValue

from omni_pipelines.knowledge.answers.cited_answer import Answer, Citation
from omni_pipelines.knowledge.search.citations import Passage
from omni_pipelines.knowledge.search.hits import Hit
from omni_pipelines.knowledge.search.outline import Outline
from omni_pipelines.knowledge.search.why_not import WhyNot
from omni_pipelines.knowledge.state.changes import Changes
from omni_pipelines.knowledge.state.status import Status
from omni_pipelines.mcp_server.addresses import ByteRange, quote_uri

MAX_TEXT = 20_000
"""Characters of one passage."""
MAX_CHANGES = 200


class CitedText(BaseModel, frozen=True):
    """A passage: where it is, and its text."""

    citation: str
    uri: str
    """The resource of exactly these bytes; it never changes."""
    text: str


class FoundText(CitedText, frozen=True):
    """A hit of a search."""

    heading: str
    score: float


class FoundTexts(BaseModel, frozen=True):
    """The hits, best first."""

    hits: list[FoundText]

    @classmethod
    def of(cls, data: Any, release: int) -> "FoundTexts":
        """From the hits of `knowledge.search`."""
        hits = [Hit.model_validate(each) for each in data]
        return cls(
            hits=[
                FoundText(
                    citation=hit.citation,
                    uri=quote_uri(release, hit.citation, ByteRange(hit.start_byte, hit.end_byte)),
                    text=hit.text,
                    heading=hit.heading,
                    score=hit.score,
                )
                for hit in hits
            ]
        )


class PassageResult(CitedText, frozen=True):
    """The text that a citation names."""

    note: str
    """What to know about the text; "" if nothing."""

    @classmethod
    def of(cls, data: Any, release: int) -> "PassageResult":
        """From the passage of `knowledge.show`."""
        passage = Passage.model_validate(data)
        is_cut = len(passage.text) > MAX_TEXT
        cut = (
            f"only the first {MAX_TEXT:,} of {len(passage.text):,} characters: cite some of its lines"
            if is_cut
            else ""
        )
        return cls(
            citation=passage.citation,
            uri=quote_uri(release, passage.citation, ByteRange(passage.start_byte, passage.end_byte)),
            text=passage.text[:MAX_TEXT],
            note="; ".join(filter(None, (cut, passage.note))),
        )


class AnswerResult(BaseModel, frozen=True):
    """An answer in the words of the sources, and the quotes that it consists of."""

    answer: str
    evidence: float
    quotes: list[CitedText]
    note: str
    """Contradictions between the sources, and whatever else to know; "" if nothing."""

    @classmethod
    def of(cls, data: Any, release: int) -> "AnswerResult":
        """From the answer of `knowledge.ask`."""
        answer = Answer.model_validate(data)
        quotes = [citation for sentence in answer.sentences for citation in sentence.citations]
        conflicts = [f"sentences {each.first} and {each.second} differ: {each.says}" for each in answer.conflicts]
        return cls(
            answer=answer.answer,
            evidence=answer.evidence,
            quotes=[_quote(each, release) for each in quotes],
            note="; ".join(filter(None, (*conflicts, answer.note))),
        )


class OutlinePart(BaseModel, frozen=True):
    """A document or a section."""

    citation: str
    title: str


class OutlineResult(BaseModel, frozen=True):
    """A part of the list, and the length of the whole list."""

    entries: list[OutlinePart]
    total: int

    @classmethod
    def of(cls, data: Any, release: int) -> "OutlineResult":
        """From the outline of `knowledge.outline`."""
        outline = Outline.model_validate(data)
        return cls(entries=[OutlinePart(**each.model_dump()) for each in outline.entries], total=outline.total)


class SourceState(BaseModel, frozen=True):
    """A source, and when its files were last listed."""

    name: str
    documents: int
    seen: str


class StatusResult(BaseModel, frozen=True):
    """What the knowledge base holds."""

    release: int
    created: str
    documents: int
    chunks: int
    sources: list[SourceState]
    note: str
    """Who writes to it at the moment, and what is missing; "" if nothing."""

    @classmethod
    def of(cls, data: Any, release: int) -> "StatusResult":
        """From the status of `knowledge.status`."""
        status = Status.model_validate(data)
        missing = [f"source {name} is missing: {each.problem}" for name, each in status.missing.items()]
        writer = [f"being updated by {status.writer.description}"] if status.writer is not None else []
        return cls(
            release=status.release,
            created=data["created_at"],
            documents=status.counts["documents"],
            chunks=status.counts["chunks"],
            sources=[
                SourceState(name=name, documents=each["documents"], seen=each["seen"])
                for name, each in data["sources"].items()
            ],
            note="; ".join((*missing, *writer)),
        )


class Stage(BaseModel, frozen=True):
    """A stage of a search."""

    stage: str
    passed: bool
    says: str


class ExplainResult(BaseModel, frozen=True):
    """Why a document was or was not found."""

    document: str
    verdict: str
    steps: list[Stage]

    @classmethod
    def of(cls, data: Any, release: int) -> "ExplainResult":
        """From the explanation of `knowledge.explain`."""
        why = WhyNot.model_validate(data)
        steps = [Stage(stage=each.stage, passed=each.passed, says=each.says) for each in why.steps]
        return cls(document=why.document, verdict=why.verdict, steps=steps)


class ChangedDocument(BaseModel, frozen=True):
    """A document that differs."""

    kind: Literal["added", "changed", "removed"]
    document: str


class ChangesResult(BaseModel, frozen=True):
    """The first documents that differ, and how many there are."""

    before: int
    after: int
    changes: list[ChangedDocument]
    total: int

    @classmethod
    def of(cls, data: Any, release: int) -> "ChangesResult":
        """From the changes of `knowledge.changes`."""
        found = Changes.model_validate(data)
        changes = [
            ChangedDocument(kind=each.kind, document=f"{each.source}/{each.path}")
            for each in found.changes[:MAX_CHANGES]
        ]
        return cls(before=found.before, after=found.after, changes=changes, total=len(found.changes))


def output_schema(result: type[BaseModel]) -> JsonSchemaValue:
    """The JSON Schema of a result in few words: no references, titles and descriptions."""
    schema = result.model_json_schema()
    return cast("JsonSchemaValue", _bare(schema, schema.get("$defs", {})))


def _bare(schema: object, definitions: Mapping[str, object]) -> object:
    if isinstance(schema, list):
        return [_bare(each, definitions) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    if "$ref" in schema:
        return _bare(definitions[schema["$ref"].removeprefix("#/$defs/")], definitions)
    return {
        key: _bare(value, definitions)
        for key, value in schema.items()
        # a field can have the name "title" too, but its value is no text
        if key != "$defs" and not (key in ("title", "description") and isinstance(value, str))
    }


def _quote(citation: Citation, release: int) -> CitedText:
    range_ = ByteRange(citation.start_byte, citation.end_byte)
    uri = quote_uri(release, citation.citation, range_)
    return CitedText(citation=citation.citation, uri=uri, text=citation.quote)
