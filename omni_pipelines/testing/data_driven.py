"""Tests whose cases are a list in a JSON or YAML file beside them.

@data_driven("names.yaml")
def test_a_name_is_normalised(case: Case) -> None:
    assert normalise(case.input) == case.expected
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

import pytest

Test = TypeVar("Test", bound=Callable[..., Any])


@dataclass(frozen=True)
class Case:
    """One case of a data file. Only the name is required."""

    name: str
    input: Any = None
    expected: Any = None
    context: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)


_KNOWN = tuple(each.name for each in fields(Case))


class BadCases(pytest.Collector.CollectError):
    """A data file is not what it should be. Pytest reports it as an error of the test file, without a traceback."""


def data_driven(file: str) -> Callable[[Test], Test]:
    """Run a test once for every case in `file`, which stands beside the test; it takes the argument `case`.

    Raises:
        BadCases: while the test is collected; see `load_cases`.
    """

    def decorate(test: Test) -> Test:
        code = getattr(test, "__code__", None)
        if code is None:
            raise BadCases(f"@data_driven({file!r}) goes on a test function, not on {test!r}")
        cases = load_cases(Path(code.co_filename).parent / file)
        return pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in cases])(test)

    return decorate


def load_cases(path: Path) -> list[Case]:
    """The cases of a file.

    Raises:
        BadCases: it is missing or cannot be parsed, is no list or an empty one; or a case has no name, an unknown
            field, or the name of another.
    """
    document = _parse(path)
    if not isinstance(document, list):
        raise BadCases(f"{path} holds {_kind(document)}, but should hold a list of cases")
    if not document:
        raise BadCases(f"{path} holds no case, so its test would never run")
    cases = [_case(path, number, entry) for number, entry in enumerate(document, 1)]
    twice = [name for name, count in Counter(case.name for case in cases).items() if count > 1]
    if twice:
        raise BadCases(f"{path} has more than one case with the name {twice[0]!r}; give each a name of its own")
    return cases


def _parse(path: Path) -> Any:
    if path.suffix not in (".json", ".yaml", ".yml"):
        raise BadCases(f"{path} is neither .json nor .yaml")
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        raise BadCases(f"{path} is not there; @data_driven looks for it beside the test") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadCases(f"{path} cannot be read: {error}") from None
    return _parse_json(path, text) if path.suffix == ".json" else _parse_yaml(path, text)


def _parse_json(path: Path, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise BadCases(f"{path} is not JSON: {error}") from None


def _parse_yaml(path: Path, text: str) -> Any:
    try:
        import yaml
    except ImportError:
        raise BadCases(f"{path} needs PyYAML; run: pip install 'omni-pipelines[testing]'") from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadCases(f"{path} is not YAML: {error}") from None


def _case(path: Path, number: int, entry: Any) -> Case:
    where = f"{path}, case {number}"
    if not isinstance(entry, dict):
        raise BadCases(f"{where} is {_kind(entry)}, but should have fields: {', '.join(_KNOWN)}")
    for name in entry:
        if name not in _KNOWN:
            from omni_pipelines.errors import nearest  # loading the plug-in loads nothing of it

            hint = nearest(str(name), _KNOWN, f"fields: {', '.join(_KNOWN)}")
            raise BadCases(f"{where} has an unknown field {name!r}; {hint}")
    if not isinstance(entry.get("name"), str) or not entry["name"].strip():
        raise BadCases(f"{where} has no name; give it one that says what it shows")
    for name in ("context", "config"):
        if not isinstance(entry.get(name, {}), dict):
            raise BadCases(f"{where}: {name} is {_kind(entry[name])}, but should be a mapping")
    return Case(**entry)


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    names = {dict: "a mapping", list: "a list", str: "a text", bool: "a boolean", int: "a number", float: "a number"}
    return names.get(type(value), f"a {type(value).__name__}")
