"""The reader of source code: the text is the file's own, and every symbol is a section."""

from __future__ import annotations

import pytest
import semble_grammars

from omni_pipelines.text.chunking import Chunker
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.packing import Budget
from omni_pipelines.text.readers.source_code import code

Sections = list[tuple[str, tuple[str, ...]]]
LONG = "x" * 600
"""A value with which an object is too long to be one section."""
FILES: dict[str, tuple[str, Sections]] = {
    "a.rs": (
        "use x;\n/// doc é\n#[test]\nfn a() {}\n\nimpl Foo for Bar {\n    // c\n    fn b(&self) {}\n}\n\nlet x;\n",
        [
            ("/// doc é\n#[test]\nfn a() {}\n", ("a",)),
            ("\nimpl Foo for Bar {\n", ("Bar",)),
            ("    // c\n    fn b(&self) {}\n", ("Bar", "b")),
            ("}\n", ("Bar",)),
            ("\nlet x;\n", ()),
        ],
    ),
    "a.js": (
        "import a;\n// C\nexport const f = () => { };\nexport default class A {\n  m() {}\n}\n",
        [
            ("// C\nexport const f = () => { };\n", ("f",)),
            ("export default class A {\n", ("A",)),
            ("  m() {}\n", ("A", "m")),
            ("}\n", ("A",)),
        ],
    ),
    "a.cpp": (
        "namespace n {\nclass A {};\n}\ntemplate<class T>\nT h(T a){}\nvoid n::A::g() {}\n",
        [
            ("namespace n {\n", ("n",)),
            ("class A {};\n", ("n", "A")),
            ("}\n", ("n",)),
            ("template<class T>\nT h(T a){}\n", ("h",)),
            ("void n::A::g() {}\n", ("n::A::g",)),
        ],
    ),
    "a.c": (
        "static int *f(int a) { return 0; }\nstruct s;\n",
        [("static int *f(int a) { return 0; }\n", ("f",)), ("struct s;\n", ())],
    ),
    "a.go": ("package a\n// C\nfunc (s *T) F() {}\n", [("// C\nfunc (s *T) F() {}\n", ("F",))]),
    "a.yaml": (
        f"a:\n  b: {LONG}\nc:\n  d: 2\n",
        [("a:\n", ("a",)), (f"  b: {LONG}\n", ("a", "b")), ("c:\n  d: 2\n", ("c",))],
    ),
    "items.yaml": (
        f"models:\n  # M\n  - name: fct\n    columns:\n      - name: id\n        b: [u]\n    a: {LONG}\n  - plain\n",
        [
            ("models:\n", ("models",)),
            ("  # M\n  - name: fct\n", ("fct",)),
            ("    columns:\n      - name: id\n        b: [u]\n", ("fct", "columns")),
            (f"    a: {LONG}\n", ("fct", "a")),
            ("  - plain\n", ("models",)),
        ],
    ),
    "dashes.yaml": (
        f"- a: 1\n  # of b\n  b:\n    c: {LONG}\n# of d\n- d: 2\n",
        [
            ("- a: 1\n", ("a",)),
            ("  # of b\n  b:\n", ("b",)),
            (f"    c: {LONG}\n", ("b", "c")),
            ("# of d\n- d: 2\n", ("d",)),
        ],
    ),
    "two.yaml": (
        f"kind: Quay\nmetadata:\n  name: old\nspec: {LONG}\n---\nkind: Quay\nmetadata:\n  name: new\nspec: 2\n",
        [
            ("kind: Quay\n", ("Quay old", "kind")),
            ("metadata:\n  name: old\n", ("Quay old", "metadata")),
            (f"spec: {LONG}\n", ("Quay old", "spec")),
            ("---\nkind: Quay\nmetadata:\n  name: new\nspec: 2\n", ("Quay new",)),
        ],
    ),
    "a.toml": (
        f"[tool.a]\nb='{LONG}'\n[tool.c]\nd=1\n",
        [
            ("[tool.a]\n", ("tool.a",)),
            (f"b='{LONG}'\n", ("tool.a", "b")),
            ("[tool.c]\nd=1\n", ("tool.c",)),
        ],
    ),
    "a.tf": (
        f'locals {{\n}}\nresource "b" "lake" {{\n  c = "{LONG}"\n  d {{\n  }}\n}}\n',
        [
            ("locals {\n}\n", ("locals",)),
            (f'resource "b" "lake" {{\n  c = "{LONG}"\n', ("resource b.lake",)),
            ("  d {\n  }\n", ("resource b.lake", "d")),
            ("}\n", ("resource b.lake",)),
        ],
    ),
    "a.sql": ("create table a (x int);\nselect 1;\n", [("create table a (x int);\n", ("a",)), ("select 1;\n", ())]),
    "a.ps1": ("function Get-A { 1 }\n", [("function Get-A { 1 }\n", ("Get-A",))]),
    "a.ini": ("x=1\n[a]\nb=1\n", [("[a]\nb=1\n", ("a",))]),
    "a.graphql": ("type A { b: Int }\n", [("type A { b: Int }\n", ("A",))]),
    "a.proto": (
        'syntax = "proto3";\nmessage A { string x = 1; }\n',
        [("message A { string x = 1; }\n", ("A",))],
    ),
    "a.r": ("f <- function(x) x\n", [("f <- function(x) x\n", ("f",))]),
    "min.js": ("function a(){};function b(){}", [("function a(){}", ("a",)), (";", ()), ("function b(){}", ("b",))]),
}


