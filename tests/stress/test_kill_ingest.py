"""`omni ingest` itself, killed ten times at random: what was published stays; the last run ends as a fresh build."""

from __future__ import annotations

import json
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

pytestmark = pytest.mark.usefixtures("models")

OMNI = [sys.executable, "-m", "omni_pipelines.cli.main"]
KILLS = 10
MAX_SECONDS = 5.0
"""Seconds after which a run is killed at the latest: about what a run takes."""
COMPARED = {
    DOCUMENTS: ("doc_id", "path", "content_hash", "text", "revision"),
    CHUNKS: ("chunk_id", "doc_id", "ordinal", "text", "start_byte", "end_byte", "revision"),
    EMBEDDINGS: ("chunk_id", "text_hash", "model"),
}


def told(home: Path, *arguments: str) -> Any:
    done = subprocess.run(
        [*OMNI, *arguments, "--home", str(home), "--json"], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def killed(home: Path, folder: Path, seconds: float) -> bool:
    """Whether the run was still at work when it was killed."""
    command = [*OMNI, "ingest", str(folder), "--home", str(home)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            return True
    return False


def change(folder: Path, chance: random.Random, round_: int) -> None:
    """A file more, a file changed, now and then a file less."""
    note = f"# Note {round_}\n\nThe lighthouse keeper wrote line {round_} into the log.\n\n"
    (folder / f"note-{round_}.md").write_text(note + "More words about the sea. " * chance.randint(5, 400))
    (folder / "changing.md").write_text(f"# Changing\n\nThis is state number {round_} of the file.\n")
    if round_ % 3 == 2:
        (folder / f"note-{round_ - 1}.md").unlink()


def rows(home: Path) -> dict[str, list[dict[str, Any]]]:
    tables = {}
    for definition, columns in COMPARED.items():
        found = LanceTable(Home(home).table(definition.name)).read(columns).to_pylist()
        tables[definition.name] = sorted(found, key=lambda row: str(row[definition.key]))
    return tables


@pytest.mark.timeout(600)
def test_ten_kills_lose_nothing_and_leave_nothing_behind(tmp_path: Path) -> None:
    seed = int(os.environ.get("OMNI_KILL_SEED", time.time_ns() % 1_000_000))
    sys.stdout.write(f"seed {seed}: OMNI_KILL_SEED={seed} repeats this\n")
    chance = random.Random(seed)
    home, folder = tmp_path / "kb" / ".omni", tmp_path / "notes"
    folder.mkdir()
    (folder / "first.md").write_text("# First\n\nThe lighthouse was built in 1887 by two sisters.\n")
    released = told(home, "ingest", str(folder))["release"]
    kills = 0
    for round_ in range(KILLS):
        change(folder, chance, round_)
        kills += killed(home, folder, chance.uniform(0.3, MAX_SECONDS))
        assert told(home, "status")["release"] >= released
        hits = told(home, "search", "when was the lighthouse built", "-k", "3")["hits"]
        assert any("1887" in hit["text"] for hit in hits)
        released = told(home, "status")["release"]
    assert kills > 0, "every run was over before it was killed: nothing was tested"
    told(home, "ingest")
    fresh = tmp_path / "fresh" / ".omni"
    told(fresh, "ingest", str(folder))
    assert rows(home) == rows(fresh)
