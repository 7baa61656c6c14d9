"""Python source: the text stays as it is; classes and functions give the structure."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable, Iterator

from omni_pipelines.text.decoding import Decoded, decode, newline_offsets
from omni_pipelines.text.document import Parsed, Section

_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", re.MULTILINE)
_Named = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
_NAMED = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_COMPOUND = (ast.If, ast.Try, ast.With, ast.For, ast.While, ast.ExceptHandler)
"""What definitions may stand inside without getting another name."""


def read(raw: bytes, name: str) -> Parsed:
    """Sections by class and function, nested; the module's docstring opens with its title."""
    cookie = _COOKIE.search(b"\n".join(raw.split(b"\n", 2)[:2]))
    decoded = decode(raw, cookie[1].decode("ascii") if cookie else None)
    tree = _parse(decoded.text)
    if tree is None:
        return Parsed(decoded, title=name)
    first = (ast.get_docstring(tree) or "").split("\n", 1)[0].strip()
    return Parsed(decoded, title=first or name, sections=tuple(_sections(decoded, tree)))


def _parse(text: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None  # other versions of Python, templates: still good text


def _sections(decoded: Decoded, tree: ast.Module) -> Iterator[Section]:
    text = decoded.text
    starts = [0, *newline_offsets(text), len(text)]
    commented = [text.startswith("#", start + _indent(text, start)) for start in starts]

    def first_line(node: _Named, floor: int) -> int:
        """With its decorators, and the comments right above it, which speak of it."""
        line = min([node.lineno, *(each.lineno for each in node.decorator_list)])
        while line - 1 > floor and commented[line - 2] and _indent(text, starts[line - 2]) == node.col_offset:
            line -= 1
        return line

    def walk(body: Iterable[ast.AST], path: tuple[str, ...], floor: int) -> Iterator[Section]:
        for node in body:
            if isinstance(node, _NAMED):
                inner = (*path, node.name)
                yield Section(starts[first_line(node, floor) - 1], inner)
                if isinstance(node, ast.ClassDef):
                    yield from walk(node.body, inner, node.lineno)
                yield Section(starts[min(node.end_lineno or node.lineno, len(starts) - 1)], path)
            elif isinstance(node, _COMPOUND):
                yield from walk(ast.iter_child_nodes(node), path, floor)
            floor = max(floor, getattr(node, "end_lineno", None) or floor)

    yield from _merged(walk(tree.body, (), 0))


def _indent(text: str, start: int) -> int:
    at = start
    while text.startswith((" ", "\t"), at):
        at += 1
    return at - start


def _merged(sections: Iterator[Section]) -> Iterator[Section]:
    """Of sections that begin at the same place, only the last holds any text."""
    held: Section | None = None
    for section in sections:
        if held is not None and section.start != held.start:
            yield held
        held = section
    if held is not None:
        yield held
