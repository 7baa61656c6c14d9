"""The commands about tokens read a file or standard input, and say what does not fit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from omni_pipelines.cli.main import app
from omni_pipelines.errors import ConfigurationError

pytestmark = pytest.mark.usefixtures("models")
run = CliRunner().invoke


def test_standard_input_is_counted() -> None:
    assert run(app, ["tokens", "count"], input="hello world").output == "2\n"


def test_a_file_is_shortened_in_the_middle(tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text("one " * 500 + "end")
    done = run(app, ["tokens", "truncate", "20", str(tmp_path / "long.txt"), "--middle", "--json"])
    told = json.loads(done.output)
    assert (told["tokens"] <= 20, told["whole"], told["text"].endswith("end")) == (True, False, True)


def test_pieces_come_with_their_places() -> None:
    told = json.loads(
        run(app, ["tokens", "chunk", "--size", "3", "--overlap", "0", "--json"], input="a b c d e").output
    )
    assert "".join(piece["text"] for piece in told["pieces"]) == "a b c d e"


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "noise").write_bytes(bytes(range(256)) * 10)
    done = run(app, ["tokens", "count", str(tmp_path / "noise")])
    assert isinstance(done.exception, ConfigurationError)
    assert "is no text" in str(done.exception)


def test_a_file_that_is_not_there_is_named() -> None:
    done = run(app, ["tokens", "count", "missing.txt"])
    assert isinstance(done.exception, ConfigurationError)
    assert "missing.txt" in str(done.exception)
