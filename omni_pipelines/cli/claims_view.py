"""What a terminal shows while a language model answers: what it reads, and each claim that the sources bear out.

It is wiped before the answer is printed, because the answer has the same claims, with their citations.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from omni_pipelines.cli.output import visible
from omni_pipelines.knowledge.answers.cited_answer import ANSWERING, READING
from omni_pipelines.progress import Report, reporting_to

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live


@contextmanager
def showing_claims() -> Iterator[None]:
    """Show the progress of a language model inside the block, if stderr is a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    view = ClaimsView()
    try:
        with reporting_to(view):
            yield
    finally:
        view.close()


class ClaimsView:
    """Listens to the reports about a generated answer, and shows them below each other."""

    def __init__(self, console: Console | None = None) -> None:
        """Without a console, it writes to stderr."""
        self._console = console
        self._lines: list[str] = []

    def __call__(self, report: Report) -> None:
        """Show a report."""
        if report.step == READING:
            self._lines = [f"a language model reads {report.total} {report.unit}…"]
        elif report.step == ANSWERING:
            self._lines.append(visible(report.detail))
        else:
            return
        from rich.text import Text

        self._live.start()
        self._live.update(Text("\n".join(self._lines), style="dim"), refresh=True)

    def close(self) -> None:
        """Wipe what is shown."""
        if self._lines:
            self._live.stop()

    @cached_property
    def _live(self) -> Live:
        from rich.console import Console  # an answer without a language model reports nothing, and need not wait
        from rich.live import Live

        return Live(console=self._console or Console(stderr=True), transient=True, auto_refresh=False)
