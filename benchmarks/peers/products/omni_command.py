"""`omni ingest`: what the library does, as a run of Dagster with its checks and its history."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.peers.child import SUFFIXES

PACKAGES = ()
_START = "import sys; sys.argv[0] = 'omni'; from omni_pipelines.cli.main import run; run()"


def ingest_whole(corpus: Path, target: Path) -> int:
    """Run the command in a new home."""
    from omni_pipelines.home import HOME_NAME, Home
    from omni_pipelines.knowledge.state.releases import require_release
    from omni_pipelines.schemas import CHUNKS

    target.mkdir()
    (target / "omni.toml").write_text("workers = 1\n")
    patterns = [word for suffix in SUFFIXES for word in ("--include", "*" + suffix)]
    home = target / HOME_NAME
    command = [sys.executable, "-c", _START, "ingest", str(corpus), *patterns, "--home", str(home)]
    subprocess.run(command, check=True, capture_output=True)
    return require_release(Home(home)).counts[CHUNKS.name]
