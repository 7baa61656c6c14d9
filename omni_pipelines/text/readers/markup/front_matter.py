"""The settings at the head of a text file, between rules: YAML after `---`, TOML after `+++`, JSON in braces.

Site generators and note programs write them. Their title, tags and aliases say what the text is about.
"""

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import yaml

MAX_LENGTH = 1 << 16
"""Characters of front matter that are read: the parser of YAML is slow."""
_NEWLINE = r"(?:\r\n|\n|\r(?!\n))"
_START = rf"(?:[ \t]*{_NEWLINE}){{0,8}}"
_FENCED = re.compile(
    rf"{_START}(?P<rule>-{{3}}|\+{{3}}|;{{3}})(?:json|toml|yaml)?[ \t]*{_NEWLINE}"
    rf"(?P<content>(?:[^\r\n]*{_NEWLINE})*?)(?:(?P=rule)|\.\.\.)[ \t]*(?:{_NEWLINE}|\Z)"
)
_BRACES = re.compile(rf"{_START}(?P<content>\{{[ \t]*{_NEWLINE}(?:[^\r\n]*{_NEWLINE})*?\}})[ \t]*(?:{_NEWLINE}|\Z)")
_PANDOC = re.compile(
    rf"%[ \t]+(?P<title>[^\r\n]+{_NEWLINE}(?:[ \t]+[^\r\n]+{_NEWLINE})*)(?:%[^\r\n]*{_NEWLINE}){{0,2}}"
)
_KEY = re.compile(r"[\w.@/-]+(?: [\w.@/-]+){0,3}")
_FIRST_KEY = re.compile(rf"(?:[ \t]*(?:#[^\r\n]*)?{_NEWLINE})*[\w-]+[ \t]*:(?:[ \t\r\n]|\Z)")
_TITLE_LINE = re.compile(r"""^title[ \t]*:[ \t]*(?P<q>["']?)(?P<title>.*?)(?P=q)[ \t]*\r?$""", re.MULTILINE)
_TAGS, _ALIASES = ("tags", "tag", "categories", "category", "keywords"), ("aliases", "alias")
_SEPARATOR = re.compile(r"\s*[,;]\s*")
_MAX_VALUES = 100


@dataclass(frozen=True)
class FrontMatter:
    """What stands at the head of a text."""

    end: int = 0
    """The first character after it; 0 if there is none."""
    title: str = ""
    tags: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    fields: Mapping[str, object] = field(default_factory=dict)


def front_matter(text: str) -> FrontMatter:
    """The front matter of a text. What does not parse, or has no names with values, is none."""
    head = text[:MAX_LENGTH]
    if found := _FENCED.match(head):
        return _read(found.end(), found["content"], _PARSERS[found["rule"][0]])
    if found := _BRACES.match(head):
        return _read(found.end(), found["content"], json.loads)
    if found := _PANDOC.match(head):
        return FrontMatter(found.end(), _line(found["title"]))
    return FrontMatter()


def _yaml(content: str) -> object:
    # every value is a text, as it is written; nothing is created from tags, and no C code is used
    return yaml.load(content, Loader=yaml.BaseLoader)  # noqa: S506


_PARSERS: dict[str, Callable[[str], object]] = {"-": _yaml, "+": tomllib.loads, ";": json.loads}


def _read(end: int, content: str, parse: Callable[[str], object]) -> FrontMatter:
    try:
        found = parse(content.replace("\r\n", "\n").replace("\r", "\n"))
    except (yaml.YAMLError, ValueError, TypeError, RecursionError):
        if parse is not _yaml or not _FIRST_KEY.match(content):
            return FrontMatter()
        line = _TITLE_LINE.search(content)  # templates and slips: a person still sees where it ends
        return FrontMatter(end, _line(line["title"]) if line else "")
    if (
        not isinstance(found, dict)
        or not found
        or not all(isinstance(key, str) and _KEY.fullmatch(key) for key in found)
    ):
        return FrontMatter()
    by_name = {key.lower(): value for key, value in reversed(found.items())}
    title = by_name.get("title")
    return FrontMatter(
        end,
        _line(title) if isinstance(title, str) else "",
        tuple(tag.removeprefix("#") for name in _TAGS for tag in _values(by_name.get(name))),
        tuple(alias for name in _ALIASES for alias in _values(by_name.get(name))),
        found,
    )


def _values(value: object) -> list[str]:
    """The texts of a list, or of a text with commas between them."""
    if isinstance(value, str):
        value = _SEPARATOR.split(value)
    texts = [_line(each) for each in value if isinstance(each, str)] if isinstance(value, list) else []
    return [text for text in texts if text][:_MAX_VALUES]


def _line(text: str) -> str:
    return " ".join(text.split())
