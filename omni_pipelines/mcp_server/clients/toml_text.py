"""Change one table of a TOML text, and leave every other line as it is, comments included."""

import json
import re
import tomllib
from collections.abc import Mapping, Sequence


def parse(text: str) -> object:
    """The value of a text.

    Raises:
        ValueError: it is not TOML.
    """
    return tomllib.loads(text)


def with_member(text: str, path: Sequence[str], value: Mapping[str, object]) -> str:
    """The text with the table at a path of names set to texts and lists of texts."""
    rows = [f"{key} = {json.dumps(each, ensure_ascii=False)}" for key, each in value.items()]
    table = "\n".join([f"[{'.'.join(path)}]", *rows]) + "\n"
    found = _table(text, path)
    if found is not None:
        return text[: found[0]] + table + text[found[1] :]
    gap = "" if not text.strip() else "\n" if text.endswith("\n") else "\n\n"
    return text + gap + table


def without_member(text: str, path: Sequence[str]) -> str:
    """The text without the table at a path of names.

    Raises:
        ValueError: it has no such table, or writes it in another form.
    """
    found = _table(text, path)
    if found is None:
        raise ValueError(f"there is no table [{'.'.join(path)}]")
    before, after = text[: found[0]], text[found[1] :]
    return (before.rstrip("\n") + "\n" if before.strip() and not after.strip() else before) + after.lstrip("\n")


def _table(text: str, path: Sequence[str]) -> tuple[int, int] | None:
    """Start and end of the lines of a table: up to the blank lines and comments before the next one."""
    name = r"\s*\.\s*".join(re.escape(part) for part in path)
    found = re.search(rf"^\[\s*{name}\s*\][^\n]*\n?", text, re.MULTILINE)
    if found is None:
        return None
    following = re.compile(r"^\s*\[", re.MULTILINE).search(text, found.end())
    lines = text[found.start() : following.start() if following else len(text)].splitlines(keepends=True)
    while len(lines) > 1 and (not lines[-1].strip() or lines[-1].lstrip().startswith("#")):
        lines.pop()
    return found.start(), found.start() + len("".join(lines))
