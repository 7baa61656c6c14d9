"""`omni tokens` reads a file or standard input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from omni_pipelines.cli.main import app
from omni_pipelines.errors import ConfigurationError

pytestmark = pytest.mark.usefixtures("models")
run = CliRunner().invoke


def test_count_reads_standard_input() -> None:
    assert run(app, ["tokens", "count"], input="hello world").output == "2\n"


def test_truncate_middle_keeps_the_end_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text("one " * 500 + "end")
    done = run(app, ["tokens", "truncate", "20", str(tmp_path / "long.txt"), "--middle", "--json"])
    document = json.loads(done.output)
    assert (document["tokens"] <= 20, document["whole"], document["text"].endswith("end")) == (True, False, True)


def test_chunk_returns_pieces_that_cover_the_text() -> None:
    document = json.loads(
        run(app, ["tokens", "chunk", "--size", "3", "--overlap", "0", "--json"], input="a b c d e").output
    )
    assert "".join(piece["text"] for piece in document["pieces"]) == "a b c d e"


def test_count_of_a_binary_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "noise").write_bytes(bytes(range(256)) * 10)
    done = run(app, ["tokens", "count", str(tmp_path / "noise")])
    assert isinstance(done.exception, ConfigurationError)
    assert "is not text" in str(done.exception)


def test_count_of_a_missing_file_names_it() -> None:
    done = run(app, ["tokens", "count", "missing.txt"])
    assert isinstance(done.exception, ConfigurationError)
    assert "missing.txt" in str(done.exception)
