"""Deletes the sessions of the agent that hold something of what is erased: their texts quote documents."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from omni_pipelines.erasure.residue import Wanted
from omni_pipelines.home import Home

_ID = re.compile(rb"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")


def clear_sessions(home: Home, wanted: Wanted, *, write: bool) -> int:
    """The number of sessions that name or quote it; with `write`, they are deleted as a whole."""
    found = list(_sessions_with(home, wanted))
    for session in found if write else ():
        shutil.rmtree(session)
    return len(found)


def _sessions_with(home: Home, wanted: Wanted) -> Iterator[Path]:
    ids = {text.encode() for text in wanted.documents | wanted.chunks}
    lines = [line.encode("utf-8", "surrogatepass") for line in wanted.lines]
    for session in sorted(home.sessions.glob("*")):
        contents = (path.read_bytes() for path in session.rglob("*") if path.is_file())
        if any(not ids.isdisjoint(_ID.findall(each)) or any(line in each for line in lines) for each in contents):
            yield session
