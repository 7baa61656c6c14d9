"""BibTeX: each entry is a section with its fields, one line each, as they are read: without braces and commands."""

import re
from collections.abc import Iterator

from omni_pipelines.text.decoding import decode
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.extraction import Extraction
from omni_pipelines.text.readers.markup.tex import plain_text

_ENTRY = re.compile(r"@[ \t]*(?P<kind>[A-Za-z]+)[ \t]*[{(][ \t]*(?:(?P<key>[^\s,{}=\"#()]+)[ \t]*,)?")
_FIELD = re.compile(r"\s*,?\s*(?P<name>[A-Za-z][\w:.+/-]*)\s*=\s*")
_PIECE = re.compile(r"\s*(?P<word>[^\s\"{},#=()]+)")
_NO_ENTRIES = {"comment", "preamble"}
_LEFT_OUT = {"title", "file", "timestamp", "owner", "bdsk-url-1", "date-added", "date-modified", "groups"}
_MAX_VALUE = 100_000


def read(raw: bytes, name: str) -> Parsed:
    """Read a file. The heading of an entry is its title; its key and kind are in the line below."""
    text = decode(raw).text
    extraction = Extraction()
    abbreviations: dict[str, str] = {}
    line, counted, position = 1, 0, 0
    while entry := _ENTRY.search(text, position):
        position = entry.end()
        kind = entry["kind"].lower()
        if kind in _NO_ENTRIES:
            continue
        line += text.count("\n", counted, entry.start())
        counted = entry.start()
        fields: dict[str, str] = {}
        for key, value, end in _fields(text, position, abbreviations):
            fields[key.lower()], position = value, end
        if kind == "string":
            abbreviations |= fields
            continue
        shown = {key: plain_text(value) for key, value in fields.items()}
        extraction.heading(1, shown.get("title") or entry["key"] or kind, line=line)
        extraction.block(f"{entry['key'] or ''} ({kind})".strip(), apart=False, line=line)
        for key, value in shown.items():
            if value and key not in _LEFT_OUT:
                value = value.replace(" and ", "; ") if key in ("author", "editor") else value
                extraction.block(f"{key.capitalize()}: {value}", apart=False, line=line)
    return extraction.parsed(name, name)


def _fields(text: str, position: int, abbreviations: dict[str, str]) -> Iterator[tuple[str, str, int]]:
    """The fields of an entry: name, value, and where each ends."""
    while found := _FIELD.match(text, position):
        value, position = _value(text, found.end(), abbreviations)
        yield found["name"], value, position


def _value(text: str, position: int, abbreviations: dict[str, str]) -> tuple[str, int]:
    """The value of a field: texts in braces or quotation marks and names of abbreviations, with `#` between them."""
    pieces: list[str] = []
    while position < len(text):
        if text[position] in '{"':
            piece, position = _quoted(text, position)
        elif word := _PIECE.match(text, position):
            piece, position = abbreviations.get(word["word"].lower(), word["word"]), word.end()
        else:
            break
        pieces.append(piece)
        joined = re.compile(r"\s*#\s*").match(text, position)
        if joined is None:
            break
        position = joined.end()
    return "".join(pieces), position


def _quoted(text: str, position: int) -> tuple[str, int]:
    opening, depth = text[position], 0
    for found in re.compile(r'\\[\s\S]|[{}"]').finditer(text, position + 1, position + _MAX_VALUE):
        if found[0] == "}" and not depth and opening == "{":
            return text[position + 1 : found.start()], found.end()
        if found[0] == '"' and not depth and opening == '"':
            return text[position + 1 : found.start()], found.end()
        depth += {"{": 1, "}": -1}.get(found[0], 0)
    return text[position + 1 : position + _MAX_VALUE], min(position + _MAX_VALUE, len(text))
