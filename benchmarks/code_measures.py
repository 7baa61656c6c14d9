"""Measure the shape of the code and compare it with the goals of this project.

    python -m benchmarks.code_measures                   print the table
    python -m benchmarks.code_measures --markdown FILE   write it to a file as well
    python -m benchmarks.code_measures --root FOLDER     measure another checkout
    python -m benchmarks.code_measures --without-types   leave out mypy, which takes most of the time

A code line is a line that is neither blank, nor a comment, nor part of a docstring. A room is a folder directly under
`omni_pipelines`, or a top-level package beside it; the modules directly in `omni_pipelines` are one more room.
"""

from __future__ import annotations

import argparse
import ast
import functools
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

PACKAGES = ("omni_pipelines", "assets", "native", "resources", "sensors")
TESTS = "tests"
MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 60
MAX_COMPLEXITY = 10
MAX_BROAD_EXCEPTS = 0.4
MAX_ANY = 8.0
MAX_PATCHES = 2.0
MAX_ROOM_SHARE = 15.0
READERS_ROOM = "omni_pipelines.text.readers"
_TEST = re.compile(r"^ *(?:async )?def test", re.MULTILINE)
_PATCH = re.compile(r"mock\.|MagicMock|monkeypatch\.|mocker\.")
_BROAD = {"Exception", "BaseException"}
_HEADER = ("measure", "value", "goal", "", "where")
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)

Graph = Mapping[str, set[str]]


@dataclass(frozen=True)
class Module:
    """One Python file of the product."""

    name: str
    path: Path
    text: str
    tree: ast.Module
    is_package: bool

    @functools.cached_property
    def nodes(self) -> list[ast.AST]:
        """The whole tree: to walk through it takes most of the time of all measures."""
        return list(ast.walk(self.tree))

    @functools.cached_property
    def imports(self) -> list[tuple[ast.Import | ast.ImportFrom, bool]]:
        """Its import statements, each with whether it is inside a function."""
        return list(_import_statements(self.tree, is_lazy=False))

    @property
    def lines(self) -> int:
        """All lines, blank ones included."""
        return len(self.text.splitlines())

    @property
    def code_lines(self) -> int:
        """Lines that are neither blank, nor comments, nor docstrings."""
        lines = [line.strip() for line in self.text.splitlines()]
        written = sum(1 for line in lines if line and not line.startswith("#"))
        return written - sum(_docstring_lines(node) for node in self.nodes if isinstance(node, _DOCUMENTED))

    @property
    def room(self) -> str:
        """The folder under `omni_pipelines`, or the top-level package, that the module belongs to.

        The readers of formats are inside `text`; each of their folders is a room of its own.
        """
        parts = self.name.split(".")
        if parts[:3] == READERS_ROOM.split("."):
            return ".".join(parts[:4]) if len(parts) > 4 or self.is_package else READERS_ROOM
        is_folder = parts[0] == "omni_pipelines" and len(parts) > 1 and (self.is_package or len(parts) > 2)
        return ".".join(parts[:2]) if is_folder else parts[0]

    @property
    def folder(self) -> str:
        """The folder whose imports are compared: at most two levels under `omni_pipelines`.

        A module directly in `omni_pipelines` counts as a folder of its own, as it does in the import contracts.
        """
        parts = self.name.split(".")
        if not self.is_package and len(parts) != 2:
            parts = parts[:-1]
        return ".".join(parts[:3]) if parts[0] == "omni_pipelines" else parts[0]


@dataclass(frozen=True)
class Measure:
    """One row of the table. A measure without a goal is printed for information only."""

    name: str
    value: str
    goal: str = ""
    is_met: bool = True
    where: str = ""


