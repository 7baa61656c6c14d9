"""The sample project of docs/how-to/testing.md runs as the page says, in its own pytest process."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from omni_pipelines.testing import assertions, fixtures, layers, plugin

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "testing.md").read_text("utf-8")
FILE = re.compile(r"^`([\w./-]+)`\n\n```\w+\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The files of the page, with the names from the page."""
    for name, text in FILE.findall(PAGE):
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return tmp_path / "project"


def run(project: Path, *options: str) -> tuple[int, str]:
    """Exit code and output of `pytest OPTIONS`, run in the project's folder."""
    command = [sys.executable, "-m", "pytest", "-v", "-p", "no:langsmith_plugin", *options]  # takes a second to load
    result = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=300, check=False)
    return result.returncode, result.stdout + result.stderr


def passed(output: str) -> list[str]:
    return sorted(line.split(" PASSED")[0] for line in output.splitlines() if " PASSED" in line)


UNIT = [
    "tests/unit/test_names.py::test_skill_name_of_a_title[spaces at both ends]",
    "tests/unit/test_names.py::test_skill_name_of_a_title[two words]",
    "tests/unit/test_summary.py::test_prompt_contains_the_text",
]
INTEGRATION = [
    "tests/integration/test_answers.py::test_answer_has_citations",
    "tests/integration/test_answers.py::test_next_release_does_not_contain_a_deleted_file",
]


def test_sample_project_runs_all_layers_except_cloud_by_default(project: Path) -> None:
    code, output = run(project)
    assert (code, passed(output)) == (0, INTEGRATION + UNIT), output
    assert "deselected: 1 cloud (run them with --cloud)" in output


def test_sample_project_runs_cloud_tests_on_request(project: Path) -> None:
    code, output = run(project, "--layer", "cloud")
    assert code == 1
    assert "needs an account" in output


def test_invalid_data_file_is_an_error_with_its_path(project: Path) -> None:
    (project / "tests" / "unit" / "names.yaml").write_text("- nme: x\n")
    code, output = run(project, "--fast")
    assert code == 2
    assert "names.yaml, case 1 has an unknown field 'nme'; did you mean name?" in output
    assert "Traceback" not in output


def test_sample_project_without_the_setting_can_use_layers_and_fixtures(project: Path) -> None:
    (project / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    code, output = run(project, "--layer", "unit")
    assert (code, passed(output)) == (0, UNIT), output


def test_page_names_every_assertion_fixture_and_option() -> None:
    helpers = {name for name in vars(assertions) if name.startswith("assert_")}
    fixture_names = {
        name for name, thing in vars(fixtures).items() if type(thing).__name__ == "FixtureFunctionDefinition"
    }
    decorators = {f"@{layer}" for layer in layers.Layer} | {"skip_if_cloud", "only_cloud"}
    assert len(fixture_names) >= 9
    names = helpers | fixture_names | decorators | {"--layer", *plugin._FLAGS, "omni_layers", "omni_layer_budgets"}
    assert [name for name in sorted(names) if f"`{name}" not in PAGE and f" {name}" not in PAGE] == []


def test_page_shows_the_current_budgets_and_deadlines() -> None:
    for layer, allowance in layers.ALLOWANCES.items():
        row = next(line for line in PAGE.splitlines() if line.startswith(f"| {layer} |"))
        assert row.endswith(f"| {allowance.cpu_seconds:g} s | {allowance.deadline_seconds // 60} min |")
        patterns = [
            name for rules in (layers.TEST_DIRS, layers.TEST_FILES) for name, of in rules.items() if of is layer
        ]
        assert [name for name in patterns if name.removeprefix("test_") not in row] == []
