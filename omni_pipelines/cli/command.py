"""The shape of every command: it takes what it depends on, and returns a record, which is printed as JSON or as text.

    @command(show_hits)
    def search(home: RefreshedHome, query: QueryArgument, k: HitsOption = 10) -> SearchResult: ...

A parameter whose annotation holds `Depends(provider)` is no option: its provider is called with options of its own,
such as `--home`, and the result is passed. The record is printed by the view, or with `--json` as one document.
"""

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar, get_type_hints

import click
import typer

from omni_pipelines.cli.formats import Format
from omni_pipelines.cli.json_output import say_json
from omni_pipelines.cli.output import Stdout, narrate, say
from omni_pipelines.errors import ConfigurationError, OmniError
from omni_pipelines.processes import running

R = TypeVar("R")
T = TypeVar("T")
Function = Callable[..., object]
Fields = Mapping[str, object]
"""A record of a few fields: name → value."""
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]


@dataclass(frozen=True)
class Depends:
    """Marks a parameter that a provider makes from options: `Annotated[Home, Depends(find)]`."""

    provider: Function


class Rows(Generic[T]):
    """A record that is a list, with a name in JSON, and further fields."""

    def __init__(self, name: str, rows: Sequence[T], **fields: object) -> None:
        self.name, self.rows, self.fields = name, rows, fields

    def as_json(self) -> Fields:
        """The fields, and the list under its name."""
        return {**self.fields, self.name: self.rows}


@dataclass(frozen=True)
class Verbatim:
    """A text that is printed as it is: a page, or a document with a format of its own."""

    text: str
    json_text: str = ""
    """What `--json` prints; default: the text."""


@dataclass(frozen=True)
class Result(Generic[R]):
    """A record, and how the command ends after it is printed."""

    record: R
    note: str = ""
    """A line for the person who watches, printed in both forms."""
    error: OmniError | None = None
    is_document: bool = True
    """Whether `--json` prints the record; else it prints only the error."""
    exit_code: int = 0


def command(
    view: Callable[[R], None] | None, *, around: Callable[[], AbstractContextManager[None]] = nullcontext
) -> Callable[[Callable[..., R | Result[R] | Verbatim | None]], Callable[..., None]]:
    """Make a function a command that prints what it returns.

    Args:
        view: prints the record as text; without one, the command prints by itself and has no `--json`.
        around: the context in which the function runs, such as `showing_progress`.
    """

    def decorate(function: Callable[..., R | Result[R] | Verbatim | None]) -> Callable[..., None]:
        options = _options(function)
        if view is not None:
            json = inspect.Parameter("json", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=JsonOption)
            options["json"] = json

        @functools.wraps(function)
        def run(**values: object) -> None:
            json = view is not None and bool(values.pop("json"))
            if json and values.get("form", Format.TEXT) is not Format.TEXT:
                raise ConfigurationError("--json and --format print the same in two ways", cure="give one of them")
            context = click.get_current_context(silent=True)
            with running(context.command_path if context else "omni"), around():
                returned = function(**_arguments(function, values, {}))
            if isinstance(returned, Verbatim):
                say((json and returned.json_text) or returned.text)
            elif returned is not None and view is not None:
                _finish(returned if isinstance(returned, Result) else Result(returned), view, json=json)

        del run.__wrapped__  # typer reads the signature below, not that of the function
        run.__annotations__ = {}
        run.__signature__ = inspect.Signature(list(options.values()))  # type: ignore[attr-defined]
        return run

    return decorate


def _finish(result: Result[R], view: Callable[[R], None], *, json: bool) -> None:
    if json and result.is_document:
        say_json(result.record, click.get_current_context().find_object(Stdout))
    elif not json:
        view(result.record)
    if result.note:
        narrate(result.note)
    if result.error is not None:
        raise result.error
    if result.exit_code:
        raise typer.Exit(result.exit_code)


def _parameters(function: Function) -> Iterator[tuple[inspect.Parameter, Function | None]]:
    """Each parameter with its evaluated annotation, and the provider of its value if it has one."""
    hints = get_type_hints(function, include_extras=True)
    for parameter in inspect.signature(function).parameters.values():
        marks = getattr(hints[parameter.name], "__metadata__", ())
        provider = next((mark.provider for mark in marks if isinstance(mark, Depends)), None)
        yield parameter.replace(annotation=hints[parameter.name], kind=inspect.Parameter.KEYWORD_ONLY), provider


def _options(function: Function) -> dict[str, inspect.Parameter]:
    """The options and arguments of a function, its own before those of its providers."""
    parameters = list(_parameters(function))
    options = {parameter.name: parameter for parameter, provider in parameters if provider is None}
    for _, provider in reversed(parameters):
        options |= _options(provider) if provider is not None else {}
    return options


def _arguments(function: Function, values: Fields, provided: dict[Function, object]) -> dict[str, object]:
    """What a function is called with: values of options, and what its providers return, each called once."""
    arguments = {}
    for parameter, provider in _parameters(function):
        if provider is None:
            arguments[parameter.name] = values[parameter.name]
            continue
        if provider not in provided:
            provided[provider] = provider(**_arguments(provider, values, provided))
        arguments[parameter.name] = provided[provider]
    return arguments
