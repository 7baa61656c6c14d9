"""The exported documents conform to OpenAPI 3.1 and JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from omni_pipelines.knowledge.librarian_tools import knowledge_catalog
from omni_pipelines.tools.catalog import ToolCatalog
from omni_pipelines.tools.signature import tool


@tool("lamp.switch", category="lamp", deprecated=True, destructive=True)
def switch(on: bool = True) -> None:
    """Switch the lamp.

    It may take a moment.
    """


@pytest.fixture
def catalog(tmp_path: Path) -> ToolCatalog:
    made = knowledge_catalog(tmp_path / "nothing-here")
    made.add(switch)
    return made


@pytest.fixture
def document(catalog: ToolCatalog) -> dict[str, Any]:
    return catalog.export_openapi()


def schemas(value: Any) -> Iterator[dict[str, Any]]:
    """Every schema of a media type or a component, at any depth."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "schema":
                yield inner
            elif name == "schemas":
                yield from inner.values()
            else:
                yield from schemas(inner)


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_openapi_document_has_the_fields_of_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    assert {"title", "version"} <= document["info"].keys()
    known = {"openapi", "info", "jsonSchemaDialect", "servers", "paths", "components", "security", "tags"}
    assert document.keys() <= known
    assert all(path.startswith("/") and "{" not in path for path in document["paths"])
    assert all(re.fullmatch(r"[a-zA-Z0-9._-]+", name) for name in document["components"]["schemas"])


def test_every_tool_is_one_post_that_returns_a_tool_response(catalog: ToolCatalog, document: dict[str, Any]) -> None:
    assert list(document["paths"]) == [f"/tools/{name}" for name in catalog.names]
    for path, item in document["paths"].items():
        operation = item["post"]
        assert operation["operationId"] == path.removeprefix("/tools/")
        assert operation["summary"]
        assert operation["tags"][0] in [tag["name"] for tag in document["tags"]]
        for response in operation["responses"].values():
            assert response["description"]
            assert response["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/ToolResponse"}


def test_every_schema_in_the_openapi_document_is_valid(document: dict[str, Any]) -> None:
    every = list(schemas(document))
    assert len(every) > 2 * len(document["paths"])
    for schema in every:
        Draft202012Validator.check_schema(schema)


def test_every_reference_in_the_openapi_document_has_a_target(document: dict[str, Any]) -> None:
    every = set(references(document))
    assert every
    for reference in every:
        target: Any = document
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]


def test_operation_ids_are_unique(document: dict[str, Any]) -> None:
    names = [item["post"]["operationId"] for item in document["paths"].values()]
    assert len(set(names)) == len(names)


def test_operation_shows_the_options_of_the_tool(document: dict[str, Any]) -> None:
    operation = document["paths"]["/tools/lamp.switch"]["post"]
    assert (operation["deprecated"], operation["requestBody"]["required"]) == (True, False)
    assert (operation["summary"], operation["description"]) == ("Switch the lamp.", "It may take a moment.")
    assert operation["x-annotations"] == {"destructiveHint": True}
    assert document["paths"]["/tools/knowledge.ask"]["post"]["requestBody"]["required"] is True


def test_request_body_schema_is_the_input_schema_of_the_tool(catalog: ToolCatalog, document: dict[str, Any]) -> None:
    for definition in catalog.tools:
        body = document["paths"][f"/tools/{definition.name}"]["post"]["requestBody"]
        assert body["content"]["application/json"]["schema"] == definition.input_schema


def test_json_schema_export_has_one_definition_per_tool(catalog: ToolCatalog) -> None:
    schema = catalog.export_json_schema()
    Draft202012Validator.check_schema(schema)
    assert list(schema["$defs"]) == catalog.names
    validator = Draft202012Validator({**schema, "$ref": "#/$defs/lamp.switch"})
    assert validator.is_valid({"on": False})
    assert not validator.is_valid({"on": "no"})
