"""The tutorial does what it shows."""

from __future__ import annotations

import re
import shlex
import subprocess
from itertools import groupby
from pathlib import Path

from tests.command import omni

PAGE = (Path(__file__).parents[2] / "docs" / "tutorial.md").read_text("utf-8")
BLOCK = re.compile(r"```(?P<language>\w*)\n(?P<text>.*?)```", re.DOTALL)


def run(script: str, folder: Path) -> str:
    """What a script prints: `omni` runs in this process, and bash runs what is between."""
    printed = ""
    for is_ours, lines in groupby(script.splitlines(keepends=True), lambda line: line.startswith("omni ")):
        if is_ours:
            for line in lines:
                done = omni(*shlex.split(line)[1:], cwd=folder)
                assert done.returncode == 0, f"{line}\n{done.stderr}"
                printed += done.stdout
        else:
            subprocess.run(["bash", "-euc", "".join(lines)], cwd=folder, timeout=60, check=True)
    return printed


def test_tutorial_commands_succeed_and_print_what_the_page_shows(models: None, tmp_path: Path) -> None:
    output = ""
    shown = 0
    for block in BLOCK.finditer(PAGE):
        if block["language"] == "sh":
            output = run(block["text"], tmp_path)
        else:
            assert output.endswith(block["text"]), f"shown:\n{block['text']}\nprinted:\n{output}"
            shown += 1
    assert shown == 3
