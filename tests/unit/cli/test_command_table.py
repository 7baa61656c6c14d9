"""The table of commands: true to the functions, and complete in the help texts."""

from __future__ import annotations

import inspect
import re
import shlex

import click
import pytest
import typer

from omni_pipelines.cli.command_table import SECTIONS, CommandRow
from omni_pipelines.cli.commands.db import TableName
from omni_pipelines.cli.commands.launch import Job
from omni_pipelines.cli.examples import EXAMPLES
from omni_pipelines.cli.lazy_group import LazyGroup, import_function
from omni_pipelines.cli.main import app
from omni_pipelines.definitions import defs
from omni_pipelines.schemas import TABLES
from tests.unit.cli.conftest import Omni

ROWS = [CommandRow._make(row) for rows in SECTIONS.values() for row in rows]
COMMANDS = [row for row in ROWS if row.function]


def click_command(row: CommandRow) -> click.Command:
    command: click.Command = typer.main.get_command(app)
    for word in row.name.split():
        assert isinstance(command, LazyGroup)
        command = command.commands[word]
    return command


@pytest.mark.parametrize("row", COMMANDS, ids=lambda row: row.name)
def test_help_line_is_the_first_line_of_the_docstring(row: CommandRow) -> None:
    assert (inspect.getdoc(import_function(row)) or "").splitlines()[0] == row.help


@pytest.mark.parametrize("row", COMMANDS, ids=lambda row: row.name)
def test_every_argument_and_option_has_a_help_text(row: CommandRow) -> None:
    silent = [parameter.name for parameter in click_command(row).params if not getattr(parameter, "help", None)]
    assert silent == []


def test_every_command_and_group_has_examples() -> None:
    assert set(EXAMPLES) == {"", *(row.name for row in ROWS)}
    assert [name for name, lines in EXAMPLES.items() if not 1 <= len(lines) <= 3] == []


@pytest.mark.parametrize(("name", "line"), [(name, line) for name, lines in EXAMPLES.items() for line in lines])
def test_example_is_a_valid_call_of_its_command(name: str, line: str) -> None:
    calls = [shlex.split(re.split(r" [<|] ", part)[0]) for part in re.split(r" \| (?=omni )", line)]
    assert any(" ".join(call[1:]).startswith(name) for call in calls)
    for program, *words in calls:
        assert program == "omni"
        command: click.Command = typer.main.get_command(app)
        context = click.Context(command, info_name=program)
        while isinstance(command, LazyGroup):
            command = command.commands[words.pop(0)]
            if not isinstance(command, LazyGroup):
                context = command.make_context(command.name, words, parent=context)
        assert context.args == []


def test_help_ends_with_the_examples_as_they_are_typed(omni: Omni) -> None:
    for words in ([], ["db"], ["search"]):
        text = omni(*words, "--help").out
        lines = [line.strip() for line in text.partition("Examples:\n")[2].splitlines()]
        assert tuple(lines) == EXAMPLES[" ".join(words)]


def test_help_of_a_command_describes_its_arguments_once(omni: Omni) -> None:
    text = omni("show", "--help").out
    assert text.count("PATH:LINE-LINE") == 1
    assert "Arguments:" in text


def test_help_of_a_group_lists_its_commands(omni: Omni) -> None:
    text = omni("db", "index", "--help").out
    listed = text.partition("Commands:\n")[2].partition("\n\n")[0]
    assert [line.split()[0] for line in listed.splitlines()] == [
        "create",
        "jobs",
        "optimize",
        "auto",
    ]


def test_help_lists_every_command_below_a_heading(omni: Omni) -> None:
    text = omni("--help").out
    assert [heading for heading in SECTIONS if f"\n{heading}:\n" not in text] == []
    assert [row.name for row in ROWS if " " not in row.name and f"\n  {row.name} " not in text] == []


def test_completion_offers_the_commands_that_begin_so() -> None:
    group = typer.main.get_command(app)
    context = click.Context(group)
    assert [item.value for item in group.shell_complete(context, "re")] == ["replay", "releases"]


def test_tables_and_jobs_to_choose_from_are_those_that_exist() -> None:
    assert list(TableName) == list(TABLES)
    jobs = {job.name for job in defs.resolve_all_job_defs() if not job.name.startswith("__")}
    assert set(Job) == jobs
