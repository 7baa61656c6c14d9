"""Invalid tool documents are refused with the path of each mistake and its cure."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.tools.documents import check_document, load_document, parse_document, tool_schema

GOOD: dict[str, Any] = {
    "info": {"name": "shop", "version": "1.0.0"},
    "tools": [
        {
            "name": "shop.buy",
            "description": "Buy something.",
            "annotations": {"idempotentHint": True},
            "parameters": {
                "type": "object",
                "properties": {"item": {"type": "string"}, "count": {"type": "integer", "minimum": 1}},
                "required": ["item"],
            },
            "variants": [{"name": "local"}, {"name": "remote"}],
        }
    ],
}
GONE = type("Gone", (), {"__repr__": lambda _: "gone"})()
TOOL = "tools[0]"
PARTS = "tools[0].parameters"
ITEM = "tools[0].parameters.properties.item"
COUNT = "tools[0].parameters.properties.count"


def changed(path: str, value: object) -> dict[str, Any]:
    """The valid document with one path changed, added or removed."""
    document = copy.deepcopy(GOOD)
    *way, last = [
        int(part) if part.isdigit() else part for part in path.replace("[", ".").replace("]", "").split(".")
    ]
    inner: Any = document
    for part in way:
        inner = inner.setdefault(part, {}) if isinstance(part, str) else inner[part]
    if value is GONE:
        del inner[last]
    else:
        inner[last] = value
    return document


def test_document_without_mistakes_is_valid() -> None:
    assert check_document(GOOD) == []


MISTAKES: list[tuple[str, object, str, str]] = [
    # the changed path, its value, the reported field, a part of the cure
    ("info", GONE, "info", "add it"),
    ("tools", GONE, "tools", "add it"),
    ("tools", {}, "tools", "give a list"),
    ("tols", [], "tols", "did you mean tools?"),
    ("$schema", "https://omni.dev/schema/tool/v9", "$schema", "write https://omni.dev/schema/tool/v1"),
    ("info.name", GONE, "info.name", "add it"),
    ("info.name", "  ", "info.name", "a text that is not empty"),
    ("info.version", "1.0", "info.version", "three numbers, such as 1.0.0"),
    ("info.version", 1.0, "info.version", "in quotes"),
    ("info.generated_at", "yesterday", "info.generated_at", "a time with its zone"),
    ("info.generated_at", "2026-02-30T00:00:00Z", "info.generated_at", "correct it"),
    (TOOL, "shop.buy", TOOL, "give fields and values"),
    (f"{TOOL}.name", GONE, f"{TOOL}.name", "add it"),
    (f"{TOOL}.name", "buy", f"{TOOL}.name", "such as knowledge.search"),
    (f"{TOOL}.name", "shop.buy now", f"{TOOL}.name", "joined by dots"),
    (f"{TOOL}.name", "shop." + "x" * 200, f"{TOOL}.name", "at most 128 characters"),
    (f"{TOOL}.description", GONE, f"{TOOL}.description", "add it"),
    (f"{TOOL}.description", "", f"{TOOL}.description", "a text that is not empty"),
    (f"{TOOL}.descripton", "Buy.", f"{TOOL}.descripton", "did you mean description?"),
    (f"{TOOL}.category", "big things", f"{TOOL}.category", "beginning with a letter"),
    (f"{TOOL}.deprecated", "yes", f"{TOOL}.deprecated", "true or false, without quotes"),
    (f"{TOOL}.annotations", ["readOnlyHint"], f"{TOOL}.annotations", "give fields and values"),
    (f"{TOOL}.annotations.readonlyHint", True, f"{TOOL}.annotations.readonlyHint", "did you mean readOnlyHint?"),
    (f"{TOOL}.annotations.readOnlyHint", 1, f"{TOOL}.annotations.readOnlyHint", "true or false"),
    (
        f"{TOOL}.annotations",
        {"readOnlyHint": True, "destructiveHint": True},
        f"{TOOL}.annotations.destructiveHint",
        "set only one of",
    ),
    (f"{TOOL}.parameters", GONE, f"{TOOL}.parameters", "add it"),
    (f"{PARTS}.type", "array", f"{PARTS}.type", "write object"),
    (f"{PARTS}.type", GONE, f"{PARTS}.type", "add it"),
    (f"{PARTS}.properties", GONE, f"{PARTS}.properties", "add it"),
    (f"{PARTS}.properties", [], f"{PARTS}.properties", "give fields and values"),
    (f"{PARTS}.required", "item", f"{PARTS}.required", "give a list"),
    (f"{PARTS}.required", ["item", "item"], f"{PARTS}.required", "give each value once"),
    (f"{PARTS}.required", ["itme"], f"{PARTS}.required", "did you mean item?"),
    (f"{TOOL}.required", ["count"], f"{TOOL}.required", "known names: name, description"),
    (f"{ITEM}.required", True, f"{ITEM}.required", "give a list"),
    (f"{ITEM}.required", [], f"{ITEM}.required", "it is for object"),
    (ITEM, {}, f"{ITEM}.type", "add it"),
    (f"{ITEM}.type", "text", f"{ITEM}.type", "allowed: string"),
    (f"{ITEM}.type", "strin", f"{ITEM}.type", "did you mean string?"),
    (f"{ITEM}.type", [], f"{ITEM}.type", "at least 1 item"),
    (f"{ITEM}.type", ["string", "strnig"], f"{ITEM}.type[1]", "did you mean string?"),
    (f"{ITEM}.type", 5, f"{ITEM}.type", "in quotes"),
    (f"{ITEM}.minlength", 1, f"{ITEM}.minlength", "did you mean minLength?"),
    (f"{ITEM}.minLength", -1, f"{ITEM}.minLength", "give at least 0"),
    (f"{ITEM}.maxLength", "9", f"{ITEM}.maxLength", "whole number, without quotes"),
    (f"{ITEM}.minimum", 1, f"{ITEM}.minimum", "it is for number"),
    (f"{ITEM}.items", {"type": "string"}, f"{ITEM}.items", "it is for array"),
    (f"{ITEM}.pattern", "(", f"{ITEM}.pattern", "correct it"),
    (f"{ITEM}.enum", [], f"{ITEM}.enum", "at least 1 item"),
    (f"{ITEM}.enum", ["a", 1], f"{ITEM}.enum[1]", "in quotes"),
    (f"{ITEM}.default", 5, f"{ITEM}.default", "in quotes"),
    (f"{ITEM}", {"type": "string", "enum": ["red"], "default": "rde"}, f"{ITEM}.default", "did you mean red?"),
    (f"{ITEM}", {"type": "string", "minLength": 5, "maxLength": 2}, f"{ITEM}.minLength", "exchange them"),
    (f"{COUNT}.minLength", 1, f"{COUNT}.minLength", "it is for string"),
    (f"{COUNT}.maximum", 0, f"{COUNT}.minimum", "exchange them"),
    (f"{COUNT}.minimum", float("nan"), f"{COUNT}.minimum", "give a number"),
    (f"{COUNT}.multipleOf", 0, f"{COUNT}.multipleOf", "more than 0"),
    (f"{COUNT}.default", 0, f"{COUNT}.default", "give at least 1"),
    (f"{COUNT}.default", True, f"{COUNT}.default", "whole number"),
    (f"{COUNT}.default", [[]] * 3, f"{COUNT}.default", "whole number"),
    (f"{ITEM}", {"type": "array", "items": {"type": "txt"}}, f"{ITEM}.items.type", "allowed"),
    (f"{ITEM}", {"type": "array", "items": {"type": "string", "minimum": 1}}, f"{ITEM}.items.minimum", "for number"),
    (
        f"{ITEM}",
        {"type": "object", "properties": {"x": {"type": "string"}}, "required": ["y"]},
        f"{ITEM}.required",
        "known names: x",
    ),
    (
        f"{ITEM}",
        {"type": "object", "additionalProperties": {"type": "x"}},
        f"{ITEM}.additionalProperties.type",
        "allowed",
    ),
    (f"{TOOL}.variants", [{}], f"{TOOL}.variants[0].name", "add it"),
    (f"{TOOL}.variants[0].priority", 101, f"{TOOL}.variants[0].priority", "at most 100"),
    (f"{TOOL}.variants[0].status", "avaliable", f"{TOOL}.variants[0].status", "did you mean available?"),
    (f"{TOOL}.variants[1].name", "local", f"{TOOL}.variants[1].name", "its own name"),
    (f"{TOOL}.default_variant", "remot", f"{TOOL}.default_variant", "did you mean remote?"),
    (f"{TOOL}.execution.max_attempts", 0, f"{TOOL}.execution.max_attempts", "at least 1"),
    (f"{TOOL}.execution.max_attempts", 99, f"{TOOL}.execution.max_attempts", "at most 10"),
    (f"{TOOL}.execution.retry_on", ["TimeoutError"], f"{TOOL}.execution.retry_on[0]", "four-digit error code"),
    (f"{TOOL}.execution.cache_ttl", 60, f"{TOOL}.execution.cache_ttl", "set annotations.readOnlyHint"),
    (f"{TOOL}.execution.retries", 3, f"{TOOL}.execution.retries", "known names: retry_on"),
]


@pytest.mark.parametrize(
    ("path", "value", "field", "cure"), MISTAKES, ids=[f"{a}={b!r}"[:60] for a, b, *_ in MISTAKES]
)
def test_mistake_in_a_document_is_reported_with_its_path_and_cure(
    path: str, value: object, field: str, cure: str
) -> None:
    problems = check_document(changed(path, value))
    assert [problem.field for problem in problems] == [field]
    assert cure in problems[0].suggestion


@pytest.mark.parametrize("document", [None, [], "tools", 5, True], ids=repr)
def test_value_that_is_not_a_document_is_refused(document: object) -> None:
    problems = check_document(document)
    assert [(problem.field, problem.type) for problem in problems] == [("", "type")]


def test_document_with_two_tools_of_the_same_name_is_refused() -> None:
    document = {**GOOD, "tools": GOOD["tools"] * 2}
    assert [str(problem) for problem in check_document(document)] == [
        "tools[1].name: shop.buy is used twice; give each tool its own name"
    ]


def test_retries_are_refused_for_a_tool_that_is_not_safe_to_repeat() -> None:
    document = changed(f"{TOOL}.execution", {"max_attempts": 2})
    assert check_document(document) == []
    document["tools"][0]["annotations"] = {}
    assert [problem.field for problem in check_document(document)] == ["tools[0].execution.max_attempts"]


def test_check_reports_every_problem_of_a_document() -> None:
    document = changed(f"{TOOL}.name", "buy")
    document["info"]["version"] = "x"
    assert [problem.field for problem in check_document(document)] == ["info.version", "tools[0].name"]


def test_deeply_nested_document_is_refused() -> None:
    part: dict[str, Any] = {"type": "string"}
    for _ in range(3_000):
        part = {"type": "array", "items": part}
    assert [problem.type for problem in check_document(changed(ITEM, part))] == ["depth"]


def test_error_of_an_invalid_document_lists_the_first_problems_and_counts_the_others() -> None:
    document = {**GOOD, "tools": [{"name": "x"}] * 3}
    with pytest.raises(ConfigurationError) as refusal:
        parse_document(document, "shop.yaml")
    assert refusal.value.message.startswith(
        "shop.yaml is not a valid tool document. tools[0].description: is missing"
    )
    assert refusal.value.message.endswith("And 4 more")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.yaml", "info: [", "is not valid YAML"),
        ("a.yaml", "info: {name: a, name: b}", "the key 'name' is given twice"),
        ("a.yaml", "info: &x {name: a}\ntools: [*x]", "aliases are not allowed"),
        ("a.yaml", "info: !!python/object/apply:os.getcwd []", "could not determine a constructor"),
        ("a.yaml", "1: x", "the key 1 is not text"),
        ("a.yaml", "info: \x00", "is not valid YAML"),
        ("a.json", '{"info": }', "is not valid JSON"),
        ("a.json", '{"info": 1, "info": 2}', "the key 'info' is given twice"),
        ("a.json", '{"info": NaN}', "NaN is not a number in JSON"),
        ("a.json", "[" * 100_000, "is nested too deeply"),
        ("a.yaml", "[" * 5_000, "is nested too deeply"),
        ("a.yaml", "", "give fields and values"),
    ],
)
def test_file_that_is_not_well_formed_is_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(ConfigurationError) as refusal:
        load_document(path)
    assert str(path) in refusal.value.message
    assert message in refusal.value.message


def test_unreadable_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes("info: é".encode("latin-1"))
    (tmp_path / "folder.yaml").mkdir()
    for name, message in (
        ("gone.yaml", "cannot be read"),
        ("folder.yaml", "cannot be read"),
        ("latin.yaml", "UTF-8"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            load_document(tmp_path / name)


def test_file_above_the_size_limit_is_refused(tmp_path: Path) -> None:
    (tmp_path / "big.yaml").write_bytes(b"#" * (5 << 20))
    with pytest.raises(ConfigurationError, match="more than 4 MB"):
        load_document(tmp_path / "big.yaml")


def test_tool_schema_is_a_valid_json_schema() -> None:
    from jsonschema import Draft202012Validator

    Draft202012Validator.check_schema(tool_schema())
