"""`@tool` takes the definition of a tool from the types and the docstring of a function."""

from __future__ import annotations

import datetime
import enum
from collections.abc import Callable
from typing import Annotated, Any, Literal, Optional

import pytest
from pydantic import BaseModel, ConfigDict, Field

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.tools.definition import ToolDefinition, to_document
from omni_pipelines.tools.signature import tool, typed_tool


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Place(BaseModel):
    """Where it is."""

    model_config = ConfigDict(extra="forbid")

    city: Annotated[str, Field(description="Its name.", max_length=80)]
    zip: str | None = None


class Garden(BaseModel):
    beds: int


class Tree(BaseModel):
    children: list[Tree]


def parameter(annotation: Any, **default: Any) -> dict[str, Any]:
    """The schema of the one parameter `x` of a function, with this annotation."""

    def function(x):  # type: ignore[no-untyped-def]
        """Do it."""

    function.__annotations__ = {"x": annotation}
    if default:
        function.__defaults__ = (default["default"],)
    definition = typed_tool(tool("test.one")(function)).definition
    return to_document(definition.parameters.properties["x"])


STRING_LIST = {"type": "array", "items": {"type": "string"}}
PLACE = {
    "type": "object",
    "description": "Where it is.",
    "properties": {
        "city": {"type": "string", "description": "Its name.", "maxLength": 80},
        "zip": {"type": ["string", "null"]},
    },
    "required": ["city"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (str, {"type": "string"}),
        (int, {"type": "integer"}),
        (float, {"type": "number"}),
        (bool, {"type": "boolean"}),
        (None, {"type": "null"}),
        (list[str], STRING_LIST),
        (tuple[str, ...], STRING_LIST),
        (set[str], {**STRING_LIST, "uniqueItems": True}),
        (list, {"type": "array"}),
        (dict, {"type": "object"}),
        (dict[str, Any], {"type": "object"}),
        (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
        (Optional[int], {"type": ["integer", "null"]}),  # noqa: UP045
        (int | str, {"type": ["integer", "string"]}),
        (list[str] | None, {**STRING_LIST, "type": ["array", "null"]}),
        (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}),
        (Literal["a"], {"type": "string", "enum": ["a"]}),
        (Literal["a", 1], {"type": ["string", "integer"], "enum": ["a", 1]}),
        (Literal["a", None], {"type": ["string", "null"], "enum": ["a", None]}),
        (Colour, {"type": "string", "enum": ["red", "blue"]}),
        (Level, {"type": "integer", "enum": [1, 2]}),
        (Colour | None, {"type": ["string", "null"], "enum": ["red", "blue", None]}),
        (list[Colour], {"type": "array", "items": {"type": "string", "enum": ["red", "blue"]}}),
        (Annotated[int, Field(ge=1, le=1000)], {"type": "integer", "minimum": 1, "maximum": 1000}),
        (Annotated[int | None, Field(ge=1)], {"type": ["integer", "null"], "minimum": 1}),
        (Annotated[float, Field(gt=0, lt=1)], {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}),
        (Annotated[int, Field(multiple_of=5)], {"type": "integer", "multipleOf": 5}),
        (
            Annotated[str, Field(min_length=2, max_length=9, pattern="^a")],
            {"type": "string", "minLength": 2, "maxLength": 9, "pattern": "^a"},
        ),
        (Annotated[list[str], Field(min_length=1, max_length=3)], {**STRING_LIST, "minItems": 1, "maxItems": 3}),
        (Annotated[str, Field(description="Its name.")], {"type": "string", "description": "Its name."}),
        (datetime.date, {"type": "string", "format": "date"}),
        (datetime.datetime, {"type": "string", "format": "date-time"}),
        (Place, PLACE),
        (list[Place], {"type": "array", "items": PLACE}),
        (Place | None, {**PLACE, "type": ["object", "null"]}),
    ],
)
def test_type_annotation_becomes_a_parameter(annotation: Any, expected: dict[str, Any]) -> None:
    assert parameter(annotation) == expected


@pytest.mark.parametrize(
    ("annotation", "default", "shown"),
    [(int, 5, 5), (bool, False, False), (Colour, Colour.RED, "red"), (list[str], ["a"], ["a"]), (str, "", "")],
)
def test_default_of_a_parameter_is_written_as_json(annotation: Any, default: Any, shown: Any) -> None:
    assert parameter(annotation, default=default)["default"] == shown


def test_default_of_none_is_not_written() -> None:
    assert "default" not in parameter(int | None, default=None)


@tool("files.find_text", title="Find text", category="files", read_only=True)
def find_text(query: str, copy: bool = False, limit: Annotated[int, Field(ge=1)] = 3) -> list[str]:
    """Find lines that hold a text.

    Case matters, and
    so do spaces.

    Args:
        query: What to look for,
            as it is written.
        limit (int): How many lines.

    Returns:
        the lines.
    """
    return [query] * limit


def find_text_definition() -> ToolDefinition:
    return typed_tool(find_text).definition