def main() -> int:
    """Print the table and, if asked to, write it as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path(__file__).parents[1], help="the checkout to measure")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="also write the table to this file")
    parser.add_argument("--without-types", action="store_true", help="do not run mypy")
    options = parser.parse_args()
    root = options.root.resolve()
    measures = [*measure_product(load_modules(root)), *measure_complexity(root), *measure_tests(root)]
    if not options.without_types:
        measures += measure_types(root)
    print(text_table(measures))
    if options.markdown:
        options.markdown.write_text(markdown_table(measures), "utf-8")
    return 0


def load_modules(root: Path) -> list[Module]:
    """Parse every Python file of the product."""
    modules = []
    for path in sorted(path for package in PACKAGES for path in (root / package).rglob("*.py")):
        text = path.read_text("utf-8")
        is_package = path.name == "__init__.py"
        parts = path.relative_to(root).with_suffix("").parts
        name = ".".join(parts[:-1] if is_package else parts)
        modules.append(Module(name, path, text, ast.parse(text), is_package))
    return modules


def measure_product(modules: list[Module]) -> list[Measure]:
    """Measure sizes, imports, and what is caught, untyped or silenced."""
    lines = sum(module.lines for module in modules)
    thousands = sum(module.code_lines for module in modules) / 1000
    longest_module = max(modules, key=lambda module: module.lines)
    functions = [(_length(node), f"{m.name}.{node.name}") for m in modules for node in _functions(m.nodes)]
    length, longest = max(functions)
    broad = sum(_is_broad(node) for module in modules for node in module.nodes)
    untyped = sum(isinstance(node, ast.Name) and node.id == "Any" for m in modules for node in m.nodes)
    texts = [module.text for module in modules]
    return [
        Measure("modules", f"{len(modules):,}"),
        Measure("lines", f"{lines:,}"),
        Measure("code lines", f"{thousands * 1000:,.0f}"),
        _at_most("lines of the largest module", longest_module.lines, MAX_MODULE_LINES, longest_module.name),
        Measure("functions", f"{len(functions):,}"),
        _at_most("lines of the longest function", length, MAX_FUNCTION_LINES, longest),
        _at_most(
            f"functions longer than {MAX_FUNCTION_LINES} lines",
            sum(length > MAX_FUNCTION_LINES for length, _ in functions),
            0,
        ),
        *_measure_imports(modules),
        _largest_room(modules, lines),
        _repeated_classes(modules),
        _at_most(
            "broad excepts per 1,000 code lines", round(broad / thousands, 2), MAX_BROAD_EXCEPTS, f"{broad} in all"
        ),
        _at_most("`Any` per 1,000 code lines", round(untyped / thousands, 1), MAX_ANY, f"{untyped} in all"),
        Measure("`# noqa`", f"{sum(text.count('# noqa') for text in texts)}"),
        Measure("`# type: ignore`", f"{sum(text.count('# type: ignore') for text in texts)}"),
    ]


def measure_complexity(root: Path) -> list[Measure]:
    """Count functions that ruff finds too complex, whether or not a comment silences it."""
    rule = [
        "--isolated",
        "--ignore-noqa",
        "--select",
        "C901",
        "--config",
        f"lint.mccabe.max-complexity={MAX_COMPLEXITY}",
    ]
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", *rule, "--output-format", "json", *PACKAGES]
    result = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    names = [problem["message"].split("`")[1] for problem in json.loads(result.stdout)]
    return [_at_most(f"functions with a complexity above {MAX_COMPLEXITY}", len(names), 0, ", ".join(names))]


def measure_tests(root: Path) -> list[Measure]:
    """Count the test functions, and how often they replace a name of the product."""
    texts = [path.read_text("utf-8") for path in (root / TESTS).rglob("*.py")]
    tests = sum(len(_TEST.findall(text)) for text in texts)
    patches = sum(len(_PATCH.findall(text)) for text in texts)
    share = round(100 * patches / max(tests, 1), 1)
    return [
        Measure("tests", f"{tests:,}"),
        _at_most("patched names per 100 tests", share, MAX_PATCHES, f"{patches} in all"),
    ]


def measure_types(root: Path) -> list[Measure]:
    """Count the errors of mypy, which pyproject.toml sets to strict, over the product and over the tests."""
    return [
        _at_most("errors of strict mypy in the product", _type_errors(root, PACKAGES), 0),
        _at_most("errors of strict mypy in the tests", _type_errors(root, (TESTS,)), 0),
    ]


def cycles(graph: Graph) -> list[list[str]]:
    """Return the groups of two or more nodes in which each can be reached from each other."""
    reached = {node: _reachable(graph, node) for node in graph}
    groups = {
        tuple(sorted({node, *(other for other in reached[node] if node in reached[other])}))
        for node in graph
        if node in reached[node]
    }
    return sorted(list(group) for group in groups if len(group) > 1)


def imports(module: Module, known: Mapping[str, Module]) -> tuple[set[str], set[str]]:
    """Return the modules of the product imported at the top of a module, and those imported only inside functions.

    Imports under `if TYPE_CHECKING` are left out: they never run.
    """
    eager: set[str] = set()
    lazy: set[str] = set()
    for node, is_lazy in module.imports:
        (lazy if is_lazy else eager).update(_imported(module, node, known))
    return eager - {module.name}, lazy - eager - {module.name}


def text_table(measures: Iterable[Measure]) -> str:
    """Lay the measures out for a terminal."""
    rows = [_HEADER, *_rows(measures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def markdown_table(measures: Iterable[Measure]) -> str:
    """Lay the measures out as a Markdown table."""
    rows = [_HEADER, ("---",) * len(_HEADER), *_rows(measures)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _rows(measures: Iterable[Measure]) -> Iterator[tuple[str, ...]]:
    for measure in measures:
        state = ("ok" if measure.is_met else "not met") if measure.goal else ""
        yield measure.name, measure.value, measure.goal, state, measure.where


def _at_most(name: str, value: float, goal: float, where: str = "") -> Measure:
    return Measure(name, f"{value}", f"≤ {goal:g}", value <= goal, where)


def _measure_imports(modules: list[Module]) -> list[Measure]:
    known = {module.name: module for module in modules}
    eager, everything, folders = dict[str, set[str]](), dict[str, set[str]](), dict[str, set[str]]()
    pairs = 0
    for module in modules:
        top, lazy = imports(module, known)
        pairs += len(lazy)
        eager[module.name] = top
        everything[module.name] = top | lazy
        targets = {known[name].folder for name in top | lazy} - {module.folder}
        folders.setdefault(module.folder, set()).update(targets)
    statements = sum(is_lazy for module in modules for _, is_lazy in module.imports)
    return [
        _none("import cycles at import time", cycles(eager)),
        _none("import cycles, imports inside functions included", cycles(everything)),
        _none("groups of folders that import each other", cycles(folders)),
        Measure("imports inside functions", f"{statements}", where=f"{pairs} pairs of our own modules"),
    ]


def _none(name: str, groups: list[list[str]]) -> Measure:
    return _at_most(name, len(groups), 0, "; ".join(", ".join(group) for group in groups))


def _largest_room(modules: list[Module], lines: int) -> Measure:
    rooms: Counter[str] = Counter()
    for module in modules:
        rooms[module.room] += module.lines
    [(name, size)] = rooms.most_common(1)
    return _at_most("share of the largest room in all lines, %", round(100 * size / lines, 1), MAX_ROOM_SHARE, name)


def _repeated_classes(modules: list[Module]) -> Measure:
    classes = (node.name for m in modules for node in m.nodes if isinstance(node, ast.ClassDef))
    names = sorted(name for name, times in Counter(classes).items() if times > 1 and not name.startswith("_"))
    return _at_most("public class names defined more than once", len(names), 0, ", ".join(names))


def _functions(nodes: Iterable[ast.AST]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def _length(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _docstring_lines(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a docstring, blank ones left out because they are not counted as code anyway."""
    if (text := ast.get_docstring(node, clean=False)) is None:
        return 0
    blank = sum(not line.strip() for line in text.splitlines()[1:-1])
    return _length(node.body[0]) - blank


