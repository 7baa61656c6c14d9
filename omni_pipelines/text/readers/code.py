"""Source code: the text stays as it is; its symbols give the structure where a grammar is at hand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from omni_pipelines.text.decoding import Decoded, decode
from omni_pipelines.text.document import Parsed, Section
from omni_pipelines.text.readers.symbols import Symbol, symbols

SUFFIXES = {
    "c": (".c", ".h"),
    "clojure": (".clj", ".cljs"),
    "cmake": (".cmake",),
    "cpp": (".cc", ".cpp", ".cxx", ".hpp", ".hh"),
    "csharp": (".cs",),
    "css": (".css", ".scss"),
    "dart": (".dart",),
    "dockerfile": (".dockerfile", "dockerfile"),
    "elixir": (".ex", ".exs"),
    "go": (".go",),
    "graphql": (".graphql", ".gql"),
    "groovy": (".groovy", ".gradle"),
    "haskell": (".hs",),
    "hcl": (".tf", ".hcl"),
    "ini": (".ini", ".cfg"),
    "java": (".java",),
    "javascript": (".js", ".mjs", ".cjs", ".jsx"),
    "json": (".json", ".jsonl", ".ndjson"),
    "julia": (".jl",),
    "kotlin": (".kt", ".kts"),
    "lua": (".lua",),
    "make": (".mk", "makefile"),
    "ocaml": (".ml", ".mli"),
    "perl": (".pl", ".pm"),
    "php": (".php",),
    "powershell": (".ps1", ".psm1"),
    "proto": (".proto",),
    "r": (".r",),
    "ruby": (".rb",),
    "rust": (".rs",),
    "scala": (".scala",),
    "shell": (".sh", ".bash", ".zsh"),
    "solidity": (".sol",),
    "sql": (".sql",),
    "svelte": (".svelte",),
    "swift": (".swift",),
    "toml": (".toml",),
    "typescript": (".ts", ".tsx"),
    "vue": (".vue",),
    "yaml": (".yaml", ".yml"),
    "zig": (".zig",),
}
"""Language to the ends of file names; without a dot, whole names."""
_GRAMMARS = {"shell": "bash", ".tsx": "tsx", ".jsonl": "", ".ndjson": "", ".scss": "scss"}
"""Where the grammar is called otherwise; "" where it does not help."""
_BY_SUFFIX = {suffix: language for language, suffixes in SUFFIXES.items() for suffix in suffixes}
_REST = re.compile(r"[ \t;,)\]}]*(?:\r\n|\n|\r|\Z)")


def read(raw: bytes, name: str) -> Parsed:
    """Sections by symbol, nested; the file's name is its title, and says which grammar to use."""
    decoded = decode(raw)
    grammar = _grammar(name)
    if not grammar:
        return Parsed(decoded, title=name)
    source = decoded.text.encode("utf-8")
    sections = _sections(decoded, source, symbols(source, grammar))
    return Parsed(decoded, title=name, sections=tuple(sections))


def _grammar(name: str) -> str:
    path = PurePosixPath(name)
    suffix = path.suffix.lower() or path.name.lower()
    language = _BY_SUFFIX.get(suffix, "")
    return _GRAMMARS.get(suffix, _GRAMMARS.get(language, language))


def _sections(decoded: Decoded, source: bytes, found: Iterable[Symbol]) -> Iterator[Section]:
    """Of marks at the same place only the last one holds any text."""
    at_byte: dict[int, tuple[str, ...]] = {}
    for start, path in sorted(_marks(list(found)), key=lambda mark: mark[0]):
        at_byte[start] = path
    text = decoded.text
    char = byte = 0
    held: Section | None = None
    for place, path in at_byte.items():
        char, byte = char + len(source[byte:place].decode("utf-8", "ignore")), place
        section = Section(_line_start(text, char, path), path)
        if held is not None and held.start < section.start:
            yield held
        held = section if held is None or held.start <= section.start else held
    if held is not None:
        yield held


def _marks(found: list[Symbol]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Where a symbol begins, and where the one around it goes on."""
    open_ones: list[Symbol] = []
    for symbol in found:
        while open_ones and open_ones[-1].end <= symbol.start:
            ended = open_ones.pop()
            yield ended.end, ended.path[:-1]
        open_ones.append(symbol)
        yield symbol.start, symbol.path
    while open_ones:
        ended = open_ones.pop()
        yield ended.end, ended.path[:-1]


def _line_start(text: str, char: int, path: tuple[str, ...]) -> int:
    """The beginning of the line where only blanks stand before; behind a symbol, that of the next line."""
    rest = _REST.match(text, char)
    if rest and rest.end() > char:
        return rest.end()
    before = char
    while before and text[before - 1] in " \t":
        before -= 1
    return before if not before or text[before - 1] in "\r\n" else char
