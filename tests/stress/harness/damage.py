"""Damage to files: which kinds there are, and a bit that flips."""

from __future__ import annotations

import random
import re
from pathlib import Path


def files_by_kind(folder: Path) -> list[list[Path]]:
    """The files below a folder by kind: paths that differ in numbers and hashes only."""
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    kinds: dict[str, list[Path]] = {}
    for path in files:
        kinds.setdefault(re.sub(r"[0-9a-f-]{6,}|\d+", "N", path.as_posix()), []).append(path)
    return list(kinds.values())


def flip(path: Path, rng: random.Random) -> None:
    """Flip a bit of a file that is not empty."""
    raw = bytearray(path.read_bytes())
    raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
    path.write_bytes(raw)
