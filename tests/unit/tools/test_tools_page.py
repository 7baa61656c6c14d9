"""The examples of docs/how-to/tools.md are executed."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest
import typer.main
import yaml

from omni_pipelines.cli.main import app
from omni_pipelines.tools.documents import check_document

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "how-to" / "tools.md"
TEXT = PAGE.read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def test_examples_on_the_page_give_the_results_shown() -> None:
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    examples = doctest.DocTestParser().get_doctest("\n".join(blocks("python")), {}, "tools.md", str(PAGE), 0)
    problems: list[str] = []
    outcome = runner.run(examples, out=problems.append)
    assert outcome.attempted > 15
    assert outcome.failed == 0, "".join(problems)


def test_tool_document_on_the_page_is_valid() -> None:
    (document,) = blocks("yaml")
    assert check_document(yaml.safe_load(document)) == []


@pytest.mark.parametrize("line", "".join(blocks("sh")).splitlines())
def test_commands_on_the_page_exist(line: str) -> None:
    group, command, *rest = line.removeprefix("omni ").split()
    click_command = typer.main.get_command(app).commands[group].commands[command]  # type: ignore[attr-defined]
    options = {name for option in click_command.params for name in option.opts}
    assert {word for word in rest if word.startswith("--")} <= options


def test_error_codes_on_the_page_are_those_of_refused_calls() -> None:
    from omni_pipelines.tools.argument_check import PROBLEM_CODES

    assert set(re.findall(r"^\| (\d{4}) \|", TEXT, re.MULTILINE)) == {
        str(code) for code in PROBLEM_CODES.values()
    } | {"1001"}
