"""Change one member of a JSON text, and leave every other character as it is, comments included.

JSON as editors write it may hold comments and commas after the last member, which a parser of JSON would lose.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_STRING = r'"(?:[^"\\]|\\.)*"'
_TOKEN = re.compile(
    rf"(?P<space>\s+|//[^\n]*|/\*.*?\*/)|(?P<string>{_STRING})|(?P<other>[{{}}\[\],:]|[^\s{{}}\[\],:\"/]+)", re.DOTALL
)
_BOM = "\ufeff"


@dataclass(frozen=True)
class _Member:
    key: str
    start: int
    value_start: int
    value_end: int


@dataclass(frozen=True)
class _Object:
    """An object in a text: where its members are, and its closing brace."""

    members: tuple[_Member, ...]
    end: int

    def member(self, key: str) -> _Member | None:
        """The last member of this name, which is the one that counts."""
        return next((each for each in reversed(self.members) if each.key == key), None)


def parse(text: str) -> object:
    """The value of a text.

    Raises:
        ValueError: it is not JSON, with or without comments.
    """
    tokens = [token for _, token in _tokens(text)]
    kept = [t for t, after in zip(tokens, [*tokens[1:], ""], strict=True) if not (t == "," and after in ("}", "]"))]
    return json.loads("".join(kept))


def with_member(text: str, path: Sequence[str], value: object) -> str:
    """The text with the member at a path of names set to a value. Objects on the way are made if they are missing.

    Raises:
        ValueError: it is not JSON, or something on the way is no object.
    """
    if not text.strip(f" \t\r\n{_BOM}"):
        text = "{}\n"
    at, depth = _root(text), 1
    for name in path[:-1]:
        found = _object(text, at).member(name)
        if found is None:
            break
        at, depth = found.value_start, depth + 1
    missing = path[depth:]
    for name in reversed(missing):
        value = {name: value}
    return _set(text, _object(text, at), path[depth - 1], value, depth)


def without_member(text: str, path: Sequence[str]) -> str:
    """The text without the member at a path of names, and without the objects on the way that are empty then.

    Raises:
        ValueError: it is not JSON, or has no such member.
    """
    chain = [_object(text, _root(text))]
    for name in path[:-1]:
        found = chain[-1].member(name)
        if found is None:
            raise ValueError(f"there is no {name}")
        chain.append(_object(text, found.value_start))
    while len(chain) > 1 and len(chain[-1].members) == 1:
        chain.pop()
    return _removed(text, chain[-1], path[len(chain) - 1])


def _set(text: str, inside: _Object, key: str, value: object, depth: int) -> str:
    unit = _indent(text)
    shown = json.dumps(value, indent=unit, ensure_ascii=False).replace("\n", f"\n{unit * depth}")
    found = inside.member(key)
    if found is not None:
        return text[: found.value_start] + shown + text[found.value_end :]
    member = f"\n{unit * depth}{json.dumps(key, ensure_ascii=False)}: {shown}"
    last = inside.members[-1].value_end if inside.members else None
    tail = len(text[: inside.end].rstrip())
    if last is None:
        return text[:tail] + member + f"\n{unit * (depth - 1)}" + text[inside.end :]
    comma = "" if _has_comma(text, last, inside.end) else ","
    closing = text[tail : inside.end] if "\n" in text[tail : inside.end] else f"\n{unit * (depth - 1)}"
    return text[:last] + comma + text[last:tail] + member + closing + text[inside.end :]


def _removed(text: str, inside: _Object, key: str) -> str:
    found = inside.member(key)
    if found is None:
        raise ValueError(f"there is no {key}")
    at = inside.members.index(found)
    start = len(text[: found.start].rstrip(" \t"))
    end = next((i + 1 for i, token in _tokens(text, found.value_end) if token == ","), found.value_end)
    is_last = at == len(inside.members) - 1
    if end > inside.end or (is_last and not _has_comma(text, found.value_end, inside.end)):
        end = found.value_end
    if text[:start].endswith("\n") and text[end:].lstrip(" \t").startswith("\n"):
        start -= 1  # the line of the member goes with it
    if not is_last or at == 0:
        return text[:start] + text[end:]
    before = next(i for i, token in _tokens(text, inside.members[at - 1].value_end) if token == ",")
    return text[:before] + text[before + 1 : start] + text[end:]


def _has_comma(text: str, start: int, end: int) -> bool:
    return any(token == "," for i, token in _tokens(text, start) if i < end)


def _indent(text: str) -> str:
    found = re.search(r"\n([ \t]+)\S", text)
    return found[1] if found else "  "


def _root(text: str) -> int:
    return next((i for i, _ in _tokens(text)), len(text))


def _tokens(text: str, start: int = 0) -> Iterator[tuple[int, str]]:
    """Position and text of each token from `start` on, without space and comments."""
    if start == 0 and text.startswith(_BOM):
        start = 1
    while start < len(text):
        found = _TOKEN.match(text, start)
        if found is None:
            raise ValueError(f"line {text.count(chr(10), 0, start) + 1} is not JSON")
        if found["space"] is None:
            yield start, found[0]
        start = found.end()


def _object(text: str, start: int) -> _Object:
    """The object that begins at a position.

    Raises:
        ValueError: there is no object.
    """
    tokens = _tokens(text, start)
    if next(tokens, (0, ""))[1] != "{":
        raise ValueError(f"line {text.count(chr(10), 0, start) + 1} holds no object")
    members: list[_Member] = []
    for i, token in tokens:
        if token == "}":
            return _Object(tuple(members), i)
        if token != ",":
            next(tokens)  # the colon
            value_start, value_end = _value(tokens)
            members.append(_Member(json.loads(token), i, value_start, value_end))
    raise ValueError("an object has no end")


def _value(tokens: Iterator[tuple[int, str]]) -> tuple[int, int]:
    """Start and end of the next value."""
    depth, start = 0, -1
    for i, token in tokens:
        start = i if start < 0 else start
        depth += (token in ("{", "[")) - (token in ("}", "]"))
        if depth == 0:
            return start, i + len(token)
    raise ValueError("a value has no end")
