"""The entry point of `omni`: it runs a command, and turns every failure into a message, its cure and an exit code."""

import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Annotated

import click
import typer

from omni_pipelines.cli.lazy_group import LazyGroup
from omni_pipelines.cli.output import Stdout, complaint, narrate, say
from omni_pipelines.errors import ConfigurationError, UnexpectedError, from_exception

INTERRUPTED = 130
"""The exit code after Ctrl+C."""


app = typer.Typer(
    name="omni",
    cls=LazyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        say(f"omni {version('omni-pipelines')}")
        raise typer.Exit


@app.callback()
def omni(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Keep a knowledge base up to date, and ask it questions with citations."""


def run() -> None:
    """Run the command that the process was called with, and end the process with its exit code."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `omni search … | head` is no error
    os.putenv("RUST_BACKTRACE", "0")  # where an engine panics, our message and its cure say what it means
    code = execute(sys.argv[1:])
    if code == INTERRUPTED:  # threads of engines may still work, which abort a process that unloads them
        sys.stdout.flush()
        os._exit(code)
    sys.exit(code)


def execute(arguments: Sequence[str], application: Callable[..., int] = app) -> int:
    """Run a command; its exit code."""
    stdout = Stdout()
    try:
        # typer turns Ctrl+C into the exit code 130, and returns it
        code: int = application(list(arguments), prog_name="omni", standalone_mode=False, obj=stdout) or 0
    except (click.exceptions.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        code = 2
    except click.ClickException as error:
        code = _report(_usage_error(error), as_json="--json" in arguments)
    except SystemExit:
        raise
    except BaseException as error:  # noqa: BLE001  # the last line of defence; a panic in Rust is no Exception
        code = _report(error, as_json="--json" in arguments and not stdout.has_document)
    if code == INTERRUPTED:
        narrate("omni: interrupted; finished work is kept")
    return code


def _report(error: BaseException, *, as_json: bool) -> int:
    """Write an error to stderr, and as a JSON document to stdout; its exit code."""
    reported = from_exception(error)
    cure = reported.cure
    if isinstance(reported, UnexpectedError):
        traceback.print_exception(error)
        cure = "this is a defect of omni; please report it with the lines above"
    narrate(complaint(reported.message, reported.code, cure))
    if as_json:
        from omni_pipelines.cli.json_output import say_json  # pydantic, which `omni --help` need not wait for
        from omni_pipelines.responses import ToolResponse

        say_json(ToolResponse.from_exception(error))
    return reported.exit_code


def _usage_error(error: click.ClickException) -> ConfigurationError:
    message, _, hint = error.format_message().partition(" Did you mean ")  # click and typer both add it
    context = getattr(error, "ctx", None)
    near = hint.split("?")[0].replace("'", "")
    cure = f"did you mean {near}?" if near else f"run: {context.command_path if context else 'omni'} --help"
    return ConfigurationError(message.rstrip("."), cure=cure)


if __name__ == "__main__":
    run()
