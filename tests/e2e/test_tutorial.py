"""The tutorial does what it shows."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "tutorial.md").read_text("utf-8")
BLOCK = re.compile(r"```(?P<language>\w*)\n(?P<text>.*?)```", re.DOTALL)
OMNI = f'omni() {{ "{sys.executable}" -m omni_pipelines.cli.main "$@"; }}'


def run(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-euc", f"{OMNI}\n{script}"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def test_tutorial_commands_succeed_and_print_what_the_page_shows(models: None, tmp_path: Path) -> None:
    output = ""
    shown = 0
    for block in BLOCK.finditer(PAGE):
        if block["language"] == "sh":
            result = run(block["text"], tmp_path)
            assert result.returncode == 0, f"{block['text']}\n{result.stderr}"
            output = result.stdout
        else:
            assert output.endswith(block["text"]), f"shown:\n{block['text']}\nprinted:\n{output}"
            shown += 1
    assert shown == 3
