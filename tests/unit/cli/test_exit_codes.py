"""How a command ends: exit codes, and the messages of failures on stderr and in JSON."""

from __future__ import annotations

from collections.abc import Callable

import click
import pytest
import typer

from omni_pipelines.cli.json_output import say_json
from omni_pipelines.cli.output import Stdout
from omni_pipelines.errors import NoAnswer
from tests.unit.cli.conftest import Omni

Application = Callable[..., int]


def failing(error: BaseException) -> Application:
    """A command line whose commands all raise this error."""

    def application(*_: object, **__: object) -> int:
        raise error

    return application


def application_of(command: Callable[[], None]) -> typer.Typer:
    application = typer.Typer()
    application.command()(command)
    return application


def raising(error: BaseException) -> typer.Typer:
    def command() -> None:
        raise error

    return application_of(command)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()], ids=repr)
def test_interrupted_command_exits_with_130_and_says_that_work_is_kept(omni: Omni, error: BaseException) -> None:
    output = omni(application=raising(error))
    assert output.code == 130
    assert "finished work is kept" in output.err


@pytest.mark.parametrize(("error", "code"), [(typer.Exit(), 0), (typer.Exit(4), 4)], ids=str)
def test_command_that_exits_by_itself_chooses_the_code(omni: Omni, error: Exception, code: int) -> None:
    assert omni(application=raising(error)).code == code


def test_finished_command_exits_with_0(omni: Omni) -> None:
    assert omni(application=application_of(lambda: None)).code == 0


def test_failure_is_a_line_with_its_number_and_a_line_with_the_cure(omni: Omni) -> None:
    error = NoAnswer("the sources\ndo not  tell", cure="ask in other words")
    output = omni("ask", "x", application=failing(error))
    assert output.err == "omni: the sources do not tell [7001]\n      cure: ask in other words\n"
    assert (output.code, output.out) == (1, "")


def test_failure_with_json_is_also_an_envelope_on_stdout(omni: Omni) -> None:
    error = NoAnswer("the sources do not tell", cure="ask in other words")
    output = omni("ask", "x", "--json", application=failing(error))
    assert output.err == "omni: the sources do not tell [7001]\n      cure: ask in other words\n"
    assert output.envelope.is_error
    assert (output.envelope.error_code, output.envelope.metadata["cure"]) == ("7001", "ask in other words")


def test_failure_after_the_json_document_prints_no_second_document(omni: Omni) -> None:
    def application(*_: object, obj: Stdout, **__: object) -> int:
        say_json({"abstained": True}, obj)
        raise NoAnswer("the sources do not tell")

    output = omni("ask", "x", "--json", application=application)
    assert output.document == {"schema_version": 1, "abstained": True}
    assert "[7001]" in output.err


@pytest.mark.parametrize(
    ("error", "exit_code", "line"),
    [
        (
            FileNotFoundError(2, "No such file or directory", "a.md"),
            1,
            "omni: No such file or directory: a.md [4003]",
        ),
        (OSError(28, "No space left on device"), 1, "omni: No space left on device [4002]"),
        (TimeoutError("too slow"), 3, "omni: too slow [3003]"),
    ],
)
def test_error_of_the_system_has_a_number_and_a_cure(omni: Omni, error: OSError, exit_code: int, line: str) -> None:
    output = omni("status", application=failing(error))
    assert output.code == exit_code
    assert output.err.splitlines()[0] == line
    assert "cure: " in output.err.splitlines()[1]


def test_a_panic_of_an_engine_is_one_error_without_a_traceback(omni: Omni) -> None:
    panic = type("PanicException", (BaseException,), {"__module__": "pyo3_runtime"})
    output = omni("status", application=failing(panic("index out of bounds")))
    assert (output.code, output.err.splitlines()[0]) == (1, "omni: index out of bounds [3002]")
    assert "cure: " in output.err


def test_defect_shows_its_traceback_and_asks_for_a_report(omni: Omni) -> None:
    output = omni("status", "--json", application=failing(KeyError("colour")))
    assert output.code == 1
    assert "Traceback" in output.err
    assert output.err.splitlines()[-2] == "omni: KeyError: 'colour' [3002]"
    assert "please report it" in output.err.splitlines()[-1]
    assert output.envelope.error_code == "3002"


@pytest.mark.parametrize(
    ("arguments", "line", "cure"),
    [
        (("status", "--bogus"), "No such option '--bogus'", "run: omni status --help"),
        (("ask", "what", "does", "moor", "-v", "do"), "No such option '-v'", "put the words in quotes: omni ask"),
        (("search",), "Missing argument 'QUERY'", "run: omni search --help"),
        (("sarch", "x"), "No such command 'sarch'", "did you mean search?"),
        (("model", "pul"), "No such command 'pul'", "did you mean pull?"),
        (("search", "x", "-k", "many"), "omni: -k: 'many' is not a valid integer", "run: omni search --help"),
        (("search", "x", "--mode", "fuzzy"), "'fuzzy' is not one of 'hybrid', 'keyword', 'vector'", "search --help"),
        (("ask", "x", "--mode", "creative"), "is not one of 'auto', 'extractive', 'generative'", "ask --help"),
        (("knowledge", "list", "--category", "poems"), "'poems' is not one of patterns, solutions", "list --help"),
        (
            ("db", "count", "chunk"),
            "TABLE: 'chunk' is not one of 'documents', 'quarantine'",
            "run: omni db count --help",
        ),
    ],
)
def test_wrong_call_exits_with_2_and_names_the_cure(
    omni: Omni, arguments: tuple[str, ...], line: str, cure: str
) -> None:
    output = omni(*arguments, "--json")
    first, second = output.err.splitlines()
    assert output.code == 2
    assert line in first
    assert first.endswith("[1001]")
    assert second.startswith("      cure: ")
    assert cure in second
    assert output.envelope.error_code == "1001"


def test_omni_without_a_command_shows_the_help(omni: Omni) -> None:
    output = omni()
    assert output.code == 2
    assert "Usage: omni" in output.out + output.err


def test_command_without_a_home_prints_the_envelope(omni: Omni) -> None:
    output = omni("status", "--home", "none", "--json")
    assert output.code == 2
    assert output.envelope.error_code == "3005"
    assert "no knowledge base" in str(output.envelope.error_message)
