"""Groups of commands that import the module of a command only when that command is used."""

import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping

import click
import typer
from click.shell_completion import CompletionItem
from typer.core import TyperArgument, TyperCommand, TyperGroup
from typer.models import ArgumentInfo

from omni_pipelines.cli.command_table import CommandRow, commands_of
from omni_pipelines.cli.examples import EXAMPLES


class LazyGroup(TyperGroup):
    """A group of the command table. Its help and its completions import no command."""

    def __init__(self, *, path: str = "", **attributes: object) -> None:
        super().__init__(**attributes)  # type: ignore[arg-type]  # click's own attributes, passed through
        self._path = path
        self._sections = commands_of(path)
        self._rows = {word: row for section in self._sections.values() for word, row in section.items()}
        self.commands = _ImportedCommands(self._rows)  # type: ignore[assignment]  # click only reads it

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a list per section, with the help lines of the table."""
        for heading, rows in self._sections.items():
            with formatter.section(heading):
                formatter.write_dl([(word, row.help) for word, row in rows.items()])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples of the group."""
        _write_examples(self._path, formatter)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete the name of a command or an option."""
        words = [word for word in self._rows if word.startswith(incomplete)]
        items = [CompletionItem(word, help=self._rows[word].help) for word in words]
        return items + click.Command.shell_complete(self, ctx, incomplete)


class _ImportedCommands(Mapping[str, click.Command]):
    """Commands by name. Looking one up imports its module."""

    def __init__(self, rows: dict[str, CommandRow]) -> None:
        self._rows = rows
        self._imported: dict[str, click.Command] = {}

    def __getitem__(self, word: str) -> click.Command:
        if word not in self._imported:
            self._imported[word] = _click_command(word, self._rows[word])
        return self._imported[word]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


def import_function(row: CommandRow) -> Callable[..., None]:
    """Import the function of a command."""
    module, _, name = row.function.partition(":")
    function: Callable[..., None] = getattr(importlib.import_module(f"omni_pipelines.cli.commands.{module}"), name)
    return function


def _click_command(word: str, row: CommandRow) -> click.Command:
    if not row.function:
        return LazyGroup(path=row.name, name=word, help=row.help, no_args_is_help=True, rich_markup_mode=None)
    function = import_function(row)
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(word, cls=_DocumentedCommand)(function)
    command = typer.main.get_command(app)
    assert isinstance(command, _DocumentedCommand)
    command.examples_of = row.name
    parameters = inspect.signature(function).parameters
    for argument in command.params:
        if isinstance(argument, TyperArgument):  # click 8.5 resets the help text that typer 0.25 has set before
            marks = getattr(parameters[str(argument.name)].annotation, "__metadata__", ())
            argument.help = next((mark.help for mark in marks if isinstance(mark, ArgumentInfo)), None)
    return command


def _write_examples(name: str, formatter: click.HelpFormatter) -> None:
    with formatter.section("Examples"):
        for line in EXAMPLES.get(name, ()):
            formatter.write(f"{'':{formatter.current_indent}}{line}\n")  # never wrapped, to be copied as it is


class _DocumentedCommand(TyperCommand):
    """A command whose help describes its arguments, and gives examples."""

    examples_of = ""
    """The name of the command in the table."""

    def format_arguments(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write nothing: typer writes the arguments together with the options."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples of the command."""
        _write_examples(self.examples_of, formatter)
