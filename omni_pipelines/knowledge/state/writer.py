"""Who writes to a home, and how far that process is: for people and programs that wait for it.

The record informs and nothing depends on it; the writer lock alone decides who may write.
"""

import contextlib
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from pydantic import ValidationError

from native.durable import PART
from omni_pipelines.home import Home
from omni_pipelines.processes import is_alive, running_command
from omni_pipelines.progress import Report, reporting_to
from omni_pipelines.records import Record


class Writer(Record):
    """The process that holds the writer lock of a home."""

    command: str
    """Such as `omni ingest`, without its arguments."""
    pid: int
    host: str
    since: datetime
    """When it took the lock."""
    step: str = ""
    """What it does at the moment, such as "embedding chunks"; "" before the first report."""
    done: int = 0
    total: int = 0
    """0 while it is not known."""
    unit: str = ""

    @property
    def name(self) -> str:
        """The command, process and time in words."""
        host = "" if self.host == socket.gethostname() else f" on {self.host}"
        return f"{self.command} (process {self.pid}{host}, since {self.since.astimezone():%H:%M:%S})"

    @property
    def description(self) -> str:
        """Its name, and how far it is."""
        if not self.step:
            return self.name
        share = f", {self.done:,} of {self.total:,} {self.unit} ({self.done / self.total:.0%})" if self.total else ""
        return f"{self.name}: {self.step}{share}"


def read_writer(home: Home) -> Writer | None:
    """The process that writes to a home, or None if none does."""
    try:
        writer = Writer.model_validate_json(home.writer.read_bytes())
    except (OSError, ValidationError):
        return None
    died = writer.host == socket.gethostname() and not is_alive(writer.pid)
    return None if died else writer


@contextmanager
def recorded_writer(home: Home, seconds: float = 1.0) -> Iterator[None]:
    """Name this process as the writer inside the block; every `seconds` write how far it is. Hold the writer lock.

    A disk that is full or a home that cannot be written to is no error here: the work itself reports it.
    """
    writer = Writer(command=running_command(), pid=os.getpid(), host=socket.gethostname(), since=datetime.now(UTC))
    _write(home, writer)
    shown = time.monotonic()

    def show(report: Report) -> None:
        nonlocal shown
        if time.monotonic() - shown >= seconds:
            shown = time.monotonic()
            fields = report.model_dump(include={"step", "done", "total", "unit"})
            _write(home, writer.model_copy(update=fields))

    try:
        with reporting_to(show):
            yield
    finally:
        with contextlib.suppress(OSError):
            home.writer.unlink(missing_ok=True)


def _write(home: Home, writer: Writer) -> None:
    part = home.root / f".{home.writer.name}{PART}"
    with contextlib.suppress(OSError):
        part.write_text(writer.model_dump_json())
        os.replace(part, home.writer)  # not synced: it is worth nothing after a crash
