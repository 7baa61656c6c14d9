"""Questions to the person at the terminal."""

import sys

import typer

from omni_pipelines.errors import OmniError


def confirmed(question: str, *, otherwise: OmniError) -> bool:
    """Ask a question that is answered with y or n; anything but y is no.

    Raises:
        OmniError: `otherwise`, if nobody can answer because standard input is no terminal.
    """
    if not sys.stdin.isatty():
        raise otherwise
    return typer.confirm(question, err=True)
