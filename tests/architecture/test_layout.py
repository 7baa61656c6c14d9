"""The shape of the code: what the house rules say is what stands on disk."""

from __future__ import annotations

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("omni_pipelines", "assets", "native", "resources", "sensors")
MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
MAX_LINES = 500
VAGUE = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_is_imported_from_this_checkout(room: str) -> None:
    """Their names are general: another distribution, or a folder nearby, could stand in front of them."""
    module = __import__(room)
    assert module.__file__ is not None
    assert Path(module.__file__).is_relative_to(ROOT)
    assert set(packages_distributions().get(room, ["omni-pipelines"])) == {"omni-pipelines"}


def test_no_module_is_longer_than_one_can_read_in_a_sitting() -> None:
    modules = [*MODULES, *(ROOT / "tests").rglob("*.py")]
    long = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in modules}
    assert {name: lines for name, lines in long.items() if lines > MAX_LINES} == {}


def test_package_files_hold_a_docstring_and_nothing_else() -> None:
    packages = [path for path in MODULES if path.name == "__init__.py"]
    bodies = {str(path.relative_to(ROOT)): ast.parse(path.read_text()).body for path in packages}
    full = [name for name, body in bodies.items() if len(body) != 1 or not isinstance(body[0], ast.Expr)]
    assert full == []


def test_every_module_begins_with_a_docstring() -> None:
    assert [str(path) for path in MODULES if ast.get_docstring(ast.parse(path.read_text())) is None] == []


def test_no_module_has_a_name_that_could_hold_anything() -> None:
    assert [str(path.relative_to(ROOT)) for path in MODULES if path.stem in VAGUE] == []


def test_an_asset_is_wiring_of_at_most_fifteen_lines() -> None:
    long = {}
    for path in (ROOT / "assets").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and any(
                "asset" in ast.unparse(each) for each in node.decorator_list
            ):
                first = node.body[1] if ast.get_docstring(node) else node.body[0]
                lines = (node.end_lineno or 0) - first.lineno + 1
                long |= {node.name: lines} if lines > 15 else {}
    assert long == {}


def test_the_architecture_page_names_every_room() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text()
    told = set(re.findall(r"^\| `([\w/*.]+)`", page, re.MULTILINE))
    packages = {path.parent.relative_to(ROOT) for path in MODULES if path.name == "__init__.py"}
    rooms = {str(path) for path in packages if len(path.parts) <= 2 and str(path) != "omni_pipelines"}
    missing = rooms - told
    gone = {name for name in told if "*" not in name and not (ROOT / name).exists()}
    assert (missing, gone) == (set(), set())


def test_every_dependency_has_its_reason_beside_it() -> None:
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    named = [line for line in lines if re.match(r'    "[a-z][\w-]+(\[\w+\])?[<>=][^"]*",', line)]
    reasoned = [line for line in named if re.search(r"# .{6,}", line)]
    assert len(named) > 20
    assert named == reasoned


def test_the_pins_name_no_place() -> None:
    pins = (ROOT / "constraints.txt").read_text().splitlines()
    assert [line for line in pins if not line.startswith("#") and not re.fullmatch(r"[\w.-]+==[\w.!+]+", line)] == []


def test_no_tracked_text_names_a_place_of_this_machine() -> None:
    home = str(Path.home())
    texts = [path for path in ROOT.glob("*.md")] + list((ROOT / "docs").rglob("*.md"))
    assert [str(path) for path in texts if home in path.read_text() or sys.prefix in path.read_text()] == []
