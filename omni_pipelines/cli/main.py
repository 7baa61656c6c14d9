"""The entry point of `omni`: it runs a command, and turns every failure into a message, its cure and an exit code."""

import gc
import os
import re
import sys
from collections.abc import Callable, Sequence
from typing import Annotated

import click
import typer

from native.later_modules import import_later
from omni_pipelines.cli.lazy_group import LazyGroup
from omni_pipelines.cli.output import Stdout, complaint, ending_with_reader, narrate, say

INTERRUPTED = 130
"""The exit code after Ctrl+C."""
_ABOUT_WORDS = ("omni ask", "omni search")
"""Commands whose words a person may write without quotes; a shell passes an option among them as one of omni."""
_FIRST_OBJECTS = 2_000_000
"""New objects after which Python first collects garbage: more than imports make, which leave hardly any garbage."""
_NEW_OBJECTS = 50_000
"""New objects between later collections. With the default of 700, objects that stay are examined many times."""


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
        from importlib.metadata import version  # loads the parser of mail, which no other command needs

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
    sys.stdout, sys.stderr = ending_with_reader(sys.stdout), ending_with_reader(sys.stderr)
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # noqa: TID251  # to look for some takes 20 ms
    import_later(
        "importlib.metadata", ["entry_points"]
    )  # it loads the parser of mail; pydantic imports it to look for plug-ins
    os.environ.setdefault("LANCE_LOG", "error")  # noqa: TID251  # not a warning for each part of an index that is empty
    os.putenv("RUST_BACKTRACE", "0")  # where an engine panics, our message and its cure say what it means
    gc.set_threshold(_FIRST_OBJECTS)
    gc.callbacks.append(_collect_more_often)
    code = execute(sys.argv[1:])
    if code == INTERRUPTED:  # threads of engines may still work, which abort a process that unloads them
        sys.stdout.flush()
        os._exit(code)
    gc.freeze()  # the interpreter would look for garbage in all modules before it ends: an eighth of a search
    sys.exit(code)


def _collect_more_often(_phase: str, _about: object) -> None:
    gc.set_threshold(_NEW_OBJECTS)
    gc.callbacks.remove(_collect_more_often)


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
    from omni_pipelines.errors import UnexpectedError, from_exception  # a fifth of the time of `omni --help`

    reported = from_exception(error)
    cure = reported.cure
    if isinstance(reported, UnexpectedError):
        sys.excepthook(type(error), error, error.__traceback__)
        cure = "this is a defect of omni; please report it with the lines above"
    narrate(complaint(reported.message, reported.code, cure))
    if as_json:
        from omni_pipelines.cli.json_output import say_json  # pydantic, which `omni --help` need not wait for
        from omni_pipelines.responses import ToolResponse

        say_json(ToolResponse.from_exception(error))
    return reported.exit_code


def _usage_error(error: click.ClickException) -> Exception:
    from omni_pipelines.errors import ConfigurationError

    said = re.sub(r"^Invalid value for '\[?([^:'\]]+)[^']*': ", r"\1: ", error.format_message())
    message, _, hint = said.replace(" (Did", " Did").partition(" Did you mean ")  # click and typer both add it
    context = getattr(error, "ctx", None)
    near = hint.removeprefix("one of: ").split("?")[0].replace("'", "")
    path = context.command_path if context else "omni"
    cure = f"did you mean {near}?" if near else f"run: {path} --help"
    if not near and isinstance(error, click.NoSuchOption) and path in _ABOUT_WORDS:
        cure = f'put the words in quotes: {path} "what does {error.option_name} do"; options: {path} --help'
    return ConfigurationError(message.rstrip("."), cure=cure)


if __name__ == "__main__":
    run()
