"""How much faster toktok counts tokens than tiktoken, on real text, with the same numbers: `make bench`.

Both engines count the same chunks, one call a chunk as chunking does, in turns and in changing order, each turn
measured by the CPU time of this process. Every count is compared. The result goes to docs/benchmarks/token_counting.md.
"""

from __future__ import annotations

import platform
import statistics
import sys
import sysconfig
import time
from collections.abc import Iterator
from importlib.metadata import version
from itertools import chain, cycle, zip_longest
from pathlib import Path

from native.tiktoken_bpe import TokenCounter
from native.toktok_bpe import ToktokCounter
from omni_pipelines.errors import ModelMissing
from omni_pipelines.model_store import ModelStore
from omni_pipelines.settings import find_home, load_settings
from omni_pipelines.text.token_counting import CountsTokens, check_counts

BYTES = 12_000_000
CHUNK = 1_000
"""Characters."""
ROUNDS = 5
LEAST = 5.0
"""Times faster it must be."""
ENCODINGS = ("cl100k_base", "o200k_base")
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "token_counting.md"


def main() -> int:
    """Measure, write the page; 1 where it is not fast enough."""
    chunks, files = read_chunks()
    size = sum(len(chunk.encode()) for chunk in chunks)
    print(f"{size / 1e6:.1f} MB in {len(chunks):,} chunks from {files:,} files")
    rows = []
    slow = False
    for encoding in ENCODINGS:
        try:
            vocabulary = ModelStore(load_settings(find_home()).cache).vocabulary_file(encoding)
        except ModelMissing as error:
            print(f"{encoding}: skipped, {error}")
            continue
        engines: dict[str, CountsTokens] = {
            "tiktoken": TokenCounter(encoding, vocabulary),
            "toktok": ToktokCounter(encoding, vocabulary),
        }
        check_counts(engines["toktok"], engines["tiktoken"])
        seconds, tokens = measure(engines, chunks)
        ratio = seconds["tiktoken"] / seconds["toktok"]
        slow |= ratio < LEAST
        for name, each in seconds.items():
            speed = size / 1e6 / each
            rows.append(f"| {encoding} | {name} {_version(name)} | {each:.2f} | {speed:.1f} | {tokens:,} |")
        rows.append(f"| {encoding} | **ratio** | **{ratio:.1f}** | | identical on all {len(chunks):,} chunks |")
        print(f"{encoding}: toktok is {ratio:.1f} times faster, counts identical on every chunk")
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(_page(rows, size, len(chunks), files))
    return 1 if slow or not rows else 0


def read_chunks() -> tuple[list[str], int]:
    """At least `BYTES` of the standard library's source and of the installed packages' documents, taken in turns."""
    library = sorted(Path(sysconfig.get_path("stdlib")).glob("**/*.py"))
    packages = Path(sysconfig.get_path("purelib"))
    documents = sorted(chain(packages.glob("**/*.md"), packages.glob("**/*.rst"), packages.glob("**/METADATA")))
    library = [path for path in library if "site-packages" not in path.parts]
    chunks: list[str] = []
    size = files = 0
    for path in (each for pair in zip_longest(documents, library) for each in pair if each is not None):
        text = path.read_bytes().decode("utf-8", "replace")
        chunks += [text[at : at + CHUNK] for at in range(0, len(text), CHUNK)]
        size, files = size + len(text.encode()), files + 1
        if size >= BYTES:
            return chunks, files
    raise SystemExit(f"only {size:,} bytes of text were found, {BYTES:,} are needed")


def measure(engines: dict[str, CountsTokens], chunks: list[str]) -> tuple[dict[str, float], int]:
    """Median CPU seconds of each engine, and how many tokens there are.

    Raises:
        SystemExit: they disagree on a chunk.
    """
    seconds: dict[str, list[float]] = {name: [] for name in engines}
    for order, _ in zip(_orders(list(engines)), range(ROUNDS), strict=False):
        counts = {}
        for name in order:
            count = engines[name].count
            began = time.process_time()
            counts[name] = [count(chunk) for chunk in chunks]
            seconds[name].append(time.process_time() - began)
        for chunk, *found in zip(chunks, *counts.values(), strict=True):
            if len(set(found)) != 1:
                raise SystemExit(f"they count {found} tokens: {chunk!r}")
    return {name: statistics.median(each) for name, each in seconds.items()}, sum(next(iter(counts.values())))


def _orders(names: list[str]) -> Iterator[list[str]]:
    return cycle([names, names[::-1]])


def _version(name: str) -> str:
    return version({"toktok": "toktok-rs"}.get(name, name))


def _page(rows: list[str], size: int, chunks: int, files: int) -> str:
    table = "\n".join(rows)
    return f"""\
# Token counting

toktok against tiktoken, through the bindings that chunking uses: one call a chunk, one thread.

- Text: {size / 1e6:.1f} MB in {chunks:,} chunks of {CHUNK:,} characters, from {files:,} files of the standard library
  and of installed packages.
- Each engine counted all of it {ROUNDS} times, in turns and in changing order; the median of the CPU time counts.
- Every chunk was counted alike by both in every round.
- CPython {platform.python_version()}, {platform.machine()}. Written by `make bench`; it fails below {LEAST:g} times.

| encoding | engine | CPU seconds | MB a CPU second | tokens |
|---|---|---|---|---|
{table}
"""


if __name__ == "__main__":
    sys.exit(main())
