"""What the command line writes: data to stdout, messages for the person who watches to stderr."""

import io
import os
import re
import signal
import sys
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_OBEYED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]|\r(?!\n)")
"""What a terminal obeys instead of showing it: control characters, and those that turn the direction of a text."""


@dataclass
class Stdout:
    """Remembers whether the JSON document was printed: a program that reads `--json` gets exactly one."""

    has_document: bool = False


class _PipeEnd(io.FileIO):
    def write(self, b: "ReadableBuffer", /) -> int:
        try:
            return super().write(b)
        except BrokenPipeError:
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGPIPE)
            raise


def ending_with_reader(stream: TextIO | None) -> TextIO:
    """A stream to the same file. If its reader is gone, a write ends the process silently: `omni search … | head`.

    A write to a socket or a process that is gone stays an error, so SIGPIPE is ignored until then. If the process was
    started without the stream, what is written is dropped.
    """
    if not isinstance(stream, io.TextIOWrapper):
        return open(os.devnull, "w", encoding="utf-8")
    file = io.BufferedWriter(_PipeEnd(stream.fileno(), "wb", closefd=False))
    is_line_buffered = stream.line_buffering or stream.write_through  # `python -u` writes through
    return io.TextIOWrapper(file, stream.encoding, stream.errors, line_buffering=is_line_buffered)


def say(text: str = "") -> None:
    """Write a line of data to stdout: a terminal gets it with `visible` control characters, a pipe as it is."""
    sys.stdout.write((visible(text) if sys.stdout.isatty() else text) + "\n")


def say_now(text: str) -> None:
    """Write a line of data, which a program that reads a pipe gets at once."""
    say(text)
    sys.stdout.flush()


def narrate(text: str) -> None:
    """Write a line for the person who watches to stderr."""
    sys.stderr.write(visible(text) + "\n")
    sys.stderr.flush()


def visible(text: str) -> str:
    r"""The text with what a terminal would obey as an escape, such as \x1b; a document must not steer a terminal."""
    return _OBEYED.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def complaint(message: str, code: str | None, cure: str) -> str:
    """A message with its error code on one line, and its cure, if there is one, on a second."""
    return f"omni: {' '.join(message.split())} [{code}]" + (f"\n      cure: {cure}" if cure else "")


def local_time(moment: datetime) -> str:
    """Format a moment in local time, to the second."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")
