"""`omni` in this process: the whole command line, without the second or more that a process takes to start."""

from __future__ import annotations

import contextlib
import io
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omni_pipelines.cli.main import execute


@dataclass(frozen=True)
class Done:
    """What a command printed, and its exit code."""

    returncode: int
    stdout: str
    stderr: str


def omni(*arguments: str, cwd: Path, **environment: str) -> Done:
    """Run a command in a folder, with no settings but those given as environment variables."""
    stdout, stderr = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(cwd),
        _environment(environment),
        contextlib.redirect_stdout(stdout),
        contextlib.redirect_stderr(stderr),
    ):
        code = execute(arguments)
    return Done(code, stdout.getvalue(), stderr.getvalue())


def told(*arguments: str, cwd: Path, **environment: str) -> Any:
    """Run a command that must succeed, and return its JSON document."""
    done = omni(*arguments, "--json", cwd=cwd, **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@contextlib.contextmanager
def _environment(wanted: dict[str, str]) -> Any:
    before = dict(os.environ)
    for name in [name for name in before if name.startswith("OMNI_") and name != "OMNI_CACHE"]:
        del os.environ[name]
    os.environ.update(wanted)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