def pieces(parsed: Parsed) -> Sections:
    """Text and path of every section with text."""
    ends = [*(section.start for section in parsed.sections[1:]), len(parsed.text)]
    cut = [
        (parsed.text[section.start : end].lstrip("\n"), section.path)
        for section, end in zip(parsed.sections, ends, strict=True)
    ]
    return [(text, path) for text, path in cut if text.strip()]


@pytest.mark.parametrize("name", FILES)
def test_symbol_section_starts_at_its_comments_and_ends_with_its_line(name: str) -> None:
    text, expected = FILES[name]
    parsed = code.read(text.encode(), name)
    assert parsed.text == text
    assert pieces(parsed) == [(piece.lstrip("\n"), path) for piece, path in expected]


RECORDS_OF_TOML = """\
title = "Parts"

# the first one
[[part]]
name = "Valve 0"

[part.size]
mm = 8

[[part.seller]]
city = "Bremen"
# made by hand

[[part]]
name = "Valve 1"

[limits]
bar = 16
"""


def test_record_of_toml_is_one_section_with_its_comments_and_inner_tables() -> None:
    sections = pieces(code.read(RECORDS_OF_TOML.encode(), "parts.toml"))
    assert [path for _, path in sections] == [("title",), ("part",), ("part",), ("limits",)]
    assert sections[1][0].startswith("# the first one\n[[part]]")
    assert 'city = "Bremen"' in sections[1][0]
    assert sections[2][0].startswith('[[part]]\nname = "Valve 1"')


def test_record_of_toml_is_whole_in_a_chunk() -> None:
    record = (
        '[[package]]\nname = "valve-{n}"\nversion = "{n}.2"\n\n[package.source]\nregistry = "parts"\nsum = "a{n}"\n\n'
    )
    parsed = code.read("".join(record.replace("{n}", str(n)) for n in range(40)).encode(), "uv.toml")
    spans = Chunker(Budget(60, 8)).cut(parsed, lambda text: len(text) // 4, "code")
    chunks = [parsed.text[span.start : span.end] for span in spans]
    assert {span.heading for span in spans} == {("package",)}
    assert all(chunk.startswith("[[package]]") for chunk in chunks)
    for n in range(40):
        assert any(f'"valve-{n}"' in chunk and f'"a{n}"' in chunk for chunk in chunks)


@pytest.mark.parametrize("name", ["a.rs", "a.js", "a.yaml"])
def test_other_encodings_give_the_same_symbols(name: str) -> None:
    text, _ = FILES[name]
    assert code.read(text.encode("utf-16"), name).sections == code.read(text.encode(), name).sections


@pytest.mark.parametrize("name", ["a.rs", "a.ts", "a.json", "a.yaml", "a.sql", "a.jsonl"])
def test_code_that_does_not_parse_is_read_as_text(name: str) -> None:
    text = "{[(<" * 500 + "no language at all é\n"
    assert code.read(text.encode(), name).text == text


def test_every_language_has_an_installed_grammar() -> None:
    known = set(semble_grammars.available_languages())
    names = {
        suffix if suffix.startswith(".") else f"x.{suffix}"
        for suffixes in code.SUFFIXES.values()
        for suffix in suffixes
    }
    found = {code._grammar(b"", f"x{name}") for name in names if name.startswith(".")}
    assert found - known == {""}


@pytest.mark.parametrize(
    ("name", "raw", "text"),
    [
        ("a.yaml", r'gate: "Schleusent\u00fcr \U0001F6A2 \xfc"', 'gate: "Schleusentür 🚢 ü"'),
        ("a.yaml", *[r"""a: '\u00fc' # it's "a\\u00fc" and \u00fc"""] * 2),
        ("a.yaml", 'path: "C:\\\\users\\\\new"\nbad: "\\u00"', 'path: "C:\\\\users\\\\new"\nbad: "\\u00"'),
        ("a.toml", 'name = "M\\u00fcnster" # \\u00fc\na = ["\\u706f"]', 'name = "Münster" # \\u00fc\na = ["灯"]'),
        ("a.properties", r"ort=M\u00fcnster \ud83d\ude00 \u0041", r"ort=Münster 😀 \u0041"),
        ("a.py.txt", r"ort=M\u00fcnster", r"ort=M\u00fcnster"),
        ("a.java", r'String ort = "M\u00fcnster";', r'String ort = "M\u00fcnster";'),
    ],
)  # fmt: skip
def test_escapes_of_settings_and_messages_are_the_characters_that_they_mean(name: str, raw: str, text: str) -> None:
    parsed = code.read(raw.encode(), name)
    assert parsed.text == text
    assert parsed.verbatim == (raw == text)
