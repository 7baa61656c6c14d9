"""Progress on stderr, with counts, rate and time left: a bar on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from omni_pipelines.cli.output import narrate
from omni_pipelines.progress import Report, notes_to, reporting_to

LINE_SECONDS = 5.0


@contextmanager
def showing_progress() -> Iterator[None]:
    """Show every progress report and note that is made inside the block."""
    bar = ProgressBar()
    try:
        with reporting_to(bar), notes_to(bar.note):
            yield
    finally:
        bar.wipe()


def remaining(done: int, total: int, seconds: float) -> str:
    """Time left at the rate so far; "" where that is unknown."""
    if not done or not total or done >= total or seconds < 1:
        return ""
    left = int(seconds / done * (total - done)) + 1
    return f"{left // 60}:{left % 60:02d} left"


class ProgressBar:
    """Shows progress reports."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._step = ""
        self._began = self._shown = 0.0
        self._width = 0

    def __call__(self, report: Report) -> None:
        """Show a report, unless another one was shown just now."""
        now = time.monotonic()
        if report.step != self._step:
            self._step, self._began, self._shown = report.step, now, 0.0
        finished = bool(report.total) and report.done >= report.total
        wait = 0.1 if self._terminal else LINE_SECONDS
        if finished or now - self._shown >= wait:
            self._shown = now
            self._show(self._line(report, now - self._began), finished=finished)

    def note(self, text: str) -> None:
        """Show a line that stays."""
        self.wipe()
        narrate(text)

    def _line(self, report: Report, seconds: float) -> str:
        parts = [f"{report.step}"]
        if report.total:
            parts.append(f"{report.done:,}/{report.total:,} {report.unit} ({report.done / report.total:.0%})")
        if report.done and seconds >= 1:
            parts.append(f"{report.done / seconds:,.0f} {report.unit}/s")
        left = remaining(report.done, report.total, seconds)
        return "  ".join([*parts, left] if left else parts)

    def _show(self, line: str, *, finished: bool) -> None:
        if self._terminal:
            self.wipe()
            sys.stderr.write(line if not finished else f"{line}\n")
            self._width = 0 if finished else len(line)
        else:
            sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

    def wipe(self) -> None:
        """Remove the bar from the terminal."""
        if self._width:
            sys.stderr.write("\r" + " " * self._width + "\r")
            self._width = 0
