"""The README's quick start does what the README shows."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
SECTION = README[README.index("## Your own files") : README.index("| task |")]
KEYS = """# Keys

Every service has a key of its own. Whoever holds it may
write to the archive in the service's name.

## Where they are kept

Keys are kept in the vault. A key never stands in a file,
in a log or in an environment that others can read.

## Rotation


Keys are rotated with the `rotate` command, which keeps the
old key valid for one hour.
"""


def blocks() -> list[str]:
    return re.findall(r"```(?:sh)?\n(.*?)```", SECTION, re.DOTALL)


def omni(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    words = shlex.split(line, comments=True)
    command = [sys.executable, "-m", "omni_pipelines.cli.main", *words[1:]]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240, check=False)


def test_its_commands_end_in_the_answer_it_shows(models: None, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "src").mkdir()
    (tmp_path / "docs" / "keys.md").write_text(KEYS)
    (tmp_path / "src" / "archive.py").write_text('def store(name: str) -> None:\n    """Put a thing away."""\n')
    commands, shown = blocks()
    lines = [line for line in commands.splitlines() if line.startswith("omni") and "model pull" not in line]
    assert len(lines) == 2
    done = [omni(line, tmp_path) for line in lines]
    assert [each.returncode for each in done] == [0, 0], done[-1].stderr
    assert done[-1].stdout == shown
