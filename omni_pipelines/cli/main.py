"""The omni command. Everything heavy is imported inside the commands, so that `--help` is instant."""

from __future__ import annotations

import signal
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import click
import typer

from omni_pipelines.cli import evaluate, model, pipeline, providers, reading, releases, schema, skill, sql
from omni_pipelines.cli.options import HomeOption
from omni_pipelines.cli.output import complain, narrate, say
from omni_pipelines.errors import OmniError

INTERRUPTED = 130
"""The exit code after Ctrl+C."""

app = typer.Typer(
    name="omni",
    help="Keep a knowledge base true, and ask it questions with citations.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
pipeline.add_to(app)
reading.add_to(app)
providers.add_to(app)
app.command("eval")(evaluate.evaluate)
app.add_typer(releases.app, name="releases")
app.add_typer(model.app, name="model")
app.add_typer(skill.app, name="skill")
schema.add_to(app)
app.command()(sql.sql)


def _print_version(asked: bool) -> None:
    if asked:
        say(f"omni {version('omni-pipelines')}")
        raise typer.Exit


@app.callback()
def main(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Keep a knowledge base true, and ask it questions with citations."""


@app.command()
def init(home: HomeOption = None) -> None:
    """Make an empty knowledge base here."""
    from omni_pipelines.settings import find_home

    place = find_home(home)
    if home is None:
        from omni_pipelines.settings import HOME_NAME, Home

        place = Home(Path.cwd() / HOME_NAME)
    place.create()
    say(str(place.root))
    narrate("next: omni model pull, once; then omni ingest PATH")


def run() -> None:
    """The entry point: every failure becomes one line and an exit code."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `omni search … | head` is no error
    try:
        code = app(standalone_mode=False) or 0  # typer catches Ctrl+C, and gives 130 back
    except (click.exceptions.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except OmniError as error:
        complain(error)
        sys.exit(error.exit_code)
    except Exception as error:  # noqa: BLE001  # the last line of defence; what it does not know, it raises
        sys.exit(_foreign(error))
    if code == INTERRUPTED:
        narrate("omni: interrupted; nothing that was finished is lost")
    sys.exit(code)


def _foreign(error: Exception) -> int:
    from native.errors import EngineError, ModelCorrupt, WriteConflict

    if isinstance(error, EngineError):
        complain(error)
        return 3 if isinstance(error, WriteConflict) else 2 if isinstance(error, ModelCorrupt) else 1
    if isinstance(error, OSError):
        complain(OmniError(f"{error.strerror or error}: {error.filename or ''}".rstrip(": ")))
        return 1
    raise error


if __name__ == "__main__":
    run()
