"""The head of a SKILL.md: YAML between two lines `---`, and the text after it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.tools.strict_parsing import parse_values

FILE = "SKILL.md"
_FENCE = "---"


@dataclass(frozen=True)
class Frontmatter:
    """A parsed SKILL.md."""

    values: Mapping[str, object]
    lines: Mapping[str, int]
    """The line of each field, such as `metadata.version`, from 1."""
    body: str
    body_line: int
    """The line of the file in which the body begins, from 1."""


def parse_skill_file(text: str) -> Frontmatter:
    """Split and parse the text of a SKILL.md.

    Raises:
        ConfigurationError: it has no head, or the head is no YAML object; the message gives the line.
    """
    lines = text.removeprefix("\ufeff").splitlines()
    if not lines or lines[0].rstrip() != _FENCE:
        raise ConfigurationError(f"{FILE} line 1: there is no head", cure=f"begin with a line {_FENCE}")
    end = next((number for number, line in enumerate(lines[1:], 1) if line.rstrip() == _FENCE), None)
    if end is None:
        raise ConfigurationError(f"{FILE} line 1: the head has no end", cure=f"close it with a line {_FENCE}")
    head = "\n".join(["", *lines[1:end]])  # the empty line keeps the numbers of the lines
    values = parse_values(head, FILE, as_json=False)
    if not isinstance(values, dict):
        raise ConfigurationError(f"{FILE} line 1: the head holds no fields", cure="write lines FIELD: VALUE")
    root = yaml.compose(head, Loader=yaml.SafeLoader)
    return Frontmatter(values, dict(_lines(root, "")), "\n".join(lines[end + 1 :]), end + 2)


def _lines(node: yaml.Node | None, prefix: str) -> Iterator[tuple[str, int]]:
    if not isinstance(node, yaml.MappingNode):
        return
    for key, value in node.value:
        name = f"{prefix}{key.value}"
        yield name, key.start_mark.line + 1
        yield from _lines(value, f"{name}.")
