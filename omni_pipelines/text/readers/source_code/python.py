"""Python source: the text is the file's own; classes and functions give the sections."""

import ast
import re
import warnings
from collections.abc import Iterable, Iterator

from omni_pipelines.text.decoding import DecodedText, decode
from omni_pipelines.text.document import Parsed, Section
from omni_pipelines.text.lines import newline_offsets

_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", re.MULTILINE)
_Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
_COMPOUND = (ast.If, ast.Try, ast.With, ast.For, ast.While, ast.ExceptHandler)
"""Definitions inside these statements have the same names as outside."""


def read(raw: bytes, name: str) -> Parsed:
    """Read a file. Classes and functions are sections, nested; the first line of the docstring is the title."""
    cookie = _COOKIE.search(b"\n".join(raw.split(b"\n", 2)[:2]))
    decoded = decode(raw, cookie[1].decode("ascii") if cookie else None)
    tree = _parse(decoded.text)
    if tree is None:
        return Parsed(decoded, title=name)
    first_line = (ast.get_docstring(tree) or "").split("\n", 1)[0].strip()
    return Parsed(decoded, title=first_line or name, sections=tuple(_sections(decoded, tree)))


def _parse(text: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None  # another version of Python, or a template: it is read as text without sections


def _sections(decoded: DecodedText, tree: ast.Module) -> Iterable[Section]:
    text = decoded.text
    starts = [0, *newline_offsets(text), len(text)]

    def is_comment(line: int, column: int) -> bool:
        """Whether a line contains only a comment, which begins at this column."""
        start = starts[line - 1]
        return _indent(text, start) == column and text.startswith("#", start + column)

    def first_line(node: _Definition, floor: int) -> int:
        """The first line of a definition, with its decorators and the comments directly above it."""
        line = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        while line - 1 > floor and is_comment(line - 1, node.col_offset):
            line -= 1
        return line

    def walk(body: Iterable[ast.AST], path: tuple[str, ...], floor: int) -> Iterator[Section]:
        for node in body:
            if isinstance(node, _Definition):
                inner = (*path, node.name)
                yield Section(starts[first_line(node, floor) - 1], inner)
                if isinstance(node, ast.ClassDef):
                    yield from walk(node.body, inner, node.lineno)
                yield Section(starts[min(node.end_lineno or node.lineno, len(starts) - 1)], path)
            elif isinstance(node, _COMPOUND):
                yield from walk(ast.iter_child_nodes(node), path, floor)
            floor = max(floor, getattr(node, "end_lineno", None) or floor)

    # of sections with the same start, only the last one has any text
    return {section.start: section for section in walk(tree.body, (), 0)}.values()


def _indent(text: str, start: int) -> int:
    end = start
    while text.startswith((" ", "\t"), end):
        end += 1
    return end - start
