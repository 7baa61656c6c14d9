"""How far a long step is, told on the event bus.

The library reports; the command line draws a bar; a Dagster run writes a log line. The bus travels on a context
variable, so nothing has to be passed through the layers between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from omni_pipelines.events import Payload, current_bus
from omni_pipelines.events import listening as hearing
from omni_pipelines.records import Event


class Report(Payload, topics=("step/progress",)):
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


def report(step: str, done: int, total: int, unit: str, detail: str = "") -> None:
    """Tell everybody who listens; without anybody it costs nothing."""
    bus = current_bus()
    if bus is not None:
        bus.publish(Report(step=step, done=done, total=total, unit=unit, detail=detail))


@contextmanager
def listening(listener: Callable[[Report], None]) -> Iterator[None]:
    """Send every report made inside the block to `listener` too: a terminal's bar and a run's log hear the same."""

    def hear(event: Event) -> None:
        listener(Report.model_validate(event.payload))

    with hearing(hear, Report.topics[0]):
        yield
