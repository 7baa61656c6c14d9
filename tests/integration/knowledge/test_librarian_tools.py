"""The librarian's tools on a real home, called through the catalog."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from omni_pipelines.contracts import json_schema
from omni_pipelines.home import Home
from omni_pipelines.ids import content_hash
from omni_pipelines.knowledge.librarian import Librarian
from omni_pipelines.knowledge.librarian_tools import knowledge_catalog
from omni_pipelines.responses import ToolResponse
from omni_pipelines.testing.fakes import FakeEmbedder
from omni_pipelines.tools.catalog import ToolCatalog
from omni_pipelines.tools.documents import check_document, check_tool, tool_schema
from tests.integration.line import Line, write

KEYS = "# Keys\n\nKeys are rotated with the rotate command every ninety days.\nOld keys stay valid for one hour.\n"
OTTERS = "# Otters\n\nOtters sleep holding hands, so that none of them drifts away.\n"


@pytest.fixture(scope="module")
def docs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project") / "docs"
    tool = 'def rotate(key: str) -> str:\n    """Turn a key around."""\n    return key\n'
    write(folder, {"keys.md": KEYS, "otters.md": OTTERS, "tool.py": tool})
    line = Line(Home(folder.parent / ".omni"))
    line.add(folder)
    line.run()
    return folder


@pytest.fixture
def tools(docs: Path) -> ToolCatalog:
    return knowledge_catalog(docs.parent / ".omni", embedder=FakeEmbedder())


def answered(tools: ToolCatalog, name: str, **arguments: Any) -> Any:
    response = tools.call(name, arguments)
    assert isinstance(response, ToolResponse)
    assert response.is_success, response.error_message
    return response.data


def test_catalogue_has_eight_read_only_tools(tools: ToolCatalog) -> None:
    names = ("ask", "changes", "context", "explain", "outline", "search", "show", "status")
    assert tools.names == [f"knowledge.{name}" for name in names]
    assert all(tool.annotations.read_only_hint and tool.annotations.title for tool in tools.tools)


def test_every_definition_is_valid_and_describes_its_parameters(tools: ToolCatalog) -> None:
    document = tools.generate_tool_schemas()
    assert check_document(document) == []
    for tool, definition in zip(document["tools"], tools.tools, strict=True):
        assert check_tool(tool) == []
        Draft202012Validator.check_schema(definition.input_schema)
        for part in definition.parameters.properties.values():
            assert part.description
            assert all(inner.description for inner in (part.properties or {}).values())
        in_list = {"$ref": "#/$defs/ToolMetadata", "$defs": tool_schema()["$defs"]}
        assert Draft202012Validator(in_list).is_valid(definition.metadata.model_dump(by_alias=True))


def test_response_matches_the_schema_of_the_envelope(tools: ToolCatalog) -> None:
    schemas = ({"$ref": "#/$defs/ToolResponse", "$defs": tool_schema()["$defs"]}, json_schema("tool_response"))
    for name, arguments in (("knowledge.status", {}), ("knowledge.search", {"query": "keys", "k": 0})):
        answer = tools.call(name, arguments).model_dump(mode="json")
        assert all(Draft202012Validator(schema).is_valid(answer) for schema in schemas)


@pytest.mark.parametrize("mode", ["hybrid", "keyword", "vector"])
def test_search_returns_the_passage_with_its_bytes(tools: ToolCatalog, docs: Path, mode: str) -> None:
    hit = answered(tools, "knowledge.search", query="otters holding hands", k=1, mode=mode)[0]
    assert hit["path"] == "otters.md"
    assert (docs / "otters.md").read_bytes()[hit["start_byte"] : hit["end_byte"]].decode() == hit["text"]
    Draft202012Validator(json_schema("hit")).validate(hit)


def test_search_returns_the_hits_of_the_librarian(tools: ToolCatalog, docs: Path) -> None:
    hits = Librarian.open(docs.parent / ".omni", embedder=FakeEmbedder()).search("keys", k=3)
    assert answered(tools, "knowledge.search", query="keys", k=3) == [hit.model_dump(mode="json") for hit in hits]


def test_search_applies_filters(tools: ToolCatalog) -> None:
    hits = answered(tools, "knowledge.search", query="rotate a key", where={"language": "python"})
    assert {hit["path"] for hit in hits} == {"tool.py"}
    assert answered(tools, "knowledge.search", query="rotate a key", where=None)


def test_ask_quotes_the_bytes_of_the_file(tools: ToolCatalog, docs: Path) -> None:
    answer = answered(tools, "knowledge.ask", question="How often are keys rotated with the rotate command?")
    citation = answer["sentences"][0]["citations"][0]
    assert (docs / "keys.md").read_bytes()[citation["start_byte"] : citation["end_byte"]].decode() == citation[
        "quote"
    ]
    Draft202012Validator(json_schema("answer")).validate(answer)


def test_ask_without_an_answer_is_an_error_with_a_cure(tools: ToolCatalog) -> None:
    response = tools.call("knowledge.ask", {"question": "Who won the cup in 1970?"})
    assert response.is_error
    assert response.error_message == "the sources do not answer this"
    assert "knowledge.search" in response.metadata["cure"]


def test_show_returns_the_cited_lines(tools: ToolCatalog) -> None:
    passage = answered(tools, "knowledge.show", citation="keys.md:3-4")
    assert passage["lines"] == KEYS.splitlines()[2:4]
    assert passage["from_file"] is True


def test_show_accepts_the_chunk_id_of_a_hit(tools: ToolCatalog) -> None:
    hit = answered(tools, "knowledge.search", query="otters", k=1)[0]
    assert answered(tools, "knowledge.show", citation=hit["chunk_id"])["path"] == "otters.md"


def test_context_stays_within_the_budget(models: None, tools: ToolCatalog) -> None:
    context = answered(tools, "knowledge.context", query="keys and otters", max_tokens=60)
    assert 0 < context["tokens"] <= 60
    assert context["text"].startswith("[1] ")
    assert context["hits"]


def test_status_reports_release_and_counts(tools: ToolCatalog) -> None:
    status = answered(tools, "knowledge.status")
    assert (status["release"], status["counts"]["documents"]) == (1, 3)
    Draft202012Validator(json_schema("status")).validate(status)


@pytest.mark.parametrize(
    ("name", "arguments", "code", "message"),
    [
        ("knowledge.serch", {"query": "x"}, "3001", "did you mean knowledge.search?"),
        ("knowledge.search", {}, "1002", "query: is missing"),
        ("knowledge.search", {"query": "  "}, "1005", "query: '  ' does not have the right form"),
        ("knowledge.search", {"query": ""}, "1004", "at least 1 character"),
        ("knowledge.search", {"query": "x" * 1001}, "1004", "at most 1,000 characters"),
        ("knowledge.search", {"query": "x", "k": 1001}, "1004", "give at most 1000"),
        ("knowledge.search", {"query": "x", "k": "ten"}, "1003", "a whole number"),
        ("knowledge.search", {"query": "x", "mode": "hybird"}, "1001", "did you mean hybrid?"),
        ("knowledge.search", {"query": "x", "where": {"langauge": "c"}}, "1001", "did you mean language?"),
        ("knowledge.search", {"query": "x", "limit": 5}, "1001", "known names: query, k, mode, where"),
        ("knowledge.context", {"query": "x", "max_tokens": 0}, "1004", "give at least 1"),
        ("knowledge.show", {"citation": 5}, "1003", "in quotes"),
        ("knowledge.status", {"home": "/"}, "1001", "leave it out"),
    ],
)
def test_invalid_call_is_refused_with_code_and_cure(
    tools: ToolCatalog, name: str, arguments: dict[str, Any], code: str, message: str
) -> None:
    response = tools.call(name, arguments)
    assert (response.is_error, response.error_code) == (True, code)
    assert message in (response.error_message or "")


def test_tools_are_described_without_a_home(tmp_path: Path) -> None:
    tools = knowledge_catalog(tmp_path / "nowhere")
    assert len(tools.generate_tool_schemas()["tools"]) == 8
    response = tools.call("knowledge.status")
    assert response.is_error
    assert "no knowledge base" in (response.error_message or "")


def test_catalogue_of_a_missing_release_is_an_error(docs: Path) -> None:
    response = knowledge_catalog(docs.parent / ".omni", release=7).call("knowledge.search", {"query": "keys"})
    assert response.is_error
    assert "no release 7" in (response.error_message or "")


RECORDED = ("journal", "metrics")
"""Folders in which a home records questions and timings."""


def test_calls_change_no_files(docs: Path, tools: ToolCatalog) -> None:
    def listing() -> dict[str, str]:
        files = [path for path in docs.parent.rglob("*") if path.is_file() and path.parent.name not in RECORDED]
        return {str(path): content_hash(path.read_bytes()) for path in files}

    before = listing()
    for name, arguments in (
        ("search", {"query": "keys"}),
        ("ask", {"question": "keys?"}),
        ("show", {"citation": "keys.md"}),
        ("status", {}),
    ):
        tools.call(f"knowledge.{name}", arguments)
    assert listing() == before


def test_skill_run_command_prints_data_or_the_envelope(docs: Path) -> None:
    words = [
        "knowledge.search",
        "query=otters holding hands",
        "k=1",
        "mode=keyword",
        "--home",
        str(docs.parent / ".omni"),
    ]
    command = [sys.executable, "-m", "omni_pipelines.cli.main", "tool", "run", *words]
    plain, as_json = (
        subprocess.run([*command, *more], capture_output=True, text=True, timeout=120, check=True).stdout
        for more in ([], ["--json"])
    )
    assert [hit["path"] for hit in json.loads(plain)] == ["otters.md"]
    envelope = json.loads(as_json)
    assert (envelope["status"], envelope["data"]) == ("success", json.loads(plain))
    assert envelope["metadata"]["tool"] == "knowledge.search"
