"""YAML and JSON from a file to plain values, and nothing else: no tags, no aliases, no key given twice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import yaml

from omni_pipelines.errors import ConfigurationError

MAX_BYTES = 4 << 20


class _Loader(yaml.SafeLoader):
    """Times stay text, as in JSON; an alias could make a small file huge or endless."""

    yaml_implicit_resolvers = {  # noqa: RUF012  # a class attribute of the library
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Refuse an alias."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.constructor.ConstructorError(
                None,
                None,
                "aliases are not taken; write it out",
                self.peek_event().start_mark,  # type: ignore[no-untyped-call]
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Refuse a key that is no text, or stands twice."""
        seen: set[str] = set()
        for key, _ in node.value:
            name = self.construct_object(key, deep=True)
            if not isinstance(name, str):
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {name!r} is no text; put it in quotes", key.start_mark
                )
            if name in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {name!r} is given twice", key.start_mark
                )
            seen.add(name)
        return super().construct_mapping(node, deep)


def read_values(path: Path) -> Any:
    """What a `.json`, `.yaml` or `.yml` file holds.

    Raises:
        ConfigurationError: it is not there, cannot be read, is too large, or is not what its name says.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigurationError(f"{path} has more than {MAX_BYTES >> 20} MB", cure="split it")
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}", cure="check the path") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not UTF-8: {error.reason}", cure="save it as UTF-8") from error
    return parse_values(text, str(path), as_json=path.suffix.lower() == ".json")


def parse_values(text: str, where: str, *, as_json: bool) -> Any:
    """What a text holds, as JSON or as YAML.

    Raises:
        ConfigurationError: it is not well formed; the message gives the line.
    """
    try:
        if as_json:
            return json.loads(text, object_pairs_hook=_object, parse_constant=_no_number)
        return yaml.load(text, Loader=_Loader)  # noqa: S506  # a safe loader, made stricter
    except (ValueError, yaml.YAMLError) as error:
        kind = "JSON" if as_json else "YAML"
        message = " ".join(str(error).split())
        raise ConfigurationError(f"{where} is not good {kind}: {message}", cure="correct it there") from error
    except RecursionError as error:
        raise ConfigurationError(f"{where} is nested too deeply", cure="make it flatter") from error


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"the key {name!r} is given twice")
        found[name] = value
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")
