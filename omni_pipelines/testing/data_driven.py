"""Tests whose cases are listed in a JSON or YAML file next to them.

@data_driven("names.yaml")
def test_a_name_is_normalised(case: Case) -> None:
    assert normalise(case.input) == case.expected
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

import pytest
import yaml

from omni_pipelines.errors import nearest

TestFunction = TypeVar("TestFunction", bound=Callable[..., object])


@dataclass(frozen=True)
class Case:
    """One case of a data file. Only the name is required."""

    name: str
    input: Any = None
    expected: Any = None
    context: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)


_KNOWN = tuple(field.name for field in fields(Case))


class BadCases(pytest.Collector.CollectError):
    """A data file is not valid. Pytest reports it as an error of the test file, without a traceback."""


def data_driven(file: str) -> Callable[[TestFunction], TestFunction]:
    """Run a test once per case in `file`, which is next to the test. The test takes the argument `case`.

    Raises:
        BadCases: the file is not valid; raised while the test is collected.
    """

    def decorate(test: TestFunction) -> TestFunction:
        code = getattr(test, "__code__", None)
        if code is None:
            raise BadCases(f"@data_driven({file!r}) decorates a test function, not {test!r}")
        cases = load_cases(Path(code.co_filename).parent / file)
        return pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in cases])(test)

    return decorate


def load_cases(path: Path) -> list[Case]:
    """The cases of a file.

    Raises:
        BadCases: the file is missing, cannot be parsed or is not a list of cases; or a case has no name, an unknown
            field, or the name of another case.
    """
    document = _parse(path)
    if not isinstance(document, list):
        raise BadCases(f"{path} contains {_kind(document)} instead of a list of cases")
    if not document:
        raise BadCases(f"{path} contains no case, so its test would never run")
    cases = [_case(path, number, entry) for number, entry in enumerate(document, 1)]
    name, count = Counter(case.name for case in cases).most_common(1)[0]
    if count > 1:
        raise BadCases(f"{path} has {count} cases with the name {name!r}; give each its own name")
    return cases


def _parse(path: Path) -> object:
    if path.suffix not in (".json", ".yaml", ".yml"):
        raise BadCases(f"{path} is neither .json nor .yaml")
    kind = "JSON" if path.suffix == ".json" else "YAML"
    try:
        text = path.read_text("utf-8")
        return json.loads(text) if kind == "JSON" else yaml.safe_load(text)
    except FileNotFoundError:
        raise BadCases(f"{path} does not exist; @data_driven looks for it next to the test") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadCases(f"{path} cannot be read: {error}") from None
    except (ValueError, yaml.YAMLError) as error:
        raise BadCases(f"{path} is not {kind}: {error}") from None


def _case(path: Path, number: int, entry: object) -> Case:
    where = f"{path}, case {number}"
    if not isinstance(entry, dict):
        raise BadCases(f"{where} is {_kind(entry)} instead of a mapping with the fields {', '.join(_KNOWN)}")
    for name in entry:
        if name not in _KNOWN:
            hint = nearest(str(name), _KNOWN, f"fields: {', '.join(_KNOWN)}")
            raise BadCases(f"{where} has an unknown field {name!r}; {hint}")
    if not isinstance(entry.get("name"), str) or not entry["name"].strip():
        raise BadCases(f"{where} has no name; give it one that says what it tests")
    for name in ("context", "config"):
        if not isinstance(entry.get(name, {}), dict):
            raise BadCases(f"{where}: {name} is {_kind(entry[name])} instead of a mapping")
    return Case(**entry)


def _kind(value: object) -> str:
    names = {dict: "a mapping", list: "a list", str: "a text", bool: "a boolean", int: "a number", float: "a number"}
    return "nothing" if value is None else names.get(type(value), f"a {type(value).__name__}")