def test_docstring_describes_the_tool_and_its_parameters() -> None:
    definition = find_text_definition()
    assert definition.description == "Find lines that hold a text.\n\nCase matters, and so do spaces."
    texts = {name: each.description for name, each in definition.parameters.properties.items()}
    assert texts == {"query": "What to look for, as it is written.", "copy": "", "limit": "How many lines."}


def test_parameter_without_a_default_is_required() -> None:
    assert find_text_definition().parameters.required == ("query",)


def test_decorated_function_can_still_be_called() -> None:
    assert find_text("a", limit=2) == ["a", "a"]


def test_options_of_the_decorator_become_annotations() -> None:
    definition = find_text_definition()
    assert to_document(definition.annotations) == {"title": "Find text", "readOnlyHint": True}
    assert definition.metadata.full_name == "files.find_text"
    assert definition.metadata.name == "find_text"


def test_method_becomes_a_tool_without_self() -> None:
    class Counter:
        def __init__(self) -> None:
            self.total = 0

        @tool("counter.add_up")
        def add_up(self, number: int) -> int:
            """Add a number."""
            self.total += number
            return self.total

    assert list(typed_tool(Counter().add_up).definition.parameters.properties) == ["number"]


def _no_docstring(x: int) -> None: ...
def _no_type(x) -> None:  # type: ignore[no-untyped-def]
    """Do it."""


def _star(*x: int) -> None:
    """Do it."""


def _stars(**x: int) -> None:
    """Do it."""


def _positional(x: int, /) -> None:
    """Do it."""


def _any(x: Any) -> None:
    """Do it."""


def _recursive(x: Tree) -> None:
    """Do it."""


def _two_models(x: Place | Garden) -> None:
    """Do it."""


def _two_of_a_kind(x: list[int] | list[str]) -> None:
    """Do it."""


def _int_or_float(x: int | float) -> None:
    """Do it."""


def _pair(x: tuple[int, str]) -> None:
    """Do it."""


def _callback(x: Callable[[], None]) -> None:
    """Do it."""


def _slip(number: int) -> None:
    """Do it.

    Args:
        numbre: How many.
    """


def _unparsable(x: int) -> None:
    """Do it.

    Args:
        the number
    """


def _alias(x: Annotated[int, Field(alias="y")]) -> None:
    """Do it."""


def _default_below(x: Annotated[int, Field(ge=1)] = 0) -> None:
    """Do it."""


def _odd_default(x: str = object()) -> None:  # type: ignore[assignment]
    """Do it."""


@pytest.mark.parametrize(
    ("function", "message", "cure"),
    [
        (_no_docstring, "no docstring", "describe in one line what it does"),
        (_no_type, "parameter x has no type", "write x: TYPE"),
        (_star, "no name in a call", "name each parameter"),
        (_stars, "no name in a call", "name each parameter"),
        (_positional, "no name in a call", "name each parameter"),
        (_any, "any value would be accepted", "pydantic model"),
        (_recursive, "Tree contains itself", "pydantic model"),
        (_two_models, "several shapes", "pydantic model"),
        (_two_of_a_kind, "several shapes", "pydantic model"),
        (_int_or_float, "several shapes of one type", "pydantic model"),
        (_pair, "prefixItems", "pydantic model"),
        (_callback, "JSON cannot express", "pydantic model"),
        (_slip, "describes numbre, which is not a parameter", "did you mean number?"),
        (_unparsable, "docstring cannot be parsed", "NAME: TEXT"),
        (_alias, "has an alias", "rename it"),
        (_default_below, "default: would be refused: 0 is below 1", "give at least 1"),
        (_odd_default, "cannot be written as JSON", "use None"),
    ],
)
def test_function_that_cannot_be_described_is_refused(function: Callable[..., Any], message: str, cure: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        tool("test.one")(function)
    assert "tool test.one" in refusal.value.message
    assert message in refusal.value.message
    assert cure in refusal.value.cure


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"read_only": True, "destructive": True}, "a tool that only reads cannot be destructive"),
        ({"max_attempts": 3}, "only a tool that is safe to repeat may be retried"),
        ({"cache_ttl": 5}, "only the answers of a tool that only reads may be cached"),
        ({"retry_on": ("abc",), "read_only": True}, "does not have the right form"),
    ],
)
def test_contradicting_options_of_the_decorator_are_refused(stated: dict[str, Any], message: str) -> None:
    def function() -> None:
        """Do it."""

    with pytest.raises(ConfigurationError, match=message):
        tool("test.one", **stated)(function)


@pytest.mark.parametrize("name", ["one", "", "a..b", "a.1", "a b.c", "ä.b", "a.b\n", "a." + "b" * 200])
def test_malformed_tool_name_is_refused(name: str) -> None:
    def function() -> None:
        """Do it."""

    with pytest.raises(ConfigurationError, match="name"):
        tool(name)(function)


def test_type_that_is_not_defined_at_runtime_is_refused() -> None:
    def function(x: Unseen) -> None:  # type: ignore[name-defined]  # noqa: F821
        """Do it."""

    with pytest.raises(ConfigurationError, match="the type Unseen is not found"):
        tool("test.one")(function)


def test_function_without_the_decorator_is_not_a_tool() -> None:
    with pytest.raises(ConfigurationError, match="_pair is not a tool"):
        typed_tool(_pair)
