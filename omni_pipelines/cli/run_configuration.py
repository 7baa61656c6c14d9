"""The configuration and tags of a run, as a person types them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from omni_pipelines.errors import ConfigurationError

_CURE = "write asset.option=value, such as documents.allow_delete=true, or the name of a YAML file"


def run_configuration(words: Sequence[str]) -> dict[str, Any]:
    """A run configuration from files and `asset.option=value` pairs; the last one that sets an option counts.

    Raises:
        ConfigurationError: a word is neither, or a file holds no configuration.
    """
    configuration: dict[str, Any] = {}
    for word in words:
        configuration = _merged(configuration, _from_pair(word) if "=" in word else _from_file(Path(word)))
    return configuration


def run_tags(words: Sequence[str]) -> dict[str, str]:
    """Tags from `name=value` pairs.

    Raises:
        ConfigurationError: a word is no pair.
    """
    pairs = [word.partition("=") for word in words]
    for word, (name, separator, _) in zip(words, pairs, strict=True):
        if not name or not separator:
            raise ConfigurationError(f"{word!r} is not a tag", cure="write --tag name=value")
        if name.startswith((".dagster", "omni/")):
            raise ConfigurationError(f"the tag {name!r} is set by the program itself", cure="choose another name")
    return {name: value for name, _, value in pairs}


def _from_pair(word: str) -> dict[str, Any]:
    path, _, text = word.partition("=")
    asset, dot, option = path.partition(".")
    if not asset or not dot or not option or "." in option:
        raise ConfigurationError(f"{word!r} is no configuration", cure=_CURE)
    return {"ops": {asset: {"config": {option: _parsed(text, word)}}}}


def _from_file(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"configuration {str(path)!r} cannot be read: {error}", cure=_CURE) from error
    content = _parsed(text, str(path))
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path} holds no run configuration", cure="it begins with: ops:")
    return content


def _parsed(text: str, where: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{where} is not valid YAML: {error}", cure=_CURE) from error


def _merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(one)
    for name, value in other.items():
        before = merged.get(name)
        both = isinstance(before, Mapping) and isinstance(value, Mapping)
        merged[name] = _merged(before, value) if both else value  # type: ignore[arg-type]
    return merged
