"""How much faster toktok counts tokens than tiktoken, on real text and with equal counts: `make bench`.

Both engines count the same chunks, with one call per chunk as in chunking, block by block in turns. Each turn is
measured by the CPU time of this process, and every count is compared. Text that was counted before is faster, so
the goal applies to the first pass and the default encoding. The result is written to
docs/benchmarks/token_counting.md.
"""

from __future__ import annotations

import platform
import sys
import sysconfig
import time
from importlib.metadata import version
from itertools import chain, zip_longest
from pathlib import Path

from native.tiktoken_bpe import TokenCounter
from native.toktok_bpe import ToktokCounter
from omni_pipelines.configuration import find_home, load_settings
from omni_pipelines.errors import ModelMissing
from omni_pipelines.model_store import ModelStore
from omni_pipelines.text.token_counting import TokenEngine, check_counts

BYTES = 20_000_000
CHUNK = 1_000
"""Characters of a chunk."""
BLOCK = 250
"""Chunks that an engine counts in one turn."""
PASSES = ("text not seen before", "the same text again")
MIN_RATIO = 5.0
"""How many times faster toktok must be."""
ENCODINGS = ("cl100k_base", "o200k_base")
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "token_counting.md"


def main() -> int:
    """Measure and write the page. Return 1 if toktok is not fast enough."""
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
        engines: dict[str, TokenEngine] = {
            "tiktoken": TokenCounter(encoding, vocabulary),
            "toktok": ToktokCounter(encoding, vocabulary),
        }
        check_counts(engines["toktok"])
        for seen in PASSES:
            seconds, tokens = measure(engines, chunks)
            ratio = seconds["tiktoken"] / seconds["toktok"]
            slow |= (encoding, seen) == (ENCODINGS[0], PASSES[0]) and ratio < MIN_RATIO
            speeds = " | ".join(f"{size / 1e6 / each:.1f}" for each in seconds.values())
            rows.append(f"| {encoding} | {seen} | {tokens:,} | {speeds} | **{ratio:.1f}** |")
            print(f"{encoding}, {seen}: toktok is {ratio:.1f} times faster, counts identical on every chunk")
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(_page(rows, size, len(chunks), files))
    return 1 if slow or not rows else 0


def read_chunks() -> tuple[list[str], int]:
    """Read at least `BYTES` of the standard library's source and the installed packages' documents, in turns."""
    library = sorted(Path(sysconfig.get_path("stdlib")).glob("**/*.py"))
    packages = Path(sysconfig.get_path("purelib"))
    documents = sorted(chain(packages.glob("**/*.md"), packages.glob("**/*.rst"), packages.glob("**/METADATA")))
    library = [path for path in library if "site-packages" not in path.parts]
    chunks: list[str] = []
    size = files = 0
    for path in (path for pair in zip_longest(documents, library) for path in pair if path is not None):
        text = path.read_bytes().decode("utf-8", "replace")
        chunks += [text[start : start + CHUNK] for start in range(0, len(text), CHUNK)]
        size, files = size + len(text.encode()), files + 1
        if size >= BYTES:
            return chunks, files
    raise SystemExit(f"only {size:,} bytes of text were found, {BYTES:,} are needed")


def measure(engines: dict[str, TokenEngine], chunks: list[str]) -> tuple[dict[str, float], int]:
    """Return the CPU seconds of each engine for one pass over all chunks, and the number of tokens.

    Raises:
        SystemExit: the engines disagree on a chunk.
    """
    seconds = dict.fromkeys(engines, 0.0)
    tokens = 0
    order = list(engines)
    for at in range(0, len(chunks), BLOCK):
        block = chunks[at : at + BLOCK]
        counts: dict[str, list[int]] = {}
        for name in order:
            count = engines[name].count
            began = time.process_time()
            counts[name] = [count(chunk) for chunk in block]
            seconds[name] += time.process_time() - began
        for chunk, *found in zip(block, *counts.values(), strict=True):
            if len(set(found)) != 1:
                raise SystemExit(f"the engines count {found} tokens: {chunk!r}")
        tokens += sum(counts[order[0]])
        order.reverse()  # the second engine finds the text in the processor's cache
    return seconds, tokens


def _version(name: str) -> str:
    return version({"toktok": "toktok-rs"}.get(name, name))


def _page(rows: list[str], size: int, chunks: int, files: int) -> str:
    table = "\n".join(rows)
    return f"""\
# Token counting

How much faster toktok counts tokens than tiktoken, with the same counts.

Both run through the bindings that chunking uses, with one call per chunk, in one thread.

- Text: {size / 1e6:.1f} MB in {chunks:,} chunks of {CHUNK:,} characters, from {files:,} files of the standard library
  and of installed packages.
- tiktoken {_version("tiktoken")}, toktok {_version("toktok")}, CPython {platform.python_version()},
  {platform.machine()}.
- Both counted every chunk, block by block in turns and in changing order. Speeds are by CPU time of one thread.
- Both gave the same count for every chunk. `make bench` writes this page, and fails if the first row is below
  {MIN_RATIO:g} times.

| encoding | | tokens | tiktoken, MB/s | toktok, MB/s | times faster |
|---|---|---|---|---|---|
{table}
"""


if __name__ == "__main__":
    sys.exit(main())
