"""Source code: the text is the file's own; its symbols give the sections where there is a grammar.

Settings and messages are read with the characters that their escapes mean (YAML, TOML, properties of Java).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath

from native.grammars import unpack_grammar
from omni_pipelines.text.character_escapes import without_escapes, without_escapes_in_quotes
from omni_pipelines.text.decoding import DecodedText, decode
from omni_pipelines.text.document import Parsed, Section
from omni_pipelines.text.readers.file_names import kind_by_name
from omni_pipelines.text.readers.source_code.symbols import Symbol, symbols
from omni_pipelines.text.readers.source_code.toml_records import whole_records

SUFFIXES = {
    "astro": (".astro",),
    "asm": (".s", ".asm"),
    "basic": (".vb", ".vbs", ".bas"),
    "batch": (".bat", ".cmd"),
    "c": (".c", ".h"),
    "clojure": (".clj", ".cljs", ".cljc", ".edn"),
    "cmake": (".cmake", "cmakelists.txt"),
    "coffeescript": (".coffee",),
    "cpp": (".cc", ".cpp", ".cxx", ".hpp", ".hh", ".hxx", ".ino", ".cu"),
    "csharp": (".cs", ".csx"),
    "css": (".css", ".scss", ".less", ".sass"),
    "dart": (".dart",),
    "diff": (".diff", ".patch"),
    "dockerfile": (".dockerfile", "dockerfile", "containerfile"),
    "dotenv": (".env",),
    "graphviz": (".gv",),
    "elixir": (".ex", ".exs"),
    "elm": (".elm",),
    "erlang": (".erl", ".hrl"),
    "fortran": (".f", ".for", ".f90", ".f95", ".f03"),
    "fsharp": (".fs", ".fsx"),
    "go": (".go",),
    "graphql": (".graphql", ".gql"),
    "groovy": (".groovy", ".gradle", "jenkinsfile"),
    "haskell": (".hs",),
    "hcl": (".tf", ".hcl", ".tfvars"),
    "ini": (".ini", ".cfg", ".conf", ".cnf", ".inf", ".service", ".desktop"),
    "java": (".java",),
    "javascript": (".js", ".mjs", ".cjs", ".jsx"),
    "jsonnet": (".jsonnet", ".libsonnet"),
    "julia": (".jl",),
    "just": ("justfile", ".just"),
    "kdl": (".kdl",),
    "kotlin": (".kt", ".kts"),
    "lisp": (".el", ".lisp", ".cl"),
    "latex": (".sty", ".cls", ".dtx"),
    "lua": (".lua",),
    "make": (".mk", ".mak", "makefile", "gnumakefile"),
    "mermaid": (".mmd", ".mermaid"),
    "nim": (".nim",),
    "nix": (".nix",),
    "objc": (".mm",),
    "ocaml": (".ml", ".mli"),
    "pascal": (".pas", ".dpr"),
    "perl": (".pl", ".pm"),
    "php": (".php",),
    "plantuml": (".puml", ".plantuml", ".pu", ".iuml", ".wsd"),
    "powershell": (".ps1", ".psm1", ".psd1"),
    "properties": (".properties",),
    "proto": (".proto",),
    "r": (".r",),
    "racket": (".rkt",),
    "ruby": (".rb", ".rake", ".gemspec", "gemfile", "rakefile", "vagrantfile"),
    "rust": (".rs",),
    "scala": (".scala", ".sbt"),
    "scheme": (".scm",),
    "shell": (".sh", ".bash", ".zsh", ".ksh", ".fish"),
    "solidity": (".sol",),
    "sql": (".sql", ".ddl"),
    "starlark": (".bzl", ".star"),
    "svelte": (".svelte",),
    "swift": (".swift",),
    "tcl": (".tcl",),
    "thrift": (".thrift",),
    "toml": (".toml", "cargo.lock", "poetry.lock", "pipfile"),
    "typescript": (".ts", ".tsx", ".mts", ".cts"),
    "typst": (".typ",),
    "verilog": (".v", ".sv", ".vhd", ".vhdl"),
    "vim": (".vim", "vimrc"),
    "vue": (".vue",),
    "yaml": (".yaml", ".yml"),
    "zig": (".zig",),
}
"""Language to the suffixes of its files; without a dot, whole file names."""
_GRAMMARS = {
    "shell": "bash",
    ".tsx": "tsx",
    ".scss": "scss",
    "dotenv": "properties",
    **dict.fromkeys(
        (
            "asm",
            "basic",
            "coffeescript",
            "diff",
            "elm",
            "fsharp",
            "lisp",
            "nim",
            "pascal",
            "tcl",
            "thrift",
            "verilog",
            "graphviz",
            "latex",
            "mermaid",
            "plantuml",
        ),
        "",
    ),
    **dict.fromkeys((".less", ".sass", ".fish"), ""),
}
"""Grammars whose name is not that of the language; "" for formats in which symbols are of no use."""
_BY_SUFFIX = {suffix: language for language, suffixes in SUFFIXES.items() for suffix in suffixes}
_SETTINGS = {"dotenv", "hcl", "ini", "properties", "toml", "yaml"}
_JSON = dict.fromkeys((".json", ".jsonc", ".json5"), "json")
_INTERPRETER = re.compile(
    rb"(?:\xef\xbb\xbf)?#![ \t]*(?:\S*/env(?:[ \t]+-\S+)*[ \t]+)?(?:\S*/)?([A-Za-z]+)[-\d.]*(?=[ \t\r\n]|\Z)"
)
_INTERPRETERS = {
    **{name: name for name in ("groovy", "julia", "lua", "make", "perl", "php", "python", "ruby", "scala", "swift")},
    **dict.fromkeys(("sh", "bash", "dash", "ksh", "zsh", "ash", "fish"), "shell"),
    **dict.fromkeys(("node", "nodejs", "bun"), "javascript"),
    "pypy": "python", "pwsh": "powershell", "Rscript": "r", "runghc": "haskell", "tclsh": "tcl", "deno": "typescript",
}  # fmt: skip
"""The names of interpreters to the languages that they read."""
_UNESCAPED = {
    "yaml": without_escapes_in_quotes,
    "toml": without_escapes_in_quotes,
    "properties": without_escapes,
}
_REST_OF_LINE = re.compile(r"[ \t;,)\]}]*(?:\r\n|\n|\r|\Z)")


def read(raw: bytes, name: str) -> Parsed:
    """Read a file. Symbols are sections, nested; the name of the file is its title and selects the grammar."""
    decoded = decode(raw)
    grammar = _grammar(raw, name)
    text = _UNESCAPED.get(_language(raw, name), str)(decoded.text)
    is_same = text == decoded.text
    source = decoded if is_same else DecodedText(text, "utf-8", 0)
    sections = symbol_sections(source, grammar) if grammar else ()
    if grammar == "toml":
        sections = whole_records(text, sections)
    return Parsed(decoded, title=name, sections=sections, extracted=None if is_same else text)


def symbol_sections(decoded: DecodedText, grammar: str) -> tuple[Section, ...]:
    """The symbols of source code as sections, nested."""
    source = decoded.text.encode("utf-8")
    return tuple(_sections(decoded, source, symbols(source, grammar)))


def prepare(raw: bytes, name: str) -> None:
    """Unpack the grammar for a file.

    Raises:
        EngineError: the cache of the user cannot be written.
    """
    if grammar := _grammar(raw, name):
        unpack_grammar(grammar)


def prepare_json(_raw: bytes, _name: str) -> None:
    """Unpack the grammar for JSON, whose reader is another.

    Raises:
        EngineError: as `prepare`.
    """
    unpack_grammar("json")


def is_settings(path: str) -> bool:
    """Whether a file holds settings, by its name."""
    return kind_by_name(path, _BY_SUFFIX) in _SETTINGS or kind_by_name(path, _JSON) is not None


def script_language(raw: bytes) -> str:
    """The language of a script by its first line, such as `#!/usr/bin/env python3`; "" if it names none of ours."""
    found = _INTERPRETER.match(raw)
    return _INTERPRETERS.get(found[1].decode("ascii"), "") if found else ""


def _grammar(raw: bytes, name: str) -> str:
    suffix = PurePosixPath(name).suffix.lower()
    language = _language(raw, name)
    return _GRAMMARS.get(suffix, _GRAMMARS.get(language, language))


def _language(raw: bytes, name: str) -> str:
    return kind_by_name(name, _BY_SUFFIX) or script_language(raw)


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
        while open_symbols and open_symbols[-1].end <= symbol.own_start:
            ended = open_symbols.pop()
            yield min(ended.end, symbol.start), _path(open_symbols)
        open_symbols.append(symbol)
        yield symbol.start, symbol.path
    while open_symbols:
        ended = open_symbols.pop()
        yield ended.end, _path(open_symbols)


def _path(open_symbols: Sequence[Symbol]) -> tuple[str, ...]:
    return open_symbols[-1].path if open_symbols else ()


def _line_start(text: str, char: int) -> int:
    """Where a section starts in whole lines: after a symbol, the next line; else the line, if only blanks precede."""
    rest = _REST_OF_LINE.match(text, char)
    if rest and rest.end() > char:
        return rest.end()
    before = char
    while before and text[before - 1] in " \t":
        before -= 1
    return before if not before or text[before - 1] in "\r\n" else char
