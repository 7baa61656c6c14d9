"""`omni ingest` killed several times at random: releases survive, and the last run has the rows of a fresh build."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from native.lance_tables import LanceTable
from omni_pipelines.home import Home
from omni_pipelines.schemas import CHUNKS, DOCUMENTS, EMBEDDINGS
from tests.command import told
from tests.stress.harness.extent import EXTENT

pytestmark = pytest.mark.usefixtures("models")

OMNI = [sys.executable, "-m", "omni_pipelines.cli.main"]
KILLS = 2 if EXTENT.name == "short" else 10
MAX_SECONDS = 3.0
"""Maximum number of seconds until the kill; a run takes about as long."""
COMPARED = {
    DOCUMENTS: ("doc_id", "path", "content_hash", "text", "revision"),
    CHUNKS: ("chunk_id", "doc_id", "ordinal", "text", "start_byte", "end_byte", "revision"),
    EMBEDDINGS: ("chunk_id", "text_hash", "model"),
}


@pytest.fixture
def vector_index_for_small_tables() -> None:
    """None: this process builds the same indexes as those that are killed."""


def killed(home: Path, folder: Path, seconds: float) -> bool:
    """Run `omni ingest`, kill it after `seconds`, and return whether it was still running."""
    command = [*OMNI, "ingest", str(folder), "--home", str(home)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            return True
    return False


def change(folder: Path, rng: random.Random, round_: int) -> None:
    """Add a file, change a file, and in every third round delete a file."""
    note = f"# Note {round_}\n\nThe lighthouse keeper wrote line {round_} into the log.\n\n"
    (folder / f"note-{round_}.md").write_text(note + "More words about the sea. " * rng.randint(5, 400))
    (folder / "changing.md").write_text(f"# Changing\n\nThis is state number {round_} of the file.\n")
    if round_ % 3 == 2:
        (folder / f"note-{round_ - 1}.md").unlink()


def rows(home: Path) -> dict[str, list[dict[str, Any]]]:
    tables = {}
    for definition, columns in COMPARED.items():
        unsorted = LanceTable(Home(home).table(definition.name)).read(columns).to_pylist()
        tables[definition.name] = sorted(unsorted, key=lambda row: str(row[definition.key]))
    return tables


@pytest.mark.timeout(600)
def test_ingest_killed_several_times_ends_with_the_rows_of_a_fresh_build(tmp_path: Path) -> None:
    seed = int(os.environ.get("OMNI_KILL_SEED", time.time_ns() % 1_000_000))
    sys.stdout.write(f"seed {seed}: repeat with OMNI_KILL_SEED={seed}\n")
    rng = random.Random(seed)
    home, folder = tmp_path / "kb" / ".omni", tmp_path / "notes"
    folder.mkdir()

    def look(*arguments: str, home: Path = home) -> Any:
        return told(*arguments, "--home", str(home), cwd=tmp_path)

    (folder / "first.md").write_text("# First\n\nThe lighthouse was built in 1887 by two sisters.\n")
    released = look("ingest", str(folder))["release"]
    kills = 0
    for round_ in range(KILLS):
        change(folder, rng, round_)
        kills += killed(home, folder, rng.uniform(0.3, MAX_SECONDS))
        assert look("status")["release"] >= released
        hits = look("search", "when was the lighthouse built", "-k", "3")["hits"]
        assert any("1887" in hit["text"] for hit in hits)
        released = look("status")["release"]
    assert kills > 0, "every run ended before the kill, so nothing was tested"
    report = look("ingest")["documents"]
    if look("status")["release"] == released:
        assert (report["added"], report["changed"], report["deleted"]) == (0, 0, 0)
    else:  # also what the killed runs had read is new for readers
        found = [change["kind"] for change in look("changes", "--since", str(released))["changes"]]
        counts = {"added": found.count("added"), "changed": found.count("changed"), "deleted": found.count("removed")}
        assert {name: report[name] for name in counts} == counts
    fresh = tmp_path / "fresh" / ".omni"
    look("ingest", str(folder), home=fresh)
    assert rows(home) == rows(fresh)
