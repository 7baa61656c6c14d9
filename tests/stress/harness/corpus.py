"""Files whose every state follows from a seed and a number of steps: what a release must hold is known."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path

FILES = 24
WORDS = ("walrus", "badger", "candle", "dolphin", "ferret", "gecko", "heron")
STEP_FILE = "step.md"
"""Names the step, so that no two states are equal, and a reader without releases can tell which one it sees."""
UNREADABLE = b"\0 not text"


def files_at(seed: int, step: int) -> Mapping[str, bytes]:
    """Path to content after `step` steps. Edits, new files, deletions, renames, files that cannot be read."""
    known = max((at for of, at in _FILES if of == seed and at <= step), default=None)
    files = _first_files(seed) if known is None else _FILES[seed, known]
    for at in range(0 if known is None else known, step):
        files = _next_files(files, seed, at + 1)
    _FILES[seed, step] = files
    while len(_FILES) > _MAX_KEPT:
        del _FILES[next(iter(_FILES))]
    return files


_FILES: dict[tuple[int, int], Mapping[str, bytes]] = {}
"""Seed and step to the files, of the last that were asked for."""
_MAX_KEPT = 64


def _first_files(seed: int) -> Mapping[str, bytes]:
    dice = random.Random(f"{seed}:0")
    first = {f"part{number % 3}/{number}.md": _content(dice) for number in range(FILES)}
    return {**first, STEP_FILE: step_file(0)}


def _next_files(before: Mapping[str, bytes], seed: int, step: int) -> Mapping[str, bytes]:
    dice = random.Random(f"{seed}:{step}")
    files = dict(before)
    for path in dice.sample(sorted(files.keys() - {STEP_FILE}), 4):
        _change(files, path, dice)
    while len(files) < FILES:
        files[_new_path(dice)] = _content(dice)
    return {**files, STEP_FILE: step_file(step)}


def step_file(step: int) -> bytes:
    """The content of the file that names the step."""
    return f"# Step\n\nThis is step {step}.\n".encode()


def step_in(text: str) -> int:
    """The number in the text of a step file."""
    return int(text.rpartition("step ")[2].strip(" .\n"))


def _change(files: dict[str, bytes], path: str, dice: random.Random) -> None:
    what = dice.random()
    if what < 0.2:
        del files[path]
    elif what < 0.4:
        files[_new_path(dice)] = files.pop(path)
    else:
        files[path] = UNREADABLE if what > 0.95 else _content(dice)


def _new_path(dice: random.Random) -> str:
    return f"part{dice.randrange(3)}/o'new {dice.randrange(10**6)}.md"


def _content(dice: random.Random) -> bytes:
    """Paragraphs about one animal each; the chunker makes a chunk or two of one."""
    topics = dice.choices(WORDS, k=dice.randint(1, 4))
    parts = (
        f"The {topic} of shed {dice.randrange(10**6)} is fed at noon, and sleeps until dusk." for topic in topics
    )
    return ("# A note\n\n" + "\n\n".join(parts) + "\n").encode()


def lay(folder: Path, files: Mapping[str, bytes]) -> None:
    """Make a folder hold exactly these files; what is right already is not touched."""
    for path in folder.rglob("*"):
        if path.is_file() and path.relative_to(folder).as_posix() not in files:
            path.unlink()
    for name, content in files.items():
        path = folder / name
        if not path.exists() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
