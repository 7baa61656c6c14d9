"""The omni command. Everything heavy is imported inside the commands, so that `--help` is instant."""

from __future__ import annotations

import signal
import sys
import traceback
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import click
import typer

from omni_pipelines.cli import (
    bundles,
    db,
    duplicates,
    errors,
    evaluate,
    gaps,
    gate,
    golden,
    keeping,
    knowledge,
    model,
    pipeline,
    providers,
    quarantine,
    query,
    releases,
    schema,
    skill,
    source,
    sql,
    store,
    tokens,
)
from omni_pipelines.cli.options import HomeOption
from omni_pipelines.cli.output import complain, narrate, say, say_failure
from omni_pipelines.errors import ConfigurationError, UnexpectedError, from_exception

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
query.add_to(app)
keeping.add_to(app)
bundles.add_to(releases.app)
app.command(name="errors")(errors.errors)
providers.add_to(app)
app.command("eval")(evaluate.evaluate)
app.add_typer(db.app, name="db")
app.command()(releases.changes)
app.add_typer(releases.app, name="releases")
app.add_typer(knowledge.app, name="knowledge")
app.add_typer(golden.app, name="golden")
app.add_typer(gate.app, name="gate")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(model.app, name="model")
app.add_typer(skill.app, name="skill")
app.add_typer(source.app, name="source")
app.add_typer(store.app, name="store")
schema.add_to(app)
app.add_typer(tokens.app, name="tokens")
app.command()(sql.sql)
app.command()(gaps.gaps)
app.command()(duplicates.duplicates)


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
    from omni_pipelines.configuration import find_home

    place = find_home(home)
    if home is None:
        from omni_pipelines.home import HOME_NAME, Home

        place = Home(Path.cwd() / HOME_NAME)
    place.create()
    say(str(place.root))
    narrate("next: omni model pull, once; then omni ingest PATH")


def run() -> None:
    """The entry point: every failure becomes one line, its cure and an exit code."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `omni search … | head` is no error
    try:
        code = app(prog_name="omni", standalone_mode=False) or 0  # typer catches Ctrl+C, and gives 130 back
    except (click.exceptions.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(2)
    except click.ClickException as error:
        sys.exit(_fail(_usage(error)))
    except Exception as error:  # noqa: BLE001  # the last line of defence
        sys.exit(_fail(error))
    if code == INTERRUPTED:
        narrate("omni: interrupted; nothing that was finished is lost")
    sys.exit(code)


def _fail(error: Exception) -> int:
    """Say what went wrong, as JSON too where that was asked for; the exit code."""
    found = from_exception(error)
    if isinstance(found, UnexpectedError):
        traceback.print_exception(error)
        complain(found, "this is a defect of omni; please report it with the lines above")
    else:
        complain(found)
    if "--json" in sys.argv:
        say_failure(error)
    return found.exit_code


def _usage(error: click.ClickException) -> ConfigurationError:
    message, _, hint = error.format_message().partition(" Did you mean ")  # said twice by click and typer
    context = getattr(error, "ctx", None)
    near = hint.split("?")[0].replace("'", "")
    cure = f"did you mean {near}?" if near else f"run: {context.command_path if context else 'omni'} --help"
    return ConfigurationError(message.rstrip("."), cure=cure)


if __name__ == "__main__":
    run()
