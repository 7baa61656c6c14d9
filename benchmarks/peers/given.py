"""What the products are given: folders with files, texts with queries, and vectors with queries."""

from __future__ import annotations

import os
import random
import shutil
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson

from benchmarks.peers.child import HITS, SUFFIXES
from omni_pipelines.testing.fakes import FakeEmbedder

_QUERIES = 150
_QUERY_WORDS = 6
_TEXT_LENGTH = 1_000
_CHANGED = 1_750_000_000
"""When the files were changed: a product may read a file again that was changed just now."""


@dataclass(frozen=True)
class Size:
    """How much the products are given."""

    whole_files: int
    files: int
    texts: int
    vectors: int
    embedded: int = 48


SIZES = {
    "tiny": Size(2, 5, 300, 1_000, 12),
    "small": Size(15, 150, 2_000, 20_000),
    "full": Size(60, 3_000, 50_000, 100_000),
}


def copy_files(folder: Path, count: int) -> None:
    """Copy files of Python's library and of packages: as many of each suffix, as far as there are enough."""
    rng = random.Random(3)
    by_suffix = {suffix: [path for path in library_files() if path.suffix == suffix] for suffix in SUFFIXES}
    for paths in by_suffix.values():
        rng.shuffle(paths)
    chosen: list[Path] = []
    while len(chosen) < count and any(by_suffix.values()):
        chosen += [paths.pop() for paths in by_suffix.values() if paths]
    folder.mkdir(parents=True)
    for number, path in enumerate(chosen[:count]):
        copy = folder / f"{number:05}_{path.name}"
        shutil.copyfile(path, copy)
        os.utime(copy, (_CHANGED, _CHANGED))


def library_files() -> Iterator[Path]:
    """Texts of Python's library and of the installed packages, neither tiny nor huge."""
    for root in (sysconfig.get_path("stdlib"), sysconfig.get_path("purelib")):
        for folder, folders, names in os.walk(root):
            folders[:] = sorted(name for name in folders if name != "site-packages")
            paths = [Path(folder, name) for name in sorted(names) if name.endswith(SUFFIXES)]
            yield from (path for path in paths if 500 < path.stat().st_size < 200_000)


def write_texts(path: Path, count: int, *, queries: int = _QUERIES) -> None:
    """Write texts of Python's library, and for each query the text that its words are from."""
    texts = _texts(count)
    rng = random.Random(5)
    asked: list[str] = []
    wanted: list[int] = []
    for number in rng.sample(range(len(texts)), min(len(texts), queries * 4)):
        words = [word for word in texts[number].split() if word.isascii() and word.isalpha()]
        if len(words) >= 2 * _QUERY_WORDS and len(asked) < queries:
            start = rng.randrange(len(words) - _QUERY_WORDS)
            asked.append(" ".join(words[start : start + _QUERY_WORDS]))
            wanted.append(number)
    path.write_bytes(orjson.dumps({"texts": texts, "queries": asked, "wanted": wanted}))


def _texts(count: int) -> list[str]:
    seen: dict[str, None] = {}
    for path in library_files():
        whole = path.read_text("utf-8", "replace")
        pieces = (whole[at : at + _TEXT_LENGTH] for at in range(0, len(whole), _TEXT_LENGTH))
        seen.update(dict.fromkeys(piece for piece in pieces if len(piece) > _TEXT_LENGTH // 2))
        if len(seen) >= count:
            break
    return list(seen)[:count]


def write_vectors(path: Path, count: int, *, queries: int = _QUERIES) -> None:
    """Write the bags of words of texts as vectors, and for each query the nearest ones."""
    vectors = FakeEmbedder().embed(_texts(count + queries))
    vectors, asked = vectors[:-queries], vectors[-queries:]
    nearest = np.argsort(-(asked @ vectors.T), axis=1)[:, :HITS]
    with path.open("wb") as file:
        np.savez(file, vectors=vectors, queries=asked, nearest=nearest)
