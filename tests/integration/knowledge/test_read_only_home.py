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
from omni_pipelines.knowledge.answers.receipts import receipt_bytes
from omni_pipelines.knowledge.librarian import Librarian
from omni_pipelines.testing.builders import KnowledgeBase
from omni_pipelines.testing.fakes import FakeEmbedder

ROOT = Path(__file__).parents[3]
_DROP_FROM_BOUNDING_SET = 24
_CAPABILITIES = (1, 2, 3)
"""CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER: with them, root may write everything."""
SCRIPT = """
import json, sys
from pathlib import Path
from omni_pipelines.home import Home
from omni_pipelines.knowledge.answers.receipts import receipt_bytes
from omni_pipelines.knowledge.answers.verification import verify_receipt
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
    receipt = receipt_bytes(librarian.receipt(librarian.ask("What do otters hold?")))
    print(json.dumps({
        "hit": hit.path,
        "passage": list(librarian.show(hit.citation).lines)[-1],
        "answer": librarian.ask("What do otters hold?").abstained,
        "receipt": verify_receipt(home, receipt).outcome,
        "rows": run_sql(home, "select path from documents")[1].rows,
    }))
"""
UNREADABLE = """
import json, os, sys
from pathlib import Path
from omni_pipelines.errors import HomeError
from omni_pipelines.home import Home
from omni_pipelines.knowledge.answers.verification import verify_receipt
home, raw = Home(Path(sys.argv[1])), Path(sys.argv[2]).read_bytes()
outcomes = {}
for name in ("releases", "tables", "keyword", "receipt.key", "."):
    path = home.root / name
    mode = path.stat().st_mode
    path.chmod(0)
    try:
        if os.access(path, os.R_OK):
            print("writable")
            raise SystemExit
        found = verify_receipt(home, raw)
        outcomes[name] = (found.outcome, len(found.failures), len(found.proven))
    except HomeError as error:
        outcomes[name] = error.exit_code
    path.chmod(mode)
print(json.dumps(outcomes))
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


def run_unprivileged(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    ran = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        preexec_fn=without_privileges,
    )
    if ran.stdout == "writable\n":
        pytest.skip("this user may write to every file")
    return ran


def test_a_read_only_home_answers_and_stays_as_it_is(read_only: Home) -> None:
    before = {path: path.stat().st_mtime_ns for path in read_only.root.rglob("*")}
    ran = run_unprivileged(SCRIPT, str(read_only.root))
    assert json.loads(ran.stdout or "{}") == {
        "hit": "otter.md",
        "passage": "Otters hold hands while they sleep.",
        "answer": False,
        "receipt": "verified",
        "rows": [["otter.md"]],
    }, ran.stderr
    assert {path: path.stat().st_mtime_ns for path in read_only.root.rglob("*")} == before


def test_a_home_that_cannot_be_read_is_not_told_as_a_wrong_receipt(read_only: Home, tmp_path: Path) -> None:
    with Librarian.open(read_only, embedder=FakeEmbedder()) as librarian:
        receipt = tmp_path / "receipt.json"
        receipt.write_bytes(receipt_bytes(librarian.receipt(librarian.ask("What do otters hold?"))))
    ran = run_unprivileged(UNREADABLE, str(read_only.root), str(receipt))
    unchecked = ["unchecked", 0, 1]
    parts = dict.fromkeys(("releases", "tables", "keyword", "receipt.key"), unchecked)
    assert json.loads(ran.stdout or "{}") == {**parts, ".": 2}, ran.stderr
