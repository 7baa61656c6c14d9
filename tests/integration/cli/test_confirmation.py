"""Questions are asked on a terminal only."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from omni_pipelines.cli.confirmation import confirmed
from omni_pipelines.errors import ConfigurationError

CALL = """
from omni_pipelines.cli.confirmation import confirmed
from omni_pipelines.errors import OmniError
print(confirmed("delete 3 documents?", otherwise=OmniError("nobody")))
"""


@pytest.mark.parametrize(("answer", "told"), [("y", "True"), ("n", "False"), ("", "False")])
def test_question_on_a_terminal_is_answered_there(answer: str, told: str) -> None:
    ours, theirs = pty.openpty()
    try:
        os.write(ours, f"{answer}\n".encode())
        done = subprocess.run(
            [sys.executable, "-c", CALL], stdin=theirs, capture_output=True, text=True, timeout=120, check=True
        )
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.stdout.strip() == told
    assert "delete 3 documents? [y/N]" in done.stderr


def test_question_without_a_terminal_raises_what_its_caller_gave() -> None:
    refusal = ConfigurationError("nobody can answer")
    with pytest.raises(ConfigurationError) as refused:
        confirmed("delete 3 documents?", otherwise=refusal)
    assert refused.value is refusal
