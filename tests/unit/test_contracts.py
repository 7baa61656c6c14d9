"""Every shared type has a schema in a file, and survives the way to JSON and back."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from omni_pipelines.contracts import SHARED, json_schema, schema_of, schema_text, shared_type, write_schemas
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.knowledge.answers.cited_answer import Answer, Citation, Sentence
from omni_pipelines.knowledge.search.hits import Hit, Ranks
from omni_pipelines.knowledge.state.status import ChunkCoverage, Status
from omni_pipelines.receipt_records import Receipt, ReceiptQuote, ReceiptSentence
from omni_pipelines.records import (
    Event,
    KeywordGeneration,
    KnowledgeCategory,
    KnowledgeEntry,
    Record,
    Release,
    SkillMetadata,
    SourceSeen,
    StepRecord,
)
from omni_pipelines.responses import ToolResponse
from omni_pipelines.tools.argument_check import ArgumentProblem
from omni_pipelines.tools.definition import ToolDefinition, ToolDocument, ToolMetadata, ToolParameters


def build_signatures(kind: type[BaseModel]) -> None:
    """Build the signatures of records, which `st.builds` reads: pydantic does that when one is first made."""
    for each in kind.__subclasses__():
        each.model_rebuild()
        build_signatures(each)


build_signatures(Record)
ROOT = Path(__file__).parents[2]
TEXT = st.text(max_size=12)
SAID = TEXT.map(lambda text: f"{text}x")
COUNT = st.integers(0, 10**9)
LINE = st.integers(1, 10**6)
SHARE = st.floats(0, 1)
NAMES = st.dictionaries(TEXT, TEXT, max_size=3)
COUNTS = st.dictionaries(TEXT, COUNT, max_size=3)
TIMES = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
OBJECT = st.dictionaries(TEXT, JSON, max_size=3)
WORDS = st.lists(TEXT, max_size=3).map(tuple)
DIGEST = st.binary(min_size=32, max_size=32).map(bytes.hex)
VERSION = st.builds("{}:{}".format, st.binary(min_size=16, max_size=16).map(bytes.hex), LINE)
READ_TABLES = ("documents", "chunks", "embeddings")
SEEN = st.builds(SourceSeen, place=TEXT, seen=TIMES, documents=COUNT, masked=COUNT)
CITATION = st.builds(
    Citation, **dict.fromkeys(("start_byte", "end_byte"), COUNT), **dict.fromkeys(("start_line", "end_line"), LINE)
)
QUOTE = st.builds(
    ReceiptQuote,
    citation=SAID,
    uri=SAID,
    chunk_id=SAID,
    quote=SAID,
    start_byte=st.integers(0, 99),
    end_byte=st.integers(100, 999),
    start_line=st.integers(1, 9),
    end_line=st.integers(9, 99),
    quote_hash=DIGEST,
    content_hash=DIGEST,
)
RECEIPT_SENTENCE = st.builds(ReceiptSentence, text=SAID, quotes=st.lists(QUOTE, min_size=1, max_size=2).map(tuple))
DEFINITION = st.builds(
    ToolDefinition,
    name=st.just("a.b"),
    description=SAID,
    parameters=st.just(ToolParameters(type="object", properties={})),
)
EXAMPLES: dict[str, st.SearchStrategy[Any]] = {
    "answer": st.builds(
        Answer,
        sentences=st.lists(st.builds(Sentence, citations=st.lists(CITATION, max_size=2).map(tuple)), max_size=2).map(
            tuple
        ),
        evidence=SHARE,
    ),
    "argument_problem": st.builds(ArgumentProblem),
    "step_record": st.builds(
        StepRecord,
        step=st.just("chunks"),
        output=VERSION | st.just("gen-1"),
        inputs=NAMES,
        at=TIMES,
        seen=st.dictionaries(TEXT, TIMES, max_size=2),
    ),
    "citation": CITATION,
    "event": st.builds(
        Event,
        source=SAID,
        topic=st.sampled_from(["agent/think", "file/changed", "ready"]),
        payload=OBJECT,
        timestamp=TIMES,
        sequence=COUNT,
    ),
    "hit": st.builds(Hit, score=st.floats(-1, 100), ranks=st.builds(Ranks)),
    "knowledge_entry": st.builds(
        KnowledgeEntry,
        id=SAID,
        title=SAID,
        category=st.sampled_from(KnowledgeCategory),
        tags=WORDS,
        created_at=TIMES,
        updated_at=TIMES,
        version=LINE,
        metadata=OBJECT,
    ),
    "receipt": st.builds(
        Receipt,
        question=SAID,
        sentences=st.lists(RECEIPT_SENTENCE, max_size=2).map(tuple),
        release_checksum=DIGEST,
        sha256=DIGEST,
        release=LINE,
        answered_at=TIMES,
        fingerprints=NAMES,
    ),
    "release": st.builds(
        Release,
        release=LINE,
        created_at=TIMES,
        tables=st.fixed_dictionaries(dict.fromkeys(READ_TABLES, VERSION)),
        keyword=st.builds(
            KeywordGeneration,
            generation=st.just("gen-3"),
            files=st.dictionaries(st.just("a.idx"), DIGEST),
            entries=COUNT,
        ),
        indexed_vectors=COUNT,
        counts=st.fixed_dictionaries(dict.fromkeys(READ_TABLES, COUNT)),
        fingerprints=st.fixed_dictionaries(dict.fromkeys(("readers", "chunker", "embedder"), TEXT)),
        files=st.dictionaries(st.just("tables/chunks.lance/data/a.lance"), DIGEST),
        rollback=st.none(),
        sources=st.dictionaries(TEXT, SEEN, max_size=2),
    ),
    "skill_metadata": st.builds(
        SkillMetadata,
        version=st.just("1.2.3"),
        **dict.fromkeys(("authors", "routing_keywords", "intents", "permissions"), WORDS),
        require_refs=st.lists(st.sampled_from(["a.md", "docs/b.yaml"]), max_size=2).map(tuple),
    ),
    "status": st.builds(
        Status,
        created_at=TIMES,
        counts=COUNTS,
        coverage=st.dictionaries(TEXT, st.builds(ChunkCoverage, share=SHARE), max_size=2),
        fingerprints=NAMES,
        sources=st.dictionaries(TEXT, SEEN, max_size=2),
    ),
    "tool_definition": DEFINITION,
    "tool_document": DEFINITION.map(
        lambda tool: ToolDocument.model_validate({"info": {"name": "all", "version": "1.0.0"}, "tools": [tool]})
    ),
    "tool_metadata": st.builds(ToolMetadata),
    "tool_response": st.one_of(
        JSON.map(ToolResponse.success), SAID.map(lambda message: ToolResponse.error(message, "3002"))
    ),
}


@pytest.mark.parametrize("name", SHARED)
@given(data=st.data())
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
def test_a_shared_value_survives_json(name: str, data: st.DataObject) -> None:
    value = data.draw(EXAMPLES[name])
    written = value.model_dump_json(by_alias=True)
    Draft202012Validator(json_schema(name)).validate(json.loads(written))
    assert shared_type(name).model_validate_json(written) == value


def test_every_shared_type_has_examples() -> None:
    assert EXAMPLES.keys() == SHARED.keys()


@pytest.mark.parametrize("name", SHARED)
def test_a_schema_is_valid_and_has_an_id_and_a_description(name: str) -> None:
    schema = json_schema(name)
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"https://omni.dev/schema/{name}/v1"
    assert schema["description"]


@pytest.mark.parametrize("name", SHARED)
def test_the_file_of_a_schema_matches_its_model(name: str) -> None:
    path = ROOT / "docs" / "schemas" / f"{name}.schema.json"
    assert path.read_text("utf-8") == schema_text(name), (
        "a shared type changed: run make schemas and read the difference"
    )


def test_there_is_no_schema_file_without_a_type() -> None:
    files = {path.name.removesuffix(".schema.json") for path in (ROOT / "docs" / "schemas").iterdir()}
    assert files == SHARED.keys()


class Note(BaseModel):
    """A note."""

    text: str


class LongerNote(BaseModel):
    """A note."""

    text: str
    words: int = 0


def test_a_changed_model_changes_its_schema() -> None:
    assert schema_of("note", Note) != schema_of("note", LongerNote)


def test_write_schemas_changes_nothing_the_second_time(tmp_path: Path) -> None:
    assert len(write_schemas(tmp_path)) == len(SHARED)
    assert write_schemas(tmp_path) == []


def test_write_schemas_replaces_old_files_and_deletes_unknown_ones(tmp_path: Path) -> None:
    write_schemas(tmp_path)
    (tmp_path / "hit.schema.json").write_text("{}")
    (tmp_path / "gone.schema.json").write_text("{}")
    (tmp_path / "README.md").write_text("mine")
    assert [path.name for path in write_schemas(tmp_path)] == ["gone.schema.json", "hit.schema.json"]
    assert {path.name for path in tmp_path.iterdir()} == {*(f"{name}.schema.json" for name in SHARED), "README.md"}
    assert (tmp_path / "hit.schema.json").read_text() == schema_text("hit")


def test_an_unknown_type_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigurationError, match="no shared type 'reciept'") as refusal:
        json_schema("reciept")
    assert refusal.value.cure == "did you mean receipt?"


def test_schema_and_model_refuse_the_same_values() -> None:
    validator = Draft202012Validator(json_schema("event"))
    event = {"source": "agent", "topic": "agent/think"}
    assert validator.is_valid(event)
    for wrong in ({"topic": "Agent Think"}, {"source": ""}, {"sequence": -1}, {"colour": "red"}):
        assert not validator.is_valid({**event, **wrong})
        with pytest.raises(ValueError, match="validation error"):
            Event.model_validate({**event, **wrong})
