"""Commands about tokens: what a text costs, and how it is made to fit."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from omni_pipelines.cli.options import HomeOption, JsonOption
from omni_pipelines.cli.output import say, say_json

if TYPE_CHECKING:
    from omni_pipelines.text.token_counting import TokenEngine

app = typer.Typer(help="Count tokens, and make texts fit.", no_args_is_help=True, rich_markup_mode=None)
FileArgument = Annotated[
    Optional[Path],  # noqa: UP045  # typer reads it at run time
    typer.Argument(help="A text file; default: standard input.", show_default=False),
]
ModelOption = Annotated[
    str, typer.Option("--model", help="A model, as gpt-4o, or an encoding; default: the encoding of the settings.")
]


@app.command()
def count(
    file: FileArgument = None, model: ModelOption = "", home: HomeOption = None, json: JsonOption = False
) -> None:
    """Count the tokens of a text."""
    counter, text = _counter(home, model), _text(file)
    found = counter.count(text)
    if json:
        say_json({"encoding": counter.name, "tokens": found, "characters": len(text)})
    else:
        say(str(found))


@app.command()
def truncate(
    max_tokens: Annotated[int, typer.Argument(help="The most tokens it may have.")],
    file: FileArgument = None,
    middle: Annotated[bool, typer.Option("--middle", help="Take it out of the middle, not off the end.")] = False,
    model: ModelOption = "",
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Print as much of a text as fits."""
    from omni_pipelines.text import tokens

    counter, text = _counter(home, model), _text(file)
    short = (tokens.truncate_middle if middle else tokens.truncate)(text, max_tokens, counter)
    if json:
        say_json({"encoding": counter.name, "tokens": counter.count(short), "whole": short == text, "text": short})
    else:
        sys.stdout.write(short)


@app.command()
def chunk(
    file: FileArgument = None,
    size: Annotated[int, typer.Option("--size", help="The most tokens of a piece.")] = 512,
    overlap: Annotated[int, typer.Option("--overlap", help="The most tokens that are repeated.")] = 50,
    model: ModelOption = "",
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Cut a text into pieces with their places, in characters."""
    from omni_pipelines.text.tokens import chunk_text

    counter = _counter(home, model)
    found = chunk_text(_text(file), size, overlap, counter)
    if json:
        say_json({"encoding": counter.name, "pieces": [dataclasses.asdict(piece) for piece in found]})
        return
    for piece in found:
        say(f"{piece.index:>5}  {piece.start:>9}-{piece.end:<9} {piece.tokens:>6} tokens  {piece.text[:60]!r}")


def _counter(home: Path | None, model: str) -> TokenEngine:
    from omni_pipelines.configuration import find_home, load_settings
    from omni_pipelines.text.engines import load_counter
    from omni_pipelines.text.tokens import encoding_for

    settings = load_settings(find_home(home))
    return load_counter(settings.model_copy(update={"encoding": encoding_for(model)}) if model else settings)


def _text(file: Path | None) -> str:
    from omni_pipelines.errors import ConfigurationError
    from omni_pipelines.refusals import Unreadable
    from omni_pipelines.text.decoding import decode

    try:
        return decode(sys.stdin.buffer.read() if file is None else file.read_bytes()).text
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}", cure="name a text file") from error
    except Unreadable as error:
        raise ConfigurationError(f"{file or 'standard input'} is no text: {error.detail}") from error
