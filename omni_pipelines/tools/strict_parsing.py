"""Parse YAML and JSON to plain values, strictly: no tags, no aliases, no repeated keys."""

import json
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import yaml

from omni_pipelines.errors import ConfigurationError

MAX_BYTES = 4 << 20


class _Loader(yaml.SafeLoader):
    """Keeps times as text, as in JSON, and refuses aliases, which can make a small file huge or endless."""

    yaml_implicit_resolvers = {  # noqa: RUF012  # a class attribute of the library
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Refuse an alias."""
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.constructor.ConstructorError(None, None, "aliases are not allowed; write the value out", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Refuse a key that is not text or that is repeated."""
        seen: set[str] = set()
        for key, _ in node.value:
            name = self.construct_object(key, deep=True)
            if not isinstance(name, str):
                raise _error(f"the key {name!r} is not text; put it in quotes", key)
            if name in seen:
                raise _error(f"the key {name!r} is given twice", key)
            seen.add(name)
        return super().construct_mapping(node, deep)


def _error(message: str, node: yaml.Node) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(None, None, message, node.start_mark)


def read_values(path: Path) -> Any:
    """The content of a `.json`, `.yaml` or `.yml` file.

    Raises:
        ConfigurationError: the file is missing, unreadable, too large or not well formed.
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


def parse_values(text: str, origin: str, *, as_json: bool) -> Any:
    """The value of a text in JSON, or else in YAML.

    Raises:
        ConfigurationError: it is not well formed; the message gives the line.
    """
    try:
        if as_json:
            return json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant)
        return yaml.load(text, Loader=_Loader)  # noqa: S506  # a safe loader, made stricter
    except (ValueError, yaml.YAMLError) as error:
        kind = "JSON" if as_json else "YAML"
        message = " ".join(str(error).split())
        raise ConfigurationError(f"{origin} is not valid {kind}: {message}", cure="correct it") from error
    except RecursionError as error:
        raise ConfigurationError(f"{origin} is nested too deeply", cure="make it flatter") from error


def _object(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    values: dict[str, object] = {}
    for name, value in pairs:
        if name in values:
            raise ValueError(f"the key {name!r} is given twice")
        values[name] = value
    return values


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number in JSON")
