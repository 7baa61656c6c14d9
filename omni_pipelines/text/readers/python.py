"""Python source: the text stays as it is; classes and functions give the structure."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator

from omni_pipelines.text.decoding import Decoded, decode, newline_offsets
from omni_pipelines.text.document import Parsed, Section

_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", re.MULTILINE)
_NAMED = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


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
    starts = [0, *newline_offsets(decoded.text)]

    def start_of(line: int) -> int:
        return starts[line - 1] if line <= len(starts) else len(decoded.text)

    def walk(body: list[ast.stmt], path: tuple[str, ...]) -> Iterator[Section]:
        for node in body:
            if isinstance(node, _NAMED):
                first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
                inner = (*path, node.name)
                yield Section(start_of(first), inner)
                if isinstance(node, ast.ClassDef):
                    yield from walk(node.body, inner)
                yield Section(start_of((node.end_lineno or node.lineno) + 1), path)

    yield from _merged(walk(tree.body, ()))


def _merged(sections: Iterator[Section]) -> Iterator[Section]:
    """Of sections that begin at the same place, only the last holds any text."""
    held: Section | None = None
    for section in sections:
        if held is not None and section.start != held.start:
            yield held
        held = section
    if held is not None:
        yield held
