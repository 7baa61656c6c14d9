"""What a docstring in Google's form says: a description, and a line or more about each argument."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass

_SECTION = re.compile(r"^(Args|Arguments|Returns|Raises|Yields|Examples?|Notes?):\s*$")
_ARGUMENT = re.compile(r"^(\w+)\s*(?:\([^)]*\))?:\s*(.*)$")


@dataclass(frozen=True)
class Docstring:
    """The parts that describe a tool."""

    description: str
    """All before the first section, paragraphs kept."""
    arguments: dict[str, str]
    """Name to text, on one line."""


def parse_docstring(text: str) -> Docstring:
    """The parts of a docstring; what it does not have is empty."""
    sections: dict[str, list[str]] = {"": []}
    current = ""
    for line in inspect.cleandoc(text).splitlines():
        heading = _SECTION.match(line)
        if heading:
            current = "Args" if heading[1] == "Arguments" else heading[1]
            sections.setdefault(current, [])
        else:
            sections[current].append(line)
    paragraphs = "\n".join(sections[""]).strip().split("\n\n")
    return Docstring("\n\n".join(" ".join(each.split()) for each in paragraphs), _arguments(sections.get("Args", [])))


def _arguments(lines: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    name = ""
    for line in inspect.cleandoc("\n".join(["", *lines])).splitlines():
        start = None if line.startswith(" ") else _ARGUMENT.match(line)
        if start:
            name, found[start[1]] = start[1], start[2].strip()
        elif name:
            found[name] = f"{found[name]} {line.strip()}".strip()
    return found
