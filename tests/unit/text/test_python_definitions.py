"""The definitions that the lines of Python source show are those of its syntax tree."""

from __future__ import annotations

import ast
import sysconfig
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from omni_pipelines.text.document import Section
from omni_pipelines.text.lines import newline_offsets
from omni_pipelines.text.readers.source_code import python
from omni_pipelines.text.readers.source_code.python_lines import definition_sections

Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
WALKED = (ast.If, ast.Try, ast.With, ast.For, ast.While, ast.ExceptHandler)
MODULES = (
    "ast",
    "dataclasses",
    "enum",
    "inspect",
    "json/decoder",
    "tarfile",
    "typing",
    "unittest/mock",
    "pickletools",
)
ODD = {
    "nothing": "# a comment",
    "brackets to the left": "def f():\n    x = [\n1,\n2]\n    return x\ny = 1\n",
    "brackets in brackets": f"def f():\n    x = {'[' * 20}{']' * 20}\n    return x\n\ndef g(): pass\n",
    "brackets in brackets at the left": f"x = {'(' * 20}\ndict()\n{')' * 20}\ndef g(): pass\n",
    "string of several lines": 'def f():\n    """\ndef no(): pass\n    """\n    a = "x\\\ny"\n\nclass A: pass\n',
    "escaped quotes": "a = '\\''\nb = r'\\''\nc = ''''a'''\n\ndef f(): return \"'\"\n",
    "comment with a quote": "def f():\n    pass  # it's\n\nclass B:\n    # don't\n    x = 1\n",
    "backslash at the end": "def f():\n    x = 1 + \\\n        2\n    y = \\\n\\\n3\nz = 1\n",
    "comments at the end": "class A:\n    def f(self): pass\n\n    # inside\n# outside\n\n    # later\nx = 1\n",
    "tabs": "class A:\n\tdef f(self):\n\t\tpass\n\n\tdef g(self):\n\t        pass\n",
    "form feed": "def f():\n    pass\n\f\nclass A:\n    pass\n\f\ndef g(): pass\n",
    "form feed in the indentation": "class A:\n    x = 1\n  \f    def g(self): pass\n\f# c\n\fclass B: pass\n",
    "one line": "class A: x = 1; y = 2\ndef f(): pass;\nif 1: pass\nelse: x = 1\n",
    "conditions": "if a:\n  def f(): pass\nelif b:\n  class B:\n    def g(self): pass\nelse:\n  def h(): pass\n",
    "try": "try:\n  def f(): pass\nexcept A:\n  def g(): pass\nelse:\n  def h(): pass\nfinally:\n  class C: pass\n",
    "match": "match x:\n    case 1:\n        def f(): pass\nmatch = 1\ncase = 2\ndef g(): pass\n",
    "async": "async def f():\n    async with x:\n        def g(): pass\n\nasync  def h(): pass\n",
    "decorators": "# no\n\n# a\n# b\n@one\n# c\n@two(\n  1\n)\ndef f(): pass\n  # d\n@three\nclass A:\n  pass\n",
    "matrix product": "x = (a\n@b)\n\ndef f(): pass\n",
    "name in another form": "class ﬁ:\n    def 変数(self): pass\n",
    "line ends": "class A:\r\n    # c\r\n    def f(self):\r\n        pass\r\n\r\nx = '''\r\n'''\r",
    "old line ends": "class A:\r    # c\r    def f(self):\r        pass\r\rx = 1",
    "no line end": "def f():\n    return 1  # one",
    "same name twice": "def f(a):\n    def f(): pass\n    global g\n\ndef g(): pass\n",
}


def sections_of_tree(text: str) -> tuple[Section, ...]:
    """The sections by the tree of the source."""
    starts = [0, *newline_offsets(text), len(text)]

    def is_comment(line: int, column: int) -> bool:
        content = text[starts[line - 1] : starts[line]]
        return len(content) - len(content.lstrip(" \t")) == column and content.startswith("#", column)

    def first_line(node: Definition, floor: int) -> int:
        line = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        while line - 1 > floor and is_comment(line - 1, node.col_offset):
            line -= 1
        return line

    def walk(body: Iterable[ast.AST], path: tuple[str, ...], floor: int) -> Iterator[Section]:
        for node in body:
            if isinstance(node, Definition):
                inner = (*path, node.name)
                yield Section(starts[first_line(node, floor) - 1], inner)
                if isinstance(node, ast.ClassDef):
                    yield from walk(node.body, inner, node.lineno)
                yield Section(starts[min(node.end_lineno or 0, len(starts) - 1)], path)
            elif isinstance(node, WALKED):
                yield from walk(ast.iter_child_nodes(node), path, floor)
            floor = max(floor, getattr(node, "end_lineno", None) or floor)

    return tuple({section.start: section for section in walk(ast.parse(text).body, (), 0)}.values())


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_definitions_of_odd_source_are_those_of_its_tree(text: str) -> None:
    assert definition_sections(text) == sections_of_tree(text)


@pytest.mark.parametrize("module", MODULES)
def test_definitions_of_the_library_are_those_of_its_tree(module: str) -> None:
    text = Path(sysconfig.get_path("stdlib"), f"{module}.py").read_text("utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert definition_sections(text) == sections_of_tree(text) != ()


def test_a_long_chain_of_conditions_keeps_its_definitions() -> None:
    text = "if a:\n  pass\n" + "elif b:\n  pass\n" * 1200 + "else:\n  def f(): pass\n"
    assert [section.path for section in python.read(text.encode(), "a.py").sections] == [("f",), ()]


def test_names_that_only_the_compiler_refuses_keep_the_sections() -> None:
    source = b'"""Doc."""\ndef f(a):\n    global a\n\nclass A: pass\n'
    parsed = python.read(source, "a.py")
    assert (parsed.title, [section.path for section in parsed.sections]) == ("Doc.", [("f",), (), ("A",), ()])


@pytest.mark.parametrize("text", ["x = '", "x = (", "x = 1)]", "x = '''a", "f('\n')", "a ? b\n\\"])
def test_source_whose_strings_or_brackets_do_not_end_has_no_definitions(text: str) -> None:
    definition_sections(f"{text}\ndef f(): pass")


@pytest.mark.parametrize(
    "unit", ["(", "[{(", "'", '"""', "x = (1,\n", "def f():\n", " \\\n", "# '\n", "@\n", "\f ", "\r"]
)
@pytest.mark.timeout(20)
def test_hostile_repetition_is_searched_in_linear_time(unit: str) -> None:
    definition_sections((unit * (300_000 // len(unit) + 1))[:300_000])
    definition_sections(f"def f():\n    x = {(unit * (300_000 // len(unit) + 1))[:300_000]}")
