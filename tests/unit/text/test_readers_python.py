"""The reader of Python: classes and functions become sections."""

from __future__ import annotations

import pytest

from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.source_code import python

SOURCE = '''"""What it is for.

More of it.
"""
import os


@decorated(
    1
)
class Outer(Base):
    """Doc."""

    def first(self): ...

    # about Inner
    # in two lines
    class Inner:
        async def deep(self):
            def local(): ...
            return local

    x = 1


# about last
def last():
    pass


print(1)
'''


def _read(text: str) -> Parsed:
    return python.read(text.encode(), "module.py")


def _sections(text: str) -> list[tuple[int, str]]:
    """The first line of each section, and its path."""
    parsed = _read(text)
    return [(parsed.line(section.start), ".".join(section.path)) for section in parsed.sections]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_python_definitions_nest_with_their_decorators_and_comments(newline: str) -> None:
    assert _sections(SOURCE.replace("\n", newline)) == [
        (8, "Outer"),
        (14, "Outer.first"),
        (15, "Outer"),
        (16, "Outer.Inner"),
        (19, "Outer.Inner.deep"),
        (22, "Outer"),
        (24, ""),
        (26, "last"),
        (29, ""),
    ]


def test_python_definitions_under_a_condition_are_sections() -> None:
    text = "try:\n    import x\nexcept ImportError:\n    def x():\n        pass\nelse:\n    class Y:\n        pass\n"
    assert [path for _, path in _sections(text) if path] == ["x", "Y"]


def test_python_last_line_of_a_string_is_no_comment() -> None:
    text = 'def a():\n    """\n# b"""\ndef c():\n    pass\n'
    assert _sections(text) == [(1, "a"), (4, "c"), (6, "")]


def test_python_sections_are_in_ascending_order() -> None:
    starts = [section.start for section in _read(SOURCE).sections]
    assert starts == sorted(set(starts))


def test_python_title_is_the_first_line_of_the_docstring_else_the_name() -> None:
    assert _read(SOURCE).title == "What it is for."
    assert _read("x = 1\n").title == "module.py"


@pytest.mark.parametrize("line", [1, 2])
def test_python_encoding_cookie_in_the_first_two_lines_is_used(line: int) -> None:
    text = "#!/usr/bin/python\n" * (line - 1) + "# -*- coding: cp1251 -*-\nname = 'Привет'\n"
    assert python.read(text.encode("cp1251"), "x.py").text == text


def test_python_encoding_cookie_further_down_is_ignored() -> None:
    text = "a = 1\nb = 2\n# coding: cp1251\nc = 'café'\n"
    assert python.read(text.encode("cp1252"), "x.py").text == text


@pytest.mark.parametrize(
    "text",
    [
        *("print 'old'\n", "def f(:\n", "{% if x %}\n", "(" * 5000, "-" * 100_000 + "1"),
        *("x=\\", "'''a", "'a' b", "('" + "-" * 100 + "'" * 3),
    ],
)
def test_python_that_does_not_parse_is_read_as_text(text: str) -> None:
    parsed = _read(text)
    assert (parsed.text, parsed.title, parsed.sections) == (text, "module.py", ())


@pytest.mark.parametrize(
    "line",
    ["print 'old'", "try: pass\nexcept A, e: raise A, e", "x = `1`; 0777", "type X[T = int] = t'{x}'", "a b"],
)
def test_python_of_another_version_or_with_mistakes_keeps_its_definitions(line: str) -> None:
    text = f'"""Doc."""\n{line}\nclass A:\n    def f(self):\n        pass\n'
    assert (_read(text).title, [path for _, path in _sections(text) if path]) == ("Doc.", ["A", "A.f"])


@pytest.mark.parametrize("text", ["class war\nand def leppard\n", "class of 2020 (A)\n", "async def\n", "class:\n"])
def test_python_words_of_a_text_are_no_definitions(text: str) -> None:
    assert _sections(text) == []


def test_python_form_feed_is_no_line_end() -> None:
    assert _sections("x = 1\n\f\ndef f():\n    pass\n")[0] == (3, "f")


def test_python_names_in_other_scripts_keep_their_byte_offsets() -> None:
    parsed = _read("größe = '😀'\ndef f(): pass\n")
    assert parsed.byte_offsets([parsed.sections[0].start]) == [len("größe = '😀'\n".encode())]
