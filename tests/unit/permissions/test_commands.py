"""A program gets exactly its words and its environment, and ends within its limits."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st

from omni_pipelines.errors import SecurityError
from omni_pipelines.permissions.commands import CommandLimits, run_command
from omni_pipelines.processes import is_alive
from tests.cases import cases

WORDS_A_CALL = 200
CALLS = cases(2, 50)
ECHO = "import sys, os; sys.stdout.write(os.linesep.join(map(repr, sys.argv[1:])))"
SPECIAL = st.sampled_from(
    ["$HOME", "`id`", "$(id)", ";id", "|id", "&&id", ">x", "*", "~", "-rf", "--", "\n", '"', "'", ""]
)
WORDS = SPECIAL | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


def python(code: str, *words: str) -> list[str]:
    return [sys.executable, "-I", "-c", code, *words]


def test_every_word_reaches_the_program_as_it_is(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    @hypothesis.settings(max_examples=CALLS)
    @hypothesis.given(st.lists(WORDS, min_size=WORDS_A_CALL, max_size=WORDS_A_CALL))
    def check(words: list[str]) -> None:
        done = run_command(python(ECHO, *words), tmp_path, {"PYTHONUTF8": "1"})
        assert (done.exit_code, done.output.split("\n")) == (0, [repr(word) for word in words])

    check()
    record_property("cases", CALLS * WORDS_A_CALL)


@pytest.mark.parametrize(
    "words",
    [[], ["python"], ["./python"], [sys.executable, "a\0b"], [sys.executable, "\ud800"], [sys.executable] * 300],
)
def test_words_that_no_program_can_get_are_refused(tmp_path: Path, words: list[str]) -> None:
    with pytest.raises(SecurityError):
        run_command(words, tmp_path, {})


def test_environment_is_only_what_is_given(tmp_path: Path) -> None:
    code = "import os; print(sorted(name for name in os.environ if name != 'LC_CTYPE'))"
    assert run_command(python(code), tmp_path, {"ONE": "1"}).output == "['ONE']\n"


def test_output_beyond_the_limit_is_thrown_away(tmp_path: Path) -> None:
    done = run_command(python("print('a' * 10_000_000)"), tmp_path, {}, CommandLimits(output_bytes=1_000))
    assert (len(done.output), done.is_cut, done.exit_code) == (1_000, True, 0)


def test_program_and_what_it_started_end_after_their_time(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(child.pid, flush=True)\ntime.sleep(600)"
    )
    done = run_command(python(code), tmp_path, {}, CommandLimits(seconds=2))
    assert (done.timed_out, done.exit_code) == (True, -9)
    deadline = time.monotonic() + 10
    while is_alive(int(done.output)) and time.monotonic() < deadline:  # until the system has buried it
        state = Path(f"/proc/{int(done.output)}/stat")
        if state.exists() and state.read_text().split(") ")[1].startswith("Z"):
            return
        time.sleep(0.05)
    assert not is_alive(int(done.output))