def _is_broad(node: ast.AST) -> bool:
    if not isinstance(node, ast.ExceptHandler):
        return False
    kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    return any(kind is None or (isinstance(kind, ast.Name) and kind.id in _BROAD) for kind in kinds)


def _import_statements(tree: ast.AST, *, is_lazy: bool) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node, is_lazy
        elif isinstance(node, ast.If) and _is_type_checking(node.test):
            continue
        elif isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case):  # expressions hold no imports
            is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            yield from _import_statements(node, is_lazy=is_lazy or is_function)


def _is_type_checking(test: ast.expr) -> bool:
    return getattr(test, "id", "") == "TYPE_CHECKING" or getattr(test, "attr", "") == "TYPE_CHECKING"


def _imported(module: Module, node: ast.Import | ast.ImportFrom, known: Mapping[str, Module]) -> set[str]:
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    else:
        base = node.module or ""
        if node.level:
            package = module.name.split(".")[: None if module.is_package else -1]
            base = ".".join([*package[: len(package) - node.level + 1], *base.split(".")]).rstrip(".")
        names = [f"{base}.{alias.name}" for alias in node.names]
    return {found for name in names if (found := _nearest(name, known))}


def _nearest(name: str, known: Mapping[str, Module]) -> str:
    """The module that a dotted name is, or is taken from."""
    while name and name not in known:
        name = name.rpartition(".")[0]
    return name


def _reachable(graph: Graph, start: str) -> set[str]:
    seen: set[str] = set()
    waiting = list(graph[start])
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            waiting.extend(graph.get(node, ()))
    return seen


def _type_errors(root: Path, folders: Iterable[str]) -> int:
    command = [sys.executable, "-m", "mypy", "--explicit-package-bases", "--no-error-summary", *folders]
    result = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if result.returncode not in (0, 1):
        raise SystemExit(f"mypy could not run: {result.stdout}{result.stderr}")
    return sum(" error: " in line for line in result.stdout.splitlines())


if __name__ == "__main__":
    sys.exit(main())
