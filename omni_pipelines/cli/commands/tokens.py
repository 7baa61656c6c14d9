"""`omni tokens`."""

import sys
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from omni_pipelines.cli.command import Depends, Fields, Rows, command
from omni_pipelines.cli.dependencies import HomeSettings
from omni_pipelines.cli.stdin import STDIN
from omni_pipelines.cli.text import line, table
from omni_pipelines.cli.views.system import show_shortened_text
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.refusals import Unreadable
from omni_pipelines.text import tokens
from omni_pipelines.text.decoding import decode
from omni_pipelines.text.engines import load_counter
from omni_pipelines.text.token_counting import TokenEngine

ModelOption = Annotated[
    str, Option(help="A model such as gpt-4o, or an encoding. Default: the encoding of the settings.")
]
FileArgument = Annotated[Path, Argument(help="A text file, or - for standard input, which is the default.")]


def counter_of(settings: HomeSettings, model: ModelOption = "") -> TokenEngine:
    """The counter for the encoding of a model."""
    return load_counter(settings.model_copy(update={"encoding": tokens.encoding_for(model)}) if model else settings)


def text_of(file: FileArgument = Path(STDIN)) -> str:
    """The text of a file, or of standard input.

    Raises:
        ConfigurationError: it cannot be read, or is not text.
    """
    try:
        return decode(sys.stdin.buffer.read() if str(file) == STDIN else file.read_bytes()).text
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}", cure="name a text file") from error
    except Unreadable as error:
        raise ConfigurationError(
            f"{file if str(file) != STDIN else 'standard input'} is not text: {error.detail}"
        ) from error


Counter = Annotated[TokenEngine, Depends(counter_of)]
InputText = Annotated[str, Depends(text_of)]


@command(line("{tokens}"))
def count(counter: Counter, text: InputText) -> Fields:
    """Count the tokens of a text."""
    return {"encoding": counter.name, "tokens": counter.count(text), "characters": len(text)}


@command(show_shortened_text)
def truncate(
    counter: Counter,
    text: InputText,
    max_tokens: Annotated[int, Argument(help="How many tokens the text may have.")],
    middle: Annotated[bool, Option("--middle", help="Cut from the middle, not from the end.")] = False,
) -> Fields:
    """Print as much of a text as fits into a number of tokens."""
    short = (tokens.truncate_middle if middle else tokens.truncate)(text, max_tokens, counter)
    return {"encoding": counter.name, "tokens": counter.count(short), "whole": short == text, "text": short}


@command(table("index", "start", "end", "tokens", "text"))
def chunk(
    counter: Counter,
    text: InputText,
    size: Annotated[int, Option(help="How many tokens a piece has at most.")] = 512,
    overlap: Annotated[int, Option(help="How many tokens two pieces share at most.")] = 50,
) -> Rows[tokens.TextPiece]:
    """Cut a text into pieces, with their ranges in characters."""
    return Rows("pieces", tokens.chunk_text(text, size, overlap, counter), encoding=counter.name)
