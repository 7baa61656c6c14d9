"""Lists on a terminal and in a pipe."""

from __future__ import annotations

import io
import re
from contextlib import redirect_stdout

import pytest

from omni_pipelines.cli.command import Rows
from omni_pipelines.cli.text import Header, say_highlighted, say_table, table

PATHS = [("guide/a-rather-long-path/to/a/document.md", "1,200"), ("b.md", "7")]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def on_terminal(rows: list[tuple[str, str]]) -> str:
    with redirect_stdout(Terminal()) as terminal:
        say_table(("path", "size"), rows)
    return terminal.getvalue()


def test_piped_list_is_aligned_and_has_no_header(capsys: pytest.CaptureFixture[str]) -> None:
    say_table(("path", "size"), PATHS)
    assert capsys.readouterr().out == (
        "guide/a-rather-long-path/to/a/document.md  1,200\n"
        "b.md                                           7\n"
    )  # fmt: skip


def test_piped_list_with_a_ruled_header_is_printed_without_rows(capsys: pytest.CaptureFixture[str]) -> None:
    say_table(("path", "size"), [], piped=Header.RULED)
    assert capsys.readouterr().out == "path  size\n----  ----\n"


def test_list_on_a_terminal_has_a_header_and_fits_its_width() -> None:
    lines = on_terminal([(path * 3, size) for path, size in PATHS]).splitlines()
    assert "path" in lines[0]
    assert max(map(len, lines[1:])) <= 80
    assert "".join(line.split()[0] for line in lines[1:-1]) == PATHS[0][0] * 3


def highlighted(stdout: io.StringIO) -> str:
    with redirect_stdout(stdout):
        say_highlighted("  ", "Keys are \x1b[2Jrotated.", [(0, 4)])
    return stdout.getvalue()


def test_highlighted_words_stand_out_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    assert re.fullmatch(r"  \x1b\[1;33mKeys\x1b\[0m are  \[2Jrotated\.\n", highlighted(Terminal()))
    assert highlighted(io.StringIO()) == "  Keys are  [2Jrotated.\n"
    monkeypatch.setenv("NO_COLOR", "1")
    assert highlighted(Terminal()) == "  Keys are  [2Jrotated.\n"


def test_list_on_a_terminal_has_no_escape_codes_with_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b" in on_terminal(PATHS)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in on_terminal(PATHS)


def test_cell_is_one_line_without_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    say_table(("text",), [("\x1b[31mred\nand\tmore",)])
    assert capsys.readouterr().out == "[31mred and more\n"


def test_table_prints_the_chosen_fields_or_a_note(capsys: pytest.CaptureFixture[str]) -> None:
    show = table("name", "counts", empty="no model")
    show(Rows("models", [{"name": "a", "counts": {"rows": 1200, "files": 1}}]))
    show(Rows("models", []))
    assert capsys.readouterr() == ("a  1,200 rows, 1 file\n", "no model\n")
