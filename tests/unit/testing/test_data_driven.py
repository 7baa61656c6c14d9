"""Test cases come from a file next to the test; an invalid file is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from omni_pipelines.testing.data_driven import BadCases, Case, data_driven, load_cases


@data_driven("cases.yaml")
def test_data_driven_test_gets_cases_from_yaml(case: Case) -> None:
    assert str(case.input).upper() == case.expected


@data_driven("cases.json")
def test_data_driven_test_gets_cases_from_json(case: Case) -> None:
    assert case.input + case.context.get("add", 0) == case.expected


def test_case_needs_only_a_name(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"name": "bare"}]')
    assert load_cases(tmp_path / "a.json") == [Case("bare", None, None, {}, {})]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", '{"name": "x"}', "a.json contains a mapping instead of a list of cases"),
        ("a.json", "3", "contains a number instead of a list"),
        ("a.yaml", "", "contains nothing instead of a list"),
        ("a.json", "[]", "contains no case, so its test would never run"),
        ("a.json", "[{", "a.json is not JSON: "),
        ("a.yaml", "- name: [", "a.yaml is not YAML: "),
        ("a.yaml", "- !!python/object/apply:os.getcwd []", "a.yaml is not YAML: "),
        (
            "a.json",
            '["x"]',
            "case 1 is a text instead of a mapping with the fields name, input, expected",
        ),
        ("a.json", '[{"name": "x"}, {"input": 1}]', "case 2 has no name"),
        ("a.json", '[{"name": "  "}]', "case 1 has no name"),
        ("a.json", '[{"name": 7}]', "case 1 has no name"),
        ("a.json", '[{"name": "x", "expect": 1}]', "unknown field 'expect'; did you mean expected"),
        ("a.json", '[{"name": "x", "zzz": 1}]', "unknown field 'zzz'; fields: name, input"),
        ("a.json", '[{"name": "x", "context": []}]', "context is a list instead of a mapping"),
        ("a.json", '[{"name": "x"}, {"name": "x"}]', "2 cases with the name 'x'"),
        ("a.toml", "", "is neither .json nor .yaml"),
    ],
)
def test_invalid_data_file_is_refused_with_its_path(tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(BadCases) as caught:
        load_cases(tmp_path / name)
    assert message in str(caught.value)
    assert str(tmp_path / name) in str(caught.value)


def test_missing_data_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadCases, match=r"none\.json does not exist; @data_driven looks for it next to the test"):
        load_cases(tmp_path / "none.json")


def test_data_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"\xff\xfe")
    with pytest.raises(BadCases, match="cannot be read"):
        load_cases(tmp_path / "a.json")


def test_data_driven_refuses_a_class() -> None:
    with pytest.raises(BadCases, match="decorates a test function"):
        data_driven("cases.json")(type("TestThings", (), {}))


def test_case_names_keep_spaces_and_special_characters(tmp_path: Path) -> None:
    names = ["ä", "two words", "a/b"]
    (tmp_path / "a.json").write_text(json.dumps([{"name": name} for name in names]))
    assert [case.name for case in load_cases(tmp_path / "a.json")] == names
