"""`omni tool` and `omni schema` as a person or a script meets them: data, cures and exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from omni_pipelines.contracts import SHARED, json_schema, schema_text
from omni_pipelines.tools.documents import check_document
from tests.unit.cli.conftest import Omni, Output


def test_tool_list_has_a_line_per_tool(omni: Omni) -> None:
    done = omni("tool", "list")
    assert done.code == 0
    names = [line.split()[0] for line in done.out.splitlines()]
    assert {"knowledge.search", "files.read", "git.log", "dagster.launch", "notes.save"} <= set(names)
    assert names == sorted(names)


def test_tool_list_as_json_gives_short_and_full_names(omni: Omni) -> None:
    found = json.loads(omni("tool", "list", "--json").out)
    assert found["schema_version"] == 1
    [ask] = [each for each in found["tools"] if each["name"] == "ask"]
    assert (ask["fullName"], ask["category"], bool(ask["description"])) == ("knowledge.ask", "knowledge", True)


def test_tool_document_is_valid_as_yaml_and_as_json(omni: Omni) -> None:
    as_yaml = yaml.safe_load(omni("tool", "schema").out)
    as_json = json.loads(omni("tool", "schema", "--json").out)
    assert as_yaml == as_json
    assert check_document(as_json) == []
    assert len(as_json["tools"]) == len(omni("tool", "list").out.splitlines())


def test_tool_document_of_one_tool_has_only_that_tool(omni: Omni) -> None:
    document = json.loads(omni("tool", "schema", "knowledge.show", "--json").out)
    assert check_document(document) == []
    assert [tool["name"] for tool in document["tools"]] == ["knowledge.show"]


def test_openapi_document_has_a_path_per_tool(omni: Omni) -> None:
    document = json.loads(omni("tool", "schema", "--openapi").out)
    assert document["openapi"] == "3.1.0"
    assert len(document["paths"]) == len(omni("tool", "list").out.splitlines())


def test_tool_schema_of_an_unknown_tool_suggests_the_nearest(omni: Omni) -> None:
    done = omni("tool", "schema", "knowledge.shwo")
    assert (done.code, done.out) == (2, "")
    assert "there is no tool" in done.err
    assert "did you mean knowledge.show?" in done.err


def test_openapi_document_of_one_tool_is_refused(omni: Omni) -> None:
    done = omni("tool", "schema", "knowledge.show", "--openapi")
    assert done.code == 2
    assert "leave out the tool" in done.err


def test_document_check_passes_a_valid_document(omni: Omni, tmp_path: Path) -> None:
    (tmp_path / "tools.yaml").write_text(omni("tool", "schema").out)
    done = omni("tool", "schema", "--check", "tools.yaml")
    assert (done.code, done.out) == (0, "tools.yaml: valid\n")


def test_document_check_names_the_place_of_each_problem(omni: Omni, tmp_path: Path) -> None:
    text = omni("tool", "schema").out.replace("readOnlyHint: true", "readonlyHint: true", 1)
    (tmp_path / "tools.yaml").write_text(text)
    done = omni("tool", "schema", "--check", "tools.yaml")
    assert done.code == 1
    assert "tools[1].annotations.readonlyHint: is unknown; did you mean readOnlyHint?" in done.out
    found = json.loads(omni("tool", "schema", "--check", "tools.yaml", "--json").out)
    assert found["right"] is False
    assert found["problems"][0]["suggestion"] == "did you mean readOnlyHint?"


def test_document_check_of_a_missing_file_is_refused(omni: Omni) -> None:
    done = omni("tool", "schema", "--check", "none.yaml")
    assert (done.code, done.out) == (2, "")
    assert "none.yaml cannot be read" in done.err


def envelope(done: Output) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done.out)
    assert found.pop("schema_version") == 1
    Draft202012Validator(json_schema("tool_response")).validate(found)
    return found


@pytest.mark.parametrize(
    ("words", "exit_code", "code", "told"),
    [
        (("knowledge.search",), 2, "1002", "query: is missing"),
        (("knowledge.search", "query=x", "k=0"), 2, "1004", "0 is below 1"),
        (("knowledge.search", '{"query": "x", "k": "5"}'), 2, "1003", "'5' is not of type integer"),
        (("knowledge.search", "query=x", "mode=hybird"), 2, "1001", "did you mean hybrid?"),
        (("knowledge.search", "query=x", "where.langauge=c"), 2, "1001", "did you mean language?"),
        (("knowledge.search", "x"), 2, "1001", "'x' is not an argument"),
        (("knowledge.search", '{"query": '), 2, "1001", "is not valid JSON"),
        (("knowledge.serch", "query=x"), 2, "3001", "there is no tool 'knowledge.serch'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_tool_run_with_wrong_arguments_explains_them_in_text_and_json(
    omni: Omni, words: tuple[str, ...], exit_code: int, code: str, told: str
) -> None:
    done = omni("tool", "run", *words)
    assert (done.code, done.out) == (exit_code, "")
    assert told in done.err
    assert f"[{code}]" in done.err
    again = omni("tool", "run", *words, "--json")
    found = envelope(again)
    assert (again.code, found["status"], found["error_code"]) == (exit_code, "error", code)
    assert told in found["error_message"]


def test_tool_run_that_fails_names_the_cure(omni: Omni) -> None:
    done = omni("tool", "run", "knowledge.status")
    assert done.code != 0
    assert "there is no knowledge base" in done.err
    assert "cure: create it: omni ingest PATH" in done.err
    found = envelope(omni("tool", "run", "knowledge.status", "--json"))
    assert (found["status"], found["data"]) == ("error", None)


def test_schema_lists_the_shared_types(omni: Omni) -> None:
    assert [line.split()[0] for line in omni("schema").out.splitlines()] == list(SHARED)
    found = json.loads(omni("schema", "--json").out)
    assert [each["name"] for each in found["types"]] == list(SHARED)
    assert all(each["meaning"] for each in found["types"])


def test_schema_prints_the_json_schema_of_a_type(omni: Omni) -> None:
    for words in (("schema", "hit"), ("schema", "hit", "--json")):
        assert omni(*words).out == schema_text("hit")


def test_schema_of_an_unknown_type_suggests_the_nearest(omni: Omni) -> None:
    done = omni("schema", "hitt")
    assert (done.code, done.out) == (2, "")
    assert "did you mean hit?" in done.err


def test_schema_write_writes_changed_files_only(omni: Omni, tmp_path: Path) -> None:
    done = omni("schema", "--write", "out")
    assert (done.code, done.out) == (0, "")
    assert len(list((tmp_path / "out").iterdir())) == len(SHARED)
    assert "0 files changed" in omni("schema", "--write", "out").err


def test_schema_write_of_one_type_is_refused(omni: Omni) -> None:
    assert omni("schema", "hit", "--write", "out").code == 2
