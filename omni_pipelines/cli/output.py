"""What leaves the command line: data on stdout, everything else on stderr, and an exit code with a meaning."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from omni_pipelines.errors import OmniError

SCHEMA_VERSION = 1


class _Stdout:
    """What went out so far: whoever reads `--json` gets one document, not two."""

    has_document = False


_stdout = _Stdout()


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

    _stdout.has_document = True
    document = {"schema_version": SCHEMA_VERSION, **fields}
    say(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())


def say_failure(error: Exception) -> None:
    """Write the envelope of an error as the JSON document of this command, unless it has written one already."""
    from omni_pipelines.responses import ToolResponse

    if not _stdout.has_document:
        say_json(ToolResponse.from_exception(error).model_dump(mode="json"))


def complain(error: OmniError, cure: str = "") -> None:
    """Write an error, with its own cure or this one; see `complain_of`."""
    complain_of(error.message, error.code, cure or error.cure)


def complain_of(message: str, code: str | None, cure: str) -> None:
    """Write what went wrong as one line with its number; and a second one with the cure, if there is one."""
    told = " ".join(message.split())
    narrate(f"omni: {told} [{code}]" + (f"\n      cure: {cure}" if cure else ""))
