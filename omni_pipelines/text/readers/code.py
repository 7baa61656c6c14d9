"""Source code: the text is the file's own; its symbols give the sections where there is a grammar."""

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from native.grammars import unpack_grammar
from omni_pipelines.text.decoding import DecodedText, decode
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
"""Language to the suffixes of its files; without a dot, whole file names."""
_GRAMMARS = {"shell": "bash", ".tsx": "tsx", ".scss": "scss"}
"""Grammars whose name is not that of the language; "" for formats in which symbols are of no use."""
_BY_SUFFIX = {suffix: language for language, suffixes in SUFFIXES.items() for suffix in suffixes}
_REST_OF_LINE = re.compile(r"[ \t;,)\]}]*(?:\r\n|\n|\r|\Z)")


def read(raw: bytes, name: str) -> Parsed:
    """Read a file. Symbols are sections, nested; the name of the file is its title and selects the grammar."""
    decoded = decode(raw)
    grammar = _grammar(name)
    if not grammar:
        return Parsed(decoded, title=name)
    return Parsed(decoded, title=name, sections=symbol_sections(decoded, grammar))


def symbol_sections(decoded: DecodedText, grammar: str) -> tuple[Section, ...]:
    """The symbols of source code as sections, nested."""
    source = decoded.text.encode("utf-8")
    return tuple(_sections(decoded, source, symbols(source, grammar)))


def prepare(name: str) -> None:
    """Unpack the grammar for a file name.

    Raises:
        EngineError: the cache of the user cannot be written.
    """
    if grammar := _grammar(name):
        unpack_grammar(grammar)


def _grammar(name: str) -> str:
    path = PurePosixPath(name)
    suffix = path.suffix.lower() or path.name.lower()
    language = _BY_SUFFIX.get(suffix, "")
    return _GRAMMARS.get(suffix, _GRAMMARS.get(language, language))


def _sections(decoded: DecodedText, source: bytes, found: Iterable[Symbol]) -> Iterator[Section]:
    """Sections by character from symbols by byte. Of several at the same start, only the last one has text."""
    path_at = dict(sorted(_path_changes(found), key=lambda change: change[0]))
    text = decoded.text
    char = byte = 0
    held: Section | None = None
    for start, path in path_at.items():
        char, byte = char + len(source[byte:start].decode("utf-8", "ignore")), start
        section = Section(_line_start(text, char), path)
        if held is not None and held.start < section.start:
            yield held
        held = section if held is None or held.start <= section.start else held
    if held is not None:
        yield held


def _path_changes(found: Iterable[Symbol]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """(byte, path) where a symbol starts, and where the symbol that encloses it continues."""
    open_symbols: list[Symbol] = []
    for symbol in found:
        while open_symbols and open_symbols[-1].end <= symbol.start:
            ended = open_symbols.pop()
            yield ended.end, ended.path[:-1]
        open_symbols.append(symbol)
        yield symbol.start, symbol.path
    while open_symbols:
        ended = open_symbols.pop()
        yield ended.end, ended.path[:-1]


def _line_start(text: str, char: int) -> int:
    """Where a section starts in whole lines: after a symbol, the next line; else the line, if only blanks precede."""
    rest = _REST_OF_LINE.match(text, char)
    if rest and rest.end() > char:
        return rest.end()
    before = char
    while before and text[before - 1] in " \t":
        before -= 1
    return before if not before or text[before - 1] in "\r\n" else char
