"""The command line as a person meets it: a whole round on real files, and every way to get it wrong."""

from __future__ import annotations

import math
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from omni_pipelines.configuration import load_settings
from omni_pipelines.home import Home
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.processes import running
from tests.command import omni, told

pytestmark = pytest.mark.usefixtures("models")


OMNI = [sys.executable, "-m", "omni_pipelines.cli.main"]


def process(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own, as a person does."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OMNI_HOME")}
    return subprocess.run(
        [*OMNI, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=240, check=False
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a few notes, ingested once."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "docs").mkdir()
    (folder / "docs" / "keys.md").write_text(
        "# Keys\n\n## Rotation\n\nKeys are rotated with the `rotate` command every ninety days.\nOld keys stay "
        "valid for one hour.\n\n## Storage\n\nKeys are kept in the vault, never in a file.\n"
    )
    (folder / "docs" / "otters.md").write_text("# Otters\n\nOtters sleep holding hands, so that none drifts away.\n")
    (folder / "docs" / "tool.py").write_text(
        'def rotate(key: str) -> str:\n    """Return a fresh key in place of the old one."""\n    return key[::-1]\n'
    )
    done = process("ingest", "docs", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


# --- the contract others rely on


def test_an_ingest_reports_what_it_did_in_the_agreed_shape(folder: Path) -> None:
    report = told("ingest", cwd=folder)
    assert report["schema_version"] == 1
    assert report.keys() >= {"release", "documents", "chunks", "embedded", "reused", "seconds", "run_id"}
    assert report["documents"].items() >= {"added": 0, "changed": 0, "deleted": 0, "unchanged": 3}.items()
    assert (report["release"], report["embedded"]) == (1, 0)


def test_a_search_gives_hits_in_the_agreed_shape(folder: Path) -> None:
    found = told("search", "keys rotated every ninety days", "-k", "2", cwd=folder)
    hit = found["hits"][0]
    assert (found["schema_version"], found["release"], len(found["hits"])) == (1, 1, 2)
    assert hit["uri"] == (folder / "docs" / "keys.md").as_uri()
    assert (folder / "docs" / "keys.md").read_bytes()[hit["start_byte"] : hit["end_byte"]].decode() == hit["text"]
    places = {"rank", "score", "chunk_id", "doc_id", "title", "start_line", "end_line", "heading", "ranks"}
    assert hit.keys() >= places
    assert hit["ranks"].keys() == {"keyword", "vector"}


def test_an_answer_quotes_the_file_and_cites_the_line(folder: Path) -> None:
    found = told("ask", "How often are keys rotated?", cwd=folder)
    citation = found["sentences"][0]["citations"][0]
    source = (folder / "docs" / "keys.md").read_bytes()
    assert not found["abstained"]
    assert "ninety days" in found["answer"]
    assert source[citation["start_byte"] : citation["end_byte"]].decode() == citation["quote"]
    assert citation["start_line"] == 5


def test_status_says_what_there_is(folder: Path) -> None:
    found = told("status", cwd=folder)
    assert found["counts"]["documents"] == 3
    assert {name: each["share"] for name, each in found["coverage"].items()} == {"keyword": 1.0, "vector": 1.0}
    assert found["sources"]["docs"]["seen"]
    assert found.keys() >= {"release", "created_at", "fingerprints"}


def test_show_opens_exactly_the_lines_that_an_answer_cites(folder: Path) -> None:
    done = omni("show", "docs/keys.md:5-6", cwd=folder)
    assert done.stdout.splitlines()[1:] == [
        "5  Keys are rotated with the `rotate` command every ninety days.",
        "6  Old keys stay valid for one hour.",
    ]


def test_data_goes_to_stdout_and_narration_to_stderr(folder: Path) -> None:
    done = process("ingest", cwd=folder)
    assert done.stdout.splitlines()[:2] == ["release 1: nothing changed", "  read  3  2 .md, 1 .py"]
    assert "omni" not in done.stdout


def test_a_filter_narrows_a_search(folder: Path) -> None:
    found = told("search", "rotate a key", "--where", "language=python", cwd=folder)
    assert {hit["path"] for hit in found["hits"]} == {"tool.py"}


@pytest.mark.parametrize("mode", ["keyword", "vector", "hybrid"])
def test_every_mode_finds_the_passage(folder: Path, mode: str) -> None:
    assert "holding hands" in told("search", "otters sleep", "--mode", mode, cwd=folder)["hits"][0]["text"]


def test_a_dry_run_names_what_it_would_do_and_does_nothing(folder: Path) -> None:
    (folder / "docs" / "new.md").write_text("# New\n")
    try:
        plan = told("ingest", "--dry-run", cwd=folder)
        assert plan["sources"]["docs"] == {"read": ["new.md"], "delete": []}
        assert told("status", cwd=folder)["counts"]["documents"] == 3
    finally:
        (folder / "docs" / "new.md").unlink()


# --- every way to get it wrong: one line, the cure, the code


@pytest.mark.parametrize(
    ("arguments", "code", "what", "cure"),
    [
        (("ingest", "nowhere"), 2, "nowhere is not there", "check the path"),
        (("ingest", "empty"), 2, "nothing to read in", "text or code"),
        (("search", "x", "--mode", "fuzzy"), 2, "'fuzzy' is not one of 'hybrid', 'keyword'", "omni search --help"),
        (("search", "x", "-k", "0"), 2, "k is 0", ""),
        (("search", "x", "-k", "many"), 2, "not a valid integer", "omni search --help"),
        (("search", "x", "--where", "lang=python"), 2, "cannot filter by 'lang'", "language"),
        (("search", "x", "--where", "language"), 2, "has no '='", "--where language=python"),
        (("search", ""), 2, "the query is empty", "say what to look for"),
        (("search", "x" * 10_000), 2, "10,000 characters", "fewer words"),
        (("search", "x", "--release", "77"), 2, "no release 77", "omni releases list"),
        (("search", "x", "--bogus"), 2, "--bogus", "omni search --help"),
        (("sarch", "x"), 2, "'sarch'", "search"),
        (("ask", "Who won the cup in 1970?"), 1, "do not answer this", "omni search"),
        (("show", "docs/keys.md:400"), 1, "lines", ""),
        (("show", "docs/none.md:1"), 1, "docs/none.md is not in release", "omni ls"),
        (("launch", "refesh_job"), 2, "'refesh_job'", "refresh_job"),
        (("status", "--home", "docs/keys.md"), 2, "is not a folder", "--home"),
        (("status", "--home", "elsewhere"), 2, "no knowledge base at", "omni ingest"),
        (("model", "pull", "nothing"), 2, "'nothing' is unknown", "all-minilm-l6-v2"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, tuple) else None,
)
def test_what_is_wrong_is_said_in_one_line_with_its_cure(
    folder: Path, arguments: tuple[str, ...], code: int, what: str, cure: str
) -> None:
    (folder / "empty").mkdir(exist_ok=True)
    done = omni(*arguments, cwd=folder)
    said = [line for line in done.stderr.splitlines() if line.startswith("omni:")]
    assert done.returncode == code, done.stderr
    assert len(said) == 1
    assert what in said[0]
    assert cure in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_ingest_gives_up_after_the_time_to_wait_and_names_who_writes(folder: Path) -> None:
    home = Home(folder / ".omni")
    with running("omni scrub"), writer_session(home, load_settings(home)):
        done = omni("ingest", "--wait", "1", cwd=folder)
    assert done.returncode == 3, "a script may try again"
    assert "waited 1 s" in done.stderr
    assert f"omni scrub (process {os.getpid()}, since " in done.stderr


def test_settings_that_do_not_fit_are_named(folder: Path) -> None:
    (folder / "omni.toml").write_text("chunk_token = 3\n")
    try:
        done = omni("search", "x", cwd=folder)
    finally:
        (folder / "omni.toml").unlink()
    assert done.returncode == 2
    assert "unknown setting 'chunk_token'" in done.stderr
    assert "chunk_tokens" in done.stderr


def test_explained_score_is_the_probability_of_the_sum_of_its_parts(folder: Path) -> None:
    shown = omni("search", "rotated keys", "--explain", cwd=folder).stdout
    sums = re.findall(r"^     ([\d.]+) = (.*keyword.*)$", shown, re.MULTILINE)
    assert sums
    for score, parts in sums:
        total = sum(float(part) for part in re.findall(r"([+-][\d.]+) [a-z]", parts))
        assert 1 / (1 + math.exp(-total)) == pytest.approx(float(score), abs=2e-3)


def test_help_is_instant_and_complete(folder: Path) -> None:
    done = process("--help", cwd=folder)
    assert done.returncode == 0
    assert all(name in done.stdout for name in ("ingest", "search", "ask", "show", "status", "launch", "dev"))


@pytest.mark.parametrize(("words", "stream"), [(["search", "keys"], "stdout"), (["search"], "stderr")])
def test_a_reader_that_goes_ends_a_command_as_it_ends_every_program(
    folder: Path, words: list[str], stream: str
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "wb") as closed:
        streams: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, stream: closed}
        done = subprocess.run([*OMNI, *words], cwd=folder, timeout=100, check=False, **streams)
    assert done.returncode == -signal.SIGPIPE


GONE_SERVER = """
import socket
from omni_pipelines.cli import main

def ask_a_server(_arguments):
    ours, theirs = socket.socketpair()
    theirs.close()
    try:
        ours.send(b"question")
    except BrokenPipeError:
        print("nobody answers")
    return 0

main.execute = ask_a_server
main.run()
"""


def test_a_server_that_is_gone_is_an_error_which_a_command_can_handle() -> None:
    """Of SIGPIPE, the process died without a word."""
    done = subprocess.run([sys.executable, "-c", GONE_SERVER], capture_output=True, timeout=100, check=False)
    assert (done.returncode, done.stdout) == (0, b"nobody answers\n"), done.stderr


@pytest.mark.parametrize("closed", [1, 2])
def test_a_command_that_is_started_without_a_stream_works(folder: Path, closed: int) -> None:
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}>&-', "sh", *OMNI, "search", "keys", "--json"], cwd=folder,
        capture_output=True, timeout=100, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
    assert (b"rotate" in done.stdout) == (closed == 2)
