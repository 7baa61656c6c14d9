"""Text of documents cannot steer the terminal or the spreadsheet of whoever reads it."""

from __future__ import annotations

import io
import sys

import pytest

from omni_pipelines.cli.formats import Format, say_rows
from omni_pipelines.cli.output import narrate, say, visible

ATTACKS = {
    "escape": ("\x1b[31mred", "\\x1b[31mred"),
    "bell": ("a\x07b", "a\\x07b"),
    "clipboard": ("\x1b]52;c;cm0gLXJm\x07", "\\x1b]52;c;cm0gLXJm\\x07"),
    "title": ("\x9d0;title\x9c", "\\x9d0;title\\x9c"),
    "carriage return": ("good\rbad", "good\\rbad"),
    "backspace": ("ab\x08\x08", "ab\\x08\\x08"),
    "direction": ("a\u202egnp.exe", "a\\u202egnp.exe"),
    "isolate": ("\u2066x\u2069", "\\u2066x\\u2069"),
}
HARMLESS = ["Größe\tÄ\nzwei", "line\r\nline", "日本語", "👩‍👩‍👧", "שלום"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("text", "shown"), ATTACKS.values(), ids=ATTACKS)
def test_a_terminal_shows_control_characters_and_obeys_none(
    monkeypatch: pytest.MonkeyPatch, text: str, shown: str
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    say(text)
    assert terminal.getvalue() == shown + "\n"


@pytest.mark.parametrize("text", [text for text, _ in ATTACKS.values()])
def test_a_pipe_gets_the_text_as_it_is(capsys: pytest.CaptureFixture[str], text: str) -> None:
    say(text)
    assert capsys.readouterr().out == text + "\n"


def test_messages_never_contain_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    narrate("cannot read \x1b]0;x\x07.md")
    assert capsys.readouterr().err == "cannot read \\x1b]0;x\\x07.md\n"


@pytest.mark.parametrize("text", HARMLESS)
def test_ordinary_text_is_unchanged(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_csv_cell_is_no_formula(capsys: pytest.CaptureFixture[str], start: str) -> None:
    cell = start + "cmd|' /C calc'!A0"
    say_rows(Format.CSV, ["path", "size"], [{"path": cell, "size": -5}])
    assert "'" + start in capsys.readouterr().out
    say_rows(Format.CSV_RAW, ["path", "size"], [{"path": cell, "size": -5}])
    raw = capsys.readouterr().out
    assert "'" + start not in raw
    assert raw.endswith(",-5\n")
