"""A home that nobody may write to answers as any other, and reading it leaves no trace."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from omni_pipelines.home import HOME_NAME, Home
from omni_pipelines.testing.builders import KnowledgeBase

ROOT = Path(__file__).parents[3]
_DROP_FROM_BOUNDING_SET = 24
_CAPABILITIES = (1, 2, 3)
"""CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER: with them, root may write everything."""
SCRIPT = """
import json, sys
from pathlib import Path
from omni_pipelines.home import Home
from omni_pipelines.knowledge.librarian import Librarian
from omni_pipelines.knowledge.sql import run_sql
from omni_pipelines.testing.fakes import FakeEmbedder
home = Home(Path(sys.argv[1]))
try:
    (home.root / "probe").touch()
    print("writable")
    raise SystemExit
except OSError:
    pass
with Librarian.open(home, embedder=FakeEmbedder()) as librarian:
    hit = librarian.search("otters")[0]
    print(json.dumps({
        "hit": hit.path,
        "passage": list(librarian.show(hit.citation).lines)[-1],
        "answer": librarian.ask("What do otters hold?").abstained,
        "rows": run_sql(home, "select path from documents")[1].rows,
    }))
"""


@pytest.fixture
def read_only(tmp_path: Path) -> Home:
    home = Home(tmp_path / "kb" / HOME_NAME)
    KnowledgeBase(home).with_files({"otter.md": "# Otters\n\nOtters hold hands while they sleep.\n"}).build()
    for path in (home.root, *home.root.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    return home


def without_privileges() -> None:
    library = ctypes.CDLL(None)
    for capability in _CAPABILITIES:
        library.prctl(_DROP_FROM_BOUNDING_SET, capability, 0, 0, 0)


def test_a_read_only_home_answers_and_stays_as_it_is(read_only: Home) -> None:
    before = {path: path.stat().st_mtime_ns for path in read_only.root.rglob("*")}
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(read_only.root)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        preexec_fn=without_privileges,
    )
    if ran.stdout == "writable\n":
        pytest.skip("this user may write to every file")
    assert json.loads(ran.stdout or "{}") == {
        "hit": "otter.md",
        "passage": "Otters hold hands while they sleep.",
        "answer": False,
        "rows": [["otter.md"]],
    }, ran.stderr
    assert {path: path.stat().st_mtime_ns for path in read_only.root.rglob("*")} == before
