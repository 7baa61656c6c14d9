"""What Ctrl+C and other ends of a command become for the shell."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable

import click
import pytest
import typer

from omni_pipelines.cli import main


def ends_with(monkeypatch: pytest.MonkeyPatch, command: Callable[[], None]) -> object:
    app = typer.Typer()
    app.command()(command)
    monkeypatch.setattr(main, "app", app)
    monkeypatch.setattr(sys, "argv", ["omni"])
    before = signal.getsignal(signal.SIGPIPE)
    with pytest.raises(SystemExit) as end:
        main.run()
    signal.signal(signal.SIGPIPE, before)
    return end.value.code


def raising(error: BaseException) -> Callable[[], None]:
    def command() -> None:
        raise error

    return command


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()], ids=repr)
def test_an_interrupted_command_ends_with_130_and_a_word_of_comfort(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException
) -> None:
    assert ends_with(monkeypatch, raising(error)) == 130
    assert "nothing that was finished is lost" in capsys.readouterr().err


@pytest.mark.parametrize(("error", "code"), [(typer.Exit(), 0), (typer.Exit(4), 4)], ids=str)
def test_a_command_chooses_its_own_exit_code(monkeypatch: pytest.MonkeyPatch, error: Exception, code: int) -> None:
    assert ends_with(monkeypatch, raising(error)) == code


def test_a_finished_command_ends_with_0(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ends_with(monkeypatch, lambda: None) == 0
