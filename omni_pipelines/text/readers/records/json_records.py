r"""JSON and JSON Lines: the text is the file's own; records stay whole, and carry their keys.

Records are the objects of a list, of a file with one value a line, or of an object whose values have the same keys.
The columns of a list of lists may have their names in a list beside it: `{"columns": […], "data": [[…], …]}`. A table
that is stored column by column is read row by row. A file without records has its keys as sections. Escapes such as
`\u00e9` are read as their character.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from omni_pipelines.text.character_escapes import without_escapes
from omni_pipelines.text.decoding import DecodedText, decode
from omni_pipelines.text.document import HEADING_SEPARATOR, Parsed, TextTable
from omni_pipelines.text.readers.records.json_columns import read_columns
from omni_pipelines.text.readers.source_code import code
from omni_pipelines.text.table_headers import header_of, is_value, joined_names

_STRING = r'"(?:[^"\\\n]++|\\.)*+"?'
_SCALAR = rf"(?:{_STRING}|[^\s{{}}\[\],:\"/]++)"
_TOKEN = re.compile(
    rf"(?P<key>{_STRING})\s*+:\s*+{_SCALAR}\s*+,|[{{}}\[\],]|{_SCALAR}|//[^\n]*+|/\*.*?\*/", re.DOTALL
)
"""Either a key, its value (not a list or object) and the comma after it; or one sign, value or comment."""
_CLOSING = {"{": "}", "[": "]"}
_MIN_RECORDS = 2
_MIN_NAMED_RECORDS = 3
"""An object with fewer objects of the same form inside is a setting, not a list."""
_MIN_RECORD_SHARE = 0.8
_MAX_DEPTH = 6
"""Levels in which records are looked for."""
_RECORDS_CHECKED = 40
_MAX_KEYS = 200


def read(raw: bytes, name: str) -> Parsed:
    """Read a file. Lists of records are tables: each chunk starts with a whole record and has the keys as context."""
    decoded = decode(raw)
    if (by_column := read_columns(decoded.text, name)) is not None:
        return replace(by_column, decoded=decoded)
    text = without_escapes(decoded.text)
    tables = tuple(_tables(text))
    extracted = text if text != decoded.text else None
    if not tables:
        source = decoded if extracted is None else DecodedText(extracted, "utf-8", 0)
        sections = code.symbol_sections(source, "json")
        return Parsed(decoded, title=name, sections=sections, extracted=extracted)
    return Parsed(decoded, title=name, tables=tables, extracted=extracted)


@dataclass
class _Frame:
    """An open list or object."""

    sign: str
    start: int
    key: str = ""
    """The key of its value in the object around it."""
    last_key: str = ""
    keys: list[str] = field(default_factory=list)
    inner: dict[str, list[str]] = field(default_factory=dict)
    """Keys to the keys of the objects that are their values."""
    values: list[str] = field(default_factory=list)
    """The first values that are no lists or objects."""
    children: list["_Child"] = field(default_factory=list)
    scalars: int = 0
    has_key: bool = False
    key_start: int = 0

    def take_pair(self, key: str) -> None:
        """Take a key with its value and the comma after it."""
        self.scalars += 1
        self.has_key = False
        if len(self.keys) < _MAX_KEYS:
            self.keys.append(key.strip('"'))

    def take(self, token: str, start: int) -> None:
        """Take a comma, a key, or a value that is no list or object."""
        if token == ",":
            self.has_key = False
        elif self.sign == "{" and not self.has_key:
            self.has_key, self.last_key, self.key_start = True, token.strip('"'), start
            if len(self.keys) < _MAX_KEYS:
                self.keys.append(self.last_key)
        else:
            self.scalars += 1
            if len(self.values) < _MAX_KEYS:
                self.values.append(token.strip('"'))


@dataclass(frozen=True)
class _Child:
    """An object or list inside another."""

    start: int
    """Of its key in an object."""
    sign: str
    names: list[str]
    """The keys of an object, and the values of a list."""
    key: str = ""
    width: int = 0
    """The number of values of the first list in a list of lists."""


def _tables(text: str) -> list[TextTable]:
    """The outermost lists of records, in order."""
    found: list[TextTable] = []
    frames = [_Frame("", 0)]
    for match in _TOKEN.finditer(text):
        token, frame = match[0], frames[-1]
        if match["key"] is not None:
            frame.take_pair(match["key"])
        elif token in _CLOSING:
            start = frame.key_start if frame.has_key else match.start()
            frames.append(_Frame(token, _line_start(text, start), frame.last_key))
        elif token in ("}", "]"):
            if len(frames) > 1 and _CLOSING[frame.sign] == token:
                frames.pop()
                _close(frame, frames, match.end(), found)
        elif not token.startswith(("//", "/*")):
            frame.take(token, match.start())
    while len(frames) > 1:  # the file ends too early
        frame = frames.pop()
        _close(frame, frames, len(text), found)
    _add_table(frames[0], (), len(text), found)
    return found


def _line_start(text: str, start: int) -> int:
    """The start of the line, if only blanks are before `start` in it."""
    before = start
    while before and text[before - 1] in " \t":
        before -= 1
    return before if not before or text[before - 1] in "\r\n" else start


def _close(frame: _Frame, frames: Sequence[_Frame], end: int, found: list[TextTable]) -> None:
    """Take note of a list or object that ends: as a child of what is around it, and as a list of records."""
    around = frames[-1]
    if around.sign == "{" and frame.sign == "{":
        around.inner[around.last_key] = frame.keys
    if len(frames) <= _MAX_DEPTH:
        names = _names(frame) if len(around.children) < _RECORDS_CHECKED else []
        width = len(frame.children[0].names) if frame.children and frame.children[0].sign == "[" else 0
        around.children.append(_Child(frame.start, frame.sign, names, frame.key, width))
        path = [each.key for each in (*frames, frame) if each.key]
        _name_columns(frame, path, found)
        _add_table(frame, path, end, found)


def _name_columns(frame: _Frame, path: Sequence[str], found: list[TextTable]) -> None:
    """Give the lists of lists in an object the names of columns that a list beside them has."""
    lists = [child for child in frame.children[:_RECORDS_CHECKED] if frame.sign == "{" and child.sign == "["]
    named = [child.names for child in lists if child.names and not any(map(is_value, child.names))]
    headers = {
        child.start: HEADING_SEPARATOR.join([*path, child.key, joined_names(names)])
        for child in lists
        for names in named[::-1]
        if child.width == len(names)
    }
    for place, table in enumerate(found if headers else ()):
        if table.start in headers:
            found[place] = replace(table, header=headers[table.start])


def _names(frame: _Frame) -> list[str]:
    """The keys of an object, those of objects inside as `key.inner`; the values of a list."""
    if frame.sign != "{":
        return frame.values
    return [
        name for key in frame.keys for name in ([f"{key}.{inner}" for inner in frame.inner.get(key, ())] or [key])
    ][:_MAX_KEYS]


def _add_table(frame: _Frame, path: Sequence[str], end: int, found: list[TextTable]) -> None:
    """Add a list of records, which replaces those inside its records."""
    sign = _sign_of_records(frame)
    if not sign:
        return
    while found and found[-1].start >= frame.start:
        found.pop()
    checked = [child.names for child in frame.children[:_RECORDS_CHECKED] if child.sign == sign]
    if sign == "{":
        header = joined_names(dict.fromkeys(name for names in checked for name in names))
    else:
        named = header_of(checked)
        header = named.names if named is not None else ""
    rows = (frame.start, *(child.start for child in frame.children[1:]))
    found.append(TextTable(frame.start, end, HEADING_SEPARATOR.join(filter(None, [*path, header])), rows))


def _sign_of_records(frame: _Frame) -> str:
    """Whether the children are records: `{` or `[`, as they begin; "" if they are not."""
    count = len(frame.children) + frame.scalars
    objects = [child for child in frame.children if child.sign == "{"]
    is_list = frame.sign != "{"
    if (
        len(objects) >= (_MIN_RECORDS if is_list else _MIN_NAMED_RECORDS)
        and len(objects) >= _MIN_RECORD_SHARE * count
    ):
        return "{" if is_list or _have_same_keys(objects) else ""
    lists = len(frame.children) - len(objects)
    return "[" if is_list and lists > _MIN_RECORDS and lists >= _MIN_RECORD_SHARE * count else ""


def _have_same_keys(objects: Sequence[_Child]) -> bool:
    keys = [set(child.names) for child in objects[:_RECORDS_CHECKED] if child.names]
    if len(keys) < _MIN_NAMED_RECORDS:
        return False
    common = set.intersection(*keys)
    return bool(common) and 2 * len(common) >= sum(map(len, keys)) / len(keys)
