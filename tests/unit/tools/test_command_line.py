"""Arguments as a person types them become the JSON values of a call."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.tools.command_line import parse_arguments
from omni_pipelines.tools.signature import tool, typed_tool


class Where(BaseModel):
    model_config = ConfigDict(extra="forbid")

    path: str | None = None
    lines: list[int] = []


@tool("test.find")
def find(
    query: str,
    k: int = 1,
    exact: bool = False,
    tags: list[str] = [],  # noqa: B006
    where: Where | None = None,
    mode: Literal["a", None] = None,
    either: int | str = 1,
) -> None:
    """Find it."""


DEFINITION = typed_tool(find).definition


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        ([], {}),
        (['{"query": "a", "k": 2}'], {"query": "a", "k": 2}),
        ([' {"query": "a"} '], {"query": "a"}),
        (["query=a=b"], {"query": "a=b"}),
        (["query=5"], {"query": "5"}),
        (["query="], {"query": ""}),
        (["query={x}", "k=2"], {"query": "{x}", "k": 2}),
        (["k=2", "exact=true"], {"k": 2, "exact": True}),
        (["k=two"], {"k": "two"}),
        (["tags=red"], {"tags": ["red"]}),
        (["tags=red", "tags=5"], {"tags": ["red", "5"]}),
        (['tags=["red", "blue"]'], {"tags": ["red", "blue"]}),
        (["where.path=a/b.md"], {"where": {"path": "a/b.md"}}),
        (["where.path=a", "where.lines=1", "where.lines=2"], {"where": {"path": "a", "lines": [1, 2]}}),
        (['where={"path": "a"}'], {"where": {"path": "a"}}),
        (["where=null"], {"where": None}),
        (["either=5"], {"either": "5"}),
        (["unknown=5"], {"unknown": "5"}),
        (["unknown.x=5"], {"unknown.x": "5"}),
    ],
    ids=str,
)
def test_arguments_on_a_command_line_become_json_values(words: list[str], arguments: dict[str, Any]) -> None:
    assert parse_arguments(DEFINITION, words) == arguments


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["query"], "'query' is not an argument"),
        (["=5"], "'=5' is not an argument"),
        (["--jsn"], "'--jsn' is not an argument"),
        (["k=1", "k=2"], "k is given twice"),
        (["where=5", "where.path=a"], "where and where.path are both given"),
        (['{"query": }'], "the argument is not valid JSON"),
        (['{"k": 1, "k": 2}'], "the key 'k' is given twice"),
        (['{"k": 1}', "query=a"], "is not an argument"),
    ],
    ids=str,
)
def test_malformed_arguments_on_a_command_line_are_refused(words: list[str], message: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        parse_arguments(DEFINITION, words)
    assert message in refusal.value.message
