"""The shape of the code: sizes, names, docstrings, dependencies, and the goals of `make measure`."""

from __future__ import annotations

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from benchmarks import code_measures
from omni_pipelines import schemas
from omni_pipelines.steps.step_table import STEPS

ROOT = Path(__file__).parents[2]
ROOMS = ("omni_pipelines", "assets", "native", "resources", "sensors")
MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
MAX_TEST_LINES = 500
VAGUE = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}


@pytest.mark.parametrize("room", ROOMS)
def test_package_is_imported_from_this_checkout(room: str) -> None:
    """The names are general: another distribution or folder could hide them."""
    module = __import__(room)
    assert module.__file__ is not None
    assert Path(module.__file__).is_relative_to(ROOT)
    assert set(packages_distributions().get(room, ["omni-pipelines"])) == {"omni-pipelines"}


@pytest.fixture(scope="module")
def modules() -> list[code_measures.Module]:
    return code_measures.load_modules(ROOT)


@pytest.fixture(scope="module")
def measures(modules: list[code_measures.Module]) -> dict[str, code_measures.Measure]:
    product = code_measures.measure_product(modules)
    return {measure.name: measure for measure in [*product, *code_measures.measure_tests(ROOT)]}


@pytest.mark.parametrize(
    "name",
    [
        "lines of the largest module",
        "functions longer than 60 lines",
        "import cycles at import time",
        "import cycles, imports inside functions included",
        "groups of folders that import each other",
        "share of the largest room in all lines, %",
        "public class names defined more than once",
        "broad excepts per 1,000 code lines",
        "`Any` per 1,000 code lines",
        "patched names per 100 tests",
    ],
)
def test_measure_of_the_code_meets_its_goal(measures: dict[str, code_measures.Measure], name: str) -> None:
    measure = measures[name]
    assert measure.is_met, f"{measure.value}, but the goal is {measure.goal}: {measure.where}"


def test_test_module_has_at_most_five_hundred_lines() -> None:
    lines = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in (ROOT / "tests").rglob("*.py")
    }
    assert {name: count for name, count in lines.items() if count > MAX_TEST_LINES} == {}


def test_package_file_contains_only_a_docstring() -> None:
    """The one exception is the public import, `from omni_pipelines import Librarian`."""
    public = ROOT / "omni_pipelines" / "__init__.py"
    packages = [path for path in MODULES if path.name == "__init__.py" and path != public]
    bodies = {str(path.relative_to(ROOT)): ast.parse(path.read_text()).body for path in packages}
    full = [name for name, body in bodies.items() if len(body) != 1 or not isinstance(body[0], ast.Expr)]
    assert full == []


def test_every_module_has_a_docstring(modules: list[code_measures.Module]) -> None:
    assert [module.path for module in modules] == MODULES
    assert [module.name for module in modules if ast.get_docstring(module.tree) is None] == []


def test_no_module_has_a_vague_name() -> None:
    assert [str(path.relative_to(ROOT)) for path in MODULES if path.stem in VAGUE] == []


def test_architecture_page_names_every_room() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text()
    named = set(re.findall(r"^\| `([\w/*.]+)`", page, re.MULTILINE))
    packages = {path.parent.relative_to(ROOT) for path in MODULES if path.name == "__init__.py"}
    rooms = {str(path) for path in packages if len(path.parts) <= 2 and str(path) != "omni_pipelines"}
    missing = rooms - named
    gone = {name for name in named if "*" not in name and not (ROOT / name).exists()}
    assert (missing, gone) == (set(), set())


def test_every_dependency_has_a_reason() -> None:
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    dependencies = [line for line in lines if re.match(r'    "[a-z][\w-]+(\[\w+\])?[<>=][^"]*",', line)]
    reasoned = [line for line in dependencies if re.search(r"# .{6,}", line)]
    assert len(dependencies) > 20
    assert dependencies == reasoned


def test_pins_name_versions_only() -> None:
    pins = (ROOT / "constraints.txt").read_text().splitlines()
    assert [line for line in pins if not line.startswith("#") and not re.fullmatch(r"[\w.-]+==[\w.!+]+", line)] == []


def test_no_page_names_a_path_of_this_machine() -> None:
    home = str(Path.home())
    texts = [path for path in ROOT.glob("*.md")] + list((ROOT / "docs").rglob("*.md"))
    assert [str(path) for path in texts if home in path.read_text() or sys.prefix in path.read_text()] == []


def test_every_table_of_a_step_is_recovered_uploaded_and_inspected() -> None:
    """Recovery, the shared store and the commands go through `schemas.TABLES`."""
    assert {table.name for table in STEPS.tables} <= schemas.TABLES.keys()
