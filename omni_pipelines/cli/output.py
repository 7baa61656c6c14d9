"""What the command line writes: data to stdout, messages for the person who watches to stderr."""

import sys
from dataclasses import dataclass
from datetime import datetime


@dataclass
class Stdout:
    """Remembers whether the JSON document was printed: a program that reads `--json` gets exactly one."""

    has_document: bool = False


def say(text: str = "") -> None:
    """Write a line of data to stdout."""
    sys.stdout.write(text + "\n")


def narrate(text: str) -> None:
    """Write a line for the person who watches to stderr."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def complaint(message: str, code: str | None, cure: str) -> str:
    """A message with its error code on one line, and its cure, if there is one, on a second."""
    return f"omni: {' '.join(message.split())} [{code}]" + (f"\n      cure: {cure}" if cure else "")


def local_time(moment: datetime) -> str:
    """Format a moment in local time, to the second."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")
