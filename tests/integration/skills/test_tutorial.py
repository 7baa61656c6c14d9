"""The tutorial about skills does what it shows."""

from __future__ import annotations

import contextlib
import re
import shlex
from pathlib import Path
from typing import Any

from tests.unit.cli.conftest import omni  # noqa: F401

PAGE = (Path(__file__).parents[3] / "docs" / "tutorial-new-skill.md").read_text("utf-8")
BLOCK = re.compile(r"```(?P<words>[^\n]*)\n(?P<text>.*?)```", re.DOTALL)


def test_every_file_command_and_output_of_the_page_is_as_it_says(omni: Any, tmp_path: Path) -> None:  # noqa: F811
    output, shown = "", 0
    with contextlib.chdir(tmp_path):
        for block in BLOCK.finditer(PAGE):
            words, text = block["words"].split(), block["text"]
            if words[:1] == ["sh"]:
                output = commands(omni, text, fails="fails" in words)
            elif words[1:2] == ["adds"]:
                file = Path(words[2])
                head, _, body = file.read_text("utf-8").removeprefix("---\n").partition("---\n")
                file.write_text(f"---\n{head}{text}---\n{body}", "utf-8")
            elif len(words) == 2:
                Path(words[1]).parent.mkdir(parents=True, exist_ok=True)
                Path(words[1]).write_text(text, "utf-8")
            else:
                assert output.endswith(text)
                shown += 1
    assert shown == 4


def commands(omni: Any, text: str, *, fails: bool) -> str:  # noqa: F811
    output = ""
    for line in text.splitlines():
        program, *words = shlex.split(line)
        if program == "omni":
            done = omni(*words)
            assert (done.code != 0) is fails, f"{line}\n{done.out}\n{done.err}"
            output = done.out
    return output
