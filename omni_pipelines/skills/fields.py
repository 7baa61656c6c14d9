"""The fields of the head of a SKILL.md, by the Agent Skills specification, and those of our `metadata` block.

Each field is read by itself: a field with a mistake is left out and reported, and all others count.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from omni_pipelines.errors import ConfigurationError, nearest
from omni_pipelines.permissions.capabilities import check_pattern
from omni_pipelines.record_fields import ReferencePath
from omni_pipelines.records import SkillMetadata
from omni_pipelines.skills.frontmatter import FILE, Frontmatter
from omni_pipelines.skills.problems import SkillProblem

MAX_NAME, MAX_DESCRIPTION, MAX_COMPATIBILITY = 64, 1_024, 500
SPECIFIED = ("name", "description", "license", "compatibility", "metadata", "allowed-tools")
"""The fields that the specification knows."""
_NAME = re.compile(r"[^\W_A-Z]+(?:-[^\W_A-Z]+)*")
_VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+([-+][0-9A-Za-z.-]+)?")
_REFERENCE: TypeAdapter[str] = TypeAdapter(ReferencePath)
_LISTS = {
    "author": "authors",
    "authors": "authors",
    "routing_keywords": "routing_keywords",
    "intents": "intents",
    "require_refs": "require_refs",
    "permissions": "permissions",
}
"""Fields of the block that hold several values, as a list or as a text with commas → field of `SkillMetadata`."""
_TEXTS = {"version": "version", "source": "repository", "repository": "repository"}


def skill_name(text: str) -> str:
    """A text as the name of a skill: lower case, hyphens for spaces, and nothing but letters, digits and hyphens.

    Raises:
        ConfigurationError: nothing is left, or it does not begin with a letter.
    """
    name = re.sub(r"-+", "-", re.sub(r"[^a-z0-9-]", "", re.sub(r"[\s_]+", "-", text.lower()))).strip("-")[:MAX_NAME]
    if not re.match(r"[a-z]", name):
        raise ConfigurationError(
            f"no name can be made of {text[:80]!r}", cure="give one: letters, digits and hyphens"
        )
    return name.strip("-")


class _Mistake(Exception):
    def __init__(self, message: str, cure: str) -> None:
        super().__init__(message)
        self.message, self.cure = message, cure


class FieldReader:
    """Reads the fields of one skill. `metadata` holds those that are right, `problems` what is wrong with others."""

    def __init__(self, head: Frontmatter, folder_name: str) -> None:
        self._head, self._folder_name = head, folder_name
        self.problems: list[SkillProblem] = []
        block = self._block()
        fields: dict[str, Any] = {
            name: self._read(f"metadata.{key}", block[key], self._text(key))
            for key, name in _TEXTS.items()
            if key in block
        }
        for key, name in _LISTS.items():
            if key in block:
                fields[name] = (
                    *fields.get(name, ()),
                    *(self._read(f"metadata.{key}", block[key], self._list(key)) or ()),
                )
        self._check_specified()
        description = self._read("description", head.values.get("description"), _description)
        self.metadata = SkillMetadata(
            skill_name=folder_name,
            description=description or "",
            **{name: value for name, value in fields.items() if value},
        )

    def _check_specified(self) -> None:
        values = self._head.values
        self._read("name", values.get("name"), lambda value: _name(value, self._folder_name))
        for field, longest in (
            ("license", MAX_DESCRIPTION),
            ("compatibility", MAX_COMPATIBILITY),
            ("allowed-tools", MAX_DESCRIPTION),
        ):
            if field in values:
                self._read(field, values[field], lambda value, longest=longest: _short_text(value, longest))  # type: ignore[misc]
        for field in values:
            if field not in SPECIFIED:
                cure = nearest(field, SPECIFIED, "move it into metadata")
                self._report(field, "is no field of the specification", cure)

    def _block(self) -> Mapping[str, object]:
        block = self._head.values.get("metadata", {})
        if not isinstance(block, dict):
            self._report("metadata", "is no block of fields", "write indented lines FIELD: VALUE")
            return {}
        for key in block:
            if key not in (*_LISTS, *_TEXTS):
                cure = nearest(key, (*_LISTS, *_TEXTS), "other programs may know it")
                self._report(f"metadata.{key}", "is not known to omni", cure, is_error=False)
        return block

    def _read(self, field: str, value: object, read: Callable[[object], Any]) -> Any:
        try:
            return read(value)
        except _Mistake as mistake:
            self._report(field, mistake.message, mistake.cure)
            return None

    def _report(self, field: str, message: str, cure: str, *, is_error: bool = True) -> None:
        line = self._head.lines.get(field, 1)
        self.problems.append(
            SkillProblem(file=FILE, line=line, field=field, message=message, cure=cure, is_error=is_error)
        )

    @staticmethod
    def _text(key: str) -> Callable[[object], str]:
        return _version if key == "version" else lambda value: _short_text(value, MAX_DESCRIPTION)

    @staticmethod
    def _list(key: str) -> Callable[[object], tuple[str, ...]]:
        check = {"permissions": _permission, "require_refs": _reference}.get(key, _item)
        return lambda value: tuple(map(check, _items(value)))


def _name(value: object, folder_name: str) -> str:
    if not isinstance(value, str) or not value:
        raise _Mistake("is missing", f"write name: {folder_name}")
    name = unicodedata.normalize("NFKC", value)
    if len(name) > MAX_NAME or not _NAME.fullmatch(name):
        raise _Mistake(
            f"{value[:80]!r} is not a name", f"use at most {MAX_NAME} lower-case letters, digits and single hyphens"
        )
    if name != unicodedata.normalize("NFKC", folder_name):
        raise _Mistake(f"{value!r} is not the name of the folder, {folder_name!r}", "give both the same name")
    return name


def _description(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _Mistake("is missing", "say what the skill does and when to use it")
    if len(value) > MAX_DESCRIPTION:
        raise _Mistake(f"has {len(value):,} characters", f"use at most {MAX_DESCRIPTION:,}")
    return value.strip()


def _short_text(value: object, longest: int) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _Mistake("is no text", "write it as text, in quotes if it looks like a number")
    if len(value) > longest:
        raise _Mistake(f"has {len(value):,} characters", f"use at most {longest:,}")
    return value


def _version(value: object) -> str:
    if not isinstance(value, str) or not _VERSION.fullmatch(value):
        raise _Mistake(f"{value!r} is not a version", 'write three numbers in quotes: "1.0.0"')
    return value


def _items(value: object) -> Iterator[object]:
    if isinstance(value, str):
        yield from filter(None, (part.strip() for part in re.split(r"[,\n]", value)))
    elif isinstance(value, list):
        yield from value
    else:
        raise _Mistake("is neither a text nor a list", "write texts with commas between them")


def _item(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _Mistake(f"{value!r} is no text", "write it as text, in quotes if it looks like a number")
    return value.strip()


def _permission(value: object) -> str:
    try:
        return check_pattern(_item(value))
    except ConfigurationError as error:
        raise _Mistake(error.message, error.cure) from error


def _reference(value: object) -> str:
    try:
        return _REFERENCE.validate_python(value)
    except ValidationError as error:
        raise _Mistake(
            f"{value!r}: {error.errors()[0]['msg']}", "write a path in the folder, such as references/rules.md"
        ) from error
