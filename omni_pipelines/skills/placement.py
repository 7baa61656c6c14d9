"""Put a skill into its folder: prepared beside it, compared with what is there, and moved whole or not at all."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from difflib import unified_diff
from pathlib import Path

from omni_pipelines.skills.folder import SkillFolder


@contextmanager
def staging(beside: Path) -> Iterator[Path]:
    """A new hidden folder in an existing one, which is removed at the end with all that is left in it."""
    stage = Path(tempfile.mkdtemp(prefix=".omni-skill-", dir=beside))
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def contents(folder: Path) -> dict[str, str]:
    """The files of a skill as texts; none if there is no such folder."""
    if not folder.is_dir():
        return {}
    return {name: (folder / name).read_text("utf-8", "replace") for name in SkillFolder(folder).files}


def difference(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """A unified diff of the files of a skill; "" if they are the same."""
    lines: list[str] = []
    for name in sorted(before.keys() | after.keys()):
        old, new = (files.get(name, "").splitlines(keepends=True) for files in (before, after))
        was, is_ = (name if name in files else "/dev/null" for files in (before, after))
        lines += unified_diff(old, new, was, is_)
    return "".join(lines)


def put_in_place(made: Path, target: Path) -> None:
    """Move a prepared folder to its place; what was there is removed, and is back if the move fails.

    Raises:
        OSError: it cannot be moved.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        made.rename(target)
        return
    old = made.with_name(f"{made.name}.old")
    target.rename(old)
    try:
        made.rename(target)
    except OSError:
        old.rename(target)
        raise
