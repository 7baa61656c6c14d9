"""How far a long step is, told to whoever listens.

The library reports; the command line draws a bar; a Dagster run writes a log line. Reports travel on a context
variable, so nothing has to be passed through the layers between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Report:
    """One report of a step."""

    step: str
    """What is being done, in two or three words: "embedding chunks"."""
    done: int
    total: int
    """0 while unknown."""
    unit: str
    """What is counted: "files", "chunks"."""
    detail: str = ""
    """The thing being worked on, for a person."""


Listener = Callable[[Report], None]
_listeners: ContextVar[tuple[Listener, ...]] = ContextVar("omni_progress_listeners", default=())


def report(step: str, done: int, total: int, unit: str, detail: str = "") -> None:
    """Tell every listener."""
    for listener in _listeners.get():
        listener(Report(step, done, total, unit, detail))


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Send every report made inside the block to `listener` too: a terminal's bar and a run's log hear the same."""
    token = _listeners.set((*_listeners.get(), listener))
    try:
        yield
    finally:
        _listeners.reset(token)
