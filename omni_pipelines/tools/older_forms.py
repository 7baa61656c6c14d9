"""Older documents say in three places what must be given: here the three become the one list that counts."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any


def required_names(holder: Mapping[str, Any]) -> list[str]:
    """Names that must be given: listed, or flagged where they stand."""
    listed = holder.get("required", ())
    names = [] if isinstance(listed, bool) else list(listed)
    flagged = [name for name, part in holder.get("properties", {}).items() if part.get("required") is True]
    return [*names, *(name for name in flagged if name not in names)]


def folded_document(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with every name that must be given in the one list that counts."""
    tools = [{name: part for name, part in tool.items() if name != "required"} for tool in document["tools"]]
    return {
        **deepcopy(dict(document)),
        "tools": [{**tool, "parameters": folded_parameter(tool["parameters"])} for tool in tools],
    }


def folded_parameter(part: Mapping[str, Any]) -> dict[str, Any]:
    """A parameter with its `required` as JSON Schema has it: a list of names, or nothing."""
    folded = {name: value for name, value in part.items() if name != "required"}
    if required_names(part):
        folded["required"] = required_names(part)
    if "properties" in part:
        folded["properties"] = {name: folded_parameter(inner) for name, inner in part["properties"].items()}
    for inner in ("items", "additionalProperties"):
        if isinstance(part.get(inner), Mapping):
            folded[inner] = folded_parameter(part[inner])
    return folded
