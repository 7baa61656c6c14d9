"""`omni run --tui` without a terminal, and without the package that draws on it."""

from __future__ import annotations

import io
import sys

import pytest

from omni_pipelines.cli.views.task_screen import has_screen
from omni_pipelines.errors import ConfigurationError


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_task_is_told_line_by_line_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert not has_screen()
    assert "line by line" in capsys.readouterr().err


def test_missing_package_is_named_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream in ("stdin", "stderr"):
        monkeypatch.setattr(sys, stream, Terminal())
    monkeypatch.setitem(sys.modules, "textual", None)
    with pytest.raises(ConfigurationError, match="needs the package textual") as refused:
        has_screen()
    assert refused.value.cure == "pip install 'omni-pipelines[tui]'"
