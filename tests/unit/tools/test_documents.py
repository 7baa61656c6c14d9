"""Valid tool documents can be written and read in every format."""

from __future__ import annotations

import string
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from omni_pipelines.tools.catalog import ToolCatalog
from omni_pipelines.tools.definition import (
    TOOL_SCHEMA_ID,
    ToolAnnotations,
    ToolDefinition,
    ToolDocument,
    ToolExecution,
    ToolMetadata,
    ToolParameter,
    ToolParameters,
    ToolVariant,
    to_document,
)
from omni_pipelines.tools.documents import (
    as_json,
    as_yaml,
    check_document,
    load_document,
    parse_document,
    tool_schema,
)
from omni_pipelines.tools.signature import tool
from omni_pipelines.tools.strict_parsing import parse_values

WORDS = st.text(string.ascii_letters, min_size=1, max_size=8)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=30).map(
    lambda text: text + "x"
)
SCALARS = st.one_of(
    st.builds(ToolParameter, type=st.just("boolean"), description=TEXTS, default=st.none() | st.booleans()),
    st.builds(
        ToolParameter, type=st.just("string"), enum=st.none() | st.lists(TEXTS, min_size=1, max_size=3).map(tuple)
    ),
    st.builds(
        ToolParameter,
        type=st.just("integer"),
        minimum=st.integers(-5, 0),
        maximum=st.integers(1, 9),
        default=st.just(1),
    ),
    st.builds(ToolParameter, type=st.just(("string", "null")), min_length=st.integers(0, 3), pattern=st.just("^a?")),
)


def parts(inner: st.SearchStrategy[ToolParameter]) -> st.SearchStrategy[ToolParameter]:
    return st.one_of(
        st.builds(ToolParameter, type=st.just("array"), items=inner, min_items=st.integers(0, 3)),
        st.builds(ToolParameter, type=st.just("object"), properties=st.dictionaries(WORDS, inner, max_size=3)),
        st.builds(ToolParameter, type=st.just("object"), additional_properties=st.booleans() | inner),
    )


PARAMETERS = st.dictionaries(WORDS, st.recursive(SCALARS, parts, max_leaves=4), max_size=4).flatmap(
    lambda known: st.builds(
        ToolParameters,
        type=st.just("object"),
        properties=st.just(known),
        required=st.just(tuple(sorted(known)[:2])),
    )
)
VARIANTS = st.lists(
    st.builds(ToolVariant, name=WORDS, description=TEXTS, priority=st.integers(0, 100)),
    max_size=3,
    unique_by=lambda variant: variant.name,
).map(tuple)
DEFINITIONS = st.builds(
    ToolDefinition,
    name=st.lists(WORDS, min_size=2, max_size=3).map(".".join),
    description=TEXTS,
    deprecated=st.booleans(),
    annotations=st.builds(ToolAnnotations, title=TEXTS, read_only_hint=st.just(True), open_world_hint=st.booleans()),
    parameters=PARAMETERS,
    variants=VARIANTS,
    execution=st.builds(ToolExecution, max_attempts=st.integers(1, 10), cache_ttl=st.floats(0, 1e6)),
)
DOCUMENTS = st.lists(DEFINITIONS, max_size=3, unique_by=lambda definition: definition.name).map(
    lambda tools: ToolDocument.model_validate({"info": {"name": "all", "version": "1.0.0"}, "tools": tools})
)


@given(DOCUMENTS)
def test_document_is_unchanged_after_writing_and_parsing_json_and_yaml(document: ToolDocument) -> None:
    values = to_document(document)
    assert check_document(values) == []
    assert parse_document(parse_values(as_json(values), "it", as_json=True)) == document
    assert parse_document(parse_values(as_yaml(values), "it", as_json=False)) == document


@pytest.mark.parametrize(
    ("definition", "model"),
    [
        ("Tool", ToolDefinition),
        ("ToolMetadata", ToolMetadata),
        ("MCPAnnotations", ToolAnnotations),
        ("ToolParameters", ToolParameters),
        ("ToolParameter", ToolParameter),
        ("ToolVariant", ToolVariant),
        ("ToolExecution", ToolExecution),
    ],
)
def test_tool_schema_and_models_have_the_same_fields(definition: str, model: Any) -> None:
    in_schema = set(tool_schema()["$defs"][definition]["properties"])
    assert in_schema == {field.alias or name for name, field in model.model_fields.items()}


@tool("clock.read", read_only=True)
def read(zone: str = "UTC") -> str:
    """Tell the time.

    Args:
        zone: The zone.
    """
    return zone


@pytest.mark.parametrize("name", ["tools.json", "tools.yaml", "tools.yml"])
def test_saved_document_can_be_loaded(tmp_path: Path, name: str) -> None:
    catalog = ToolCatalog()
    catalog.add(read)
    path = catalog.save_schemas(tmp_path / name)
    assert ToolCatalog.load_schemas(path).tools == tuple(catalog.tools)


def test_default_file_name_of_a_saved_document_is_tool_schemas_json(tmp_path: Path) -> None:
    assert ToolCatalog().save_schemas() == Path("tool_schemas.json")
    assert load_document(tmp_path / "tool_schemas.json").tools == ()


def test_generated_document_is_valid_and_names_its_schema() -> None:
    catalog = ToolCatalog()
    catalog.add(read)
    document = catalog.generate_tool_schemas(generated_at=datetime(2026, 1, 31, tzinfo=UTC))
    assert document["$schema"] == TOOL_SCHEMA_ID
    assert document["info"] == {"name": "omni_pipelines", "version": "1.0.0", "generated_at": "2026-01-31T00:00:00Z"}
    assert check_document(document) == []


def test_timestamp_in_yaml_stays_text() -> None:
    text = yaml.safe_dump(
        {"info": {"name": "a", "version": "1.0.0", "generated_at": "2026-01-31T00:00:00Z"}, "tools": []}
    )
    values = parse_values(text.replace("'", ""), "it", as_json=False)
    assert check_document(values) == []
    assert parse_document(values).info.generated_at == datetime(2026, 1, 31, tzinfo=UTC)
