"""What leaves the command line: data on stdout, everything else on stderr, and an exit code with a meaning."""

from __future__ import annotations

import sys
from typing import Any

SCHEMA_VERSION = 1


def say(text: str = "") -> None:
    """Write a line of data or of an answer to stdout."""
    sys.stdout.write(text + "\n")


def narrate(text: str) -> None:
    """Write a line for the person watching to stderr."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def say_json(fields: dict[str, Any]) -> None:
    """Write one JSON document to stdout, with the version of its shape."""
    import orjson

    document = {"schema_version": SCHEMA_VERSION, **fields}
    say(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())


def complain(error: Exception) -> None:
    """Write an error as one line: what happened, and the cure."""
    cure = getattr(error, "cure", "")
    message = " ".join(str(getattr(error, "message", error)).split())
    narrate(f"omni: {message}" + (f"\n      cure: {cure}" if cure else ""))
