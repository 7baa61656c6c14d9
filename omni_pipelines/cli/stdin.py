"""Standard input in place of an argument: `-`, as other commands take it."""

import sys
from collections.abc import Sequence

STDIN = "-"


def words_or_stdin(words: Sequence[str]) -> str:
    """The words of an argument, joined, so that a question needs no quotes; for a single `-`, standard input."""
    return read_stdin().strip() if list(words) == [STDIN] else " ".join(words)


def read_stdin() -> str:
    """Everything on standard input. Who types it on a terminal is told how to end it."""
    if sys.stdin.isatty():
        sys.stderr.write("reading standard input; end it with Ctrl+D\n")
    return sys.stdin.read()
