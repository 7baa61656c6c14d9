"""Report the progress of a long step on the event bus.

The library reports, the command line draws a bar, and a Dagster run writes a log line. The bus is in a context
variable, so no function has to pass it on.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from omni_pipelines.events import Payload, current_bus, subscribed
from omni_pipelines.records import Event


class Report(Payload, topics=("step/progress",)):
    """The progress of a step at one moment."""

    step: str
    """The activity in two or three words: "embedding chunks"."""
    done: int
    total: int
    """0 while it is not known."""
    unit: str
    """The things that are counted: "files", "chunks"."""
    detail: str = ""
    """The present item, for a person."""


class Note(Payload, topics=("step/note",)):
    """Something a person wants to know before a step ends."""

    text: str


def note(text: str) -> None:
    """Publish a note; without a bus nothing happens."""
    bus = current_bus()
    if bus is not None:
        bus.publish(Note(text=text))


def report(step: str, done: int, total: int, unit: str, detail: str = "") -> None:
    """Publish the progress of a step; without a bus nothing happens."""
    bus = current_bus()
    if bus is not None:
        bus.publish(Report(step=step, done=done, total=total, unit=unit, detail=detail))


@contextmanager
def notes_to(listener: Callable[[str], None]) -> Iterator[None]:
    """Call `listener` with the text of every note inside the block."""

    def deliver(event: Event) -> None:
        listener(Note.model_validate(event.payload).text)

    with subscribed(deliver, Note.topics[0]):
        yield


@contextmanager
def reporting_to(listener: Callable[[Report], None]) -> Iterator[None]:
    """Call `listener` for every report inside the block; nested blocks all receive it."""

    def deliver(event: Event) -> None:
        listener(Report.model_validate(event.payload))

    with subscribed(deliver, Report.topics[0]):
        yield
