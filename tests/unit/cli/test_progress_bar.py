"""Progress reports on stderr."""

from __future__ import annotations

import io
from contextlib import redirect_stderr

import pytest

from omni_pipelines.cli.progress_bar import remaining, showing_progress
from omni_pipelines.progress import report


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_elsewhere_than_on_a_terminal_is_a_line_at_the_beginning_and_at_the_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with showing_progress():
        for done in range(4):
            report("reading files", done, 3, "files")
    assert capsys.readouterr().err == "reading files  0/3 files (0%)\nreading files  3/3 files (100%)\n"


def test_unfinished_progress_on_a_terminal_is_wiped_at_the_end() -> None:
    with redirect_stderr(Terminal()) as terminal, showing_progress():
        report("reading files", 1, 3, "files")
    line = "reading files  1/3 files (33%)"
    assert terminal.getvalue() == f"{line}\r{' ' * len(line)}\r"


@pytest.mark.parametrize(
    ("done", "total", "seconds", "text"),
    [(0, 10, 5, ""), (5, 0, 5, ""), (10, 10, 5, ""), (5, 10, 0.5, ""), (5, 10, 60, "1:01 left")],
)
def test_time_left_is_known_once_something_is_done(done: int, total: int, seconds: float, text: str) -> None:
    assert remaining(done, total, seconds) == text
