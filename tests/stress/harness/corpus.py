"""Source files that are a function of a seed and a step number, so that the correct content of a release is known."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path

FILES = 24
WORDS = ("walrus", "badger", "candle", "dolphin", "ferret", "gecko", "heron")
STEP_FILE = "step.md"
"""This file names the step. It makes each step different, and a reader can tell which step it sees."""
UNREADABLE = b"\0 not text"


def files_at(seed: int, step: int) -> Mapping[str, bytes]:
    """Return path and content of every file after `step` steps of edits, additions, deletions, renames and damage."""
    known = max((at for of, at in _FILES if of == seed and at <= step), default=None)
    files = _first_files(seed) if known is None else _FILES[seed, known]
    for at in range(0 if known is None else known, step):
        files = _next_files(files, seed, at + 1)
    _FILES[seed, step] = files
    while len(_FILES) > _MAX_KEPT:
        del _FILES[next(iter(_FILES))]
    return files


_FILES: dict[tuple[int, int], Mapping[str, bytes]] = {}
"""The most recently requested states, by seed and step."""
_MAX_KEPT = 64


def _first_files(seed: int) -> Mapping[str, bytes]:
    rng = random.Random(f"{seed}:0")
    first = {f"part{number % 3}/{number}.md": _content(rng) for number in range(FILES)}
    return {**first, STEP_FILE: step_file(0)}


def _next_files(before: Mapping[str, bytes], seed: int, step: int) -> Mapping[str, bytes]:
    rng = random.Random(f"{seed}:{step}")
    files = dict(before)
    for path in rng.sample(sorted(files.keys() - {STEP_FILE}), 4):
        _change(files, path, rng)
    while len(files) < FILES:
        files[_new_path(rng)] = _content(rng)
    return {**files, STEP_FILE: step_file(step)}


def step_file(step: int) -> bytes:
    """Return the content of the file that names the step."""
    return f"# Step\n\nThis is step {step}.\n".encode()


def step_in(text: str) -> int:
    """Return the step number in the text of a step file."""
    return int(text.rpartition("step ")[2].strip(" .\n"))


def _change(files: dict[str, bytes], path: str, rng: random.Random) -> None:
    what = rng.random()
    if what < 0.2:
        del files[path]
    elif what < 0.4:
        files[_new_path(rng)] = files.pop(path)
    else:
        files[path] = UNREADABLE if what > 0.95 else _content(rng)


def _new_path(rng: random.Random) -> str:
    return f"part{rng.randrange(3)}/o'new {rng.randrange(10**6)}.md"


def _content(rng: random.Random) -> bytes:
    """Return paragraphs about one animal each; the chunker makes one or two chunks of each paragraph."""
    topics = rng.choices(WORDS, k=rng.randint(1, 4))
    parts = (f"The {topic} of shed {rng.randrange(10**6)} is fed at noon, and sleeps until dusk." for topic in topics)
    return ("# A note\n\n" + "\n\n".join(parts) + "\n").encode()


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Make a folder contain exactly these files. Files that are correct already are not touched."""
    for path in folder.rglob("*"):
        if path.is_file() and path.relative_to(folder).as_posix() not in files:
            path.unlink()
    for name, content in files.items():
        path = folder / name
        if not path.exists() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
