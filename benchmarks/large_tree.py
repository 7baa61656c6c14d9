"""A tree of ten thousand mixed files, and one of large files: memory, quarantine, and what a second run changes.

    python -m benchmarks.large_tree [--files 10000]

The files are made from those of Python's library and the installed packages. One in fifty is broken: truncated,
binary under the name of text, in an unknown encoding, empty, or not a document. Large files hold many of them, as
text, log, records and table. Each ingest runs in its own process, with Dagster loaded as in `omni ingest`, whose
memory is reported for each step; a bag of words replaces the embedder. The result is written to
docs/benchmarks/large_tree.md.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import sysconfig
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from omni_pipelines.configuration import load_settings
from omni_pipelines.home import HOME_NAME, Home
from omni_pipelines.pipeline.run import run_pipeline
from omni_pipelines.rows import QuarantineRow
from omni_pipelines.schemas import QUARANTINE
from omni_pipelines.sources.registry import register, save_sources
from omni_pipelines.steps.step import ConfiguredEngines, RunContext, Step, StepReport, Steps
from omni_pipelines.steps.step_table import new_run
from omni_pipelines.tables import read_rows
from omni_pipelines.testing.fakes import FakeEmbedder
from omni_pipelines.text.embedding import Embedder, TextKind

SUFFIXES = (
    ".py",
    ".md",
    ".rst",
    ".txt",
    ".html",
    ".js",
    ".css",
    ".json",
    ".toml",
    ".yaml",
    ".csv",
    ".c",
    ".h",
    ".xml",
)
MAX_FILE_BYTES = 100_000
BROKEN = 50
"""One file in this many is broken."""
MAX_PEAK_BYTES, MAX_READING_BYTES = 1 << 30, 500_000_000
LARGE_FILES, LARGE_BYTES = 12, 8_000_000
CLEAR_REFS = Path("/proc/self/clear_refs")
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "large_tree.md"


def main() -> int:
    """Measure and write the page. Return 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument(
        "--run", type=Path, help="ingest this home and print the figures; used by the benchmark itself"
    )
    options = parser.parse_args()
    if options.run is not None:
        print(orjson.dumps(ingest(Home(options.run))).decode())
        return 0
    with tempfile.TemporaryDirectory(prefix="omni-tree-") as scratch:
        kinds = make_tree(Path(scratch) / "tree", options.files)
        home = home_of(Path(scratch) / "tree")
        first, second = (in_a_process(home) for _ in range(2))
        refused = Counter(row["code"] for row in read_rows(home, QUARANTINE, QuarantineRow, ["code"]))
    with tempfile.TemporaryDirectory(prefix="omni-tree-") as scratch:
        make_large_files(Path(scratch) / "tree")
        large = in_a_process(home_of(Path(scratch) / "tree"))
    return write(kinds, first, second, large, refused)


def home_of(folder: Path) -> Home:
    """A new home beside a folder, which is its source."""
    home = Home(folder.parent / HOME_NAME)
    home.create()
    save_sources(home, register([], [folder])[0])
    return home


def make_tree(folder: Path, count: int) -> Counter[str]:
    """Write `count` files, and count them by suffix."""
    rng = random.Random(5)
    kinds: Counter[str] = Counter()
    candidates = list(_originals())
    originals = rng.sample(candidates, min(count, len(candidates)))
    for number in range(count):
        original = originals[number % len(originals)]
        raw, name = original.read_bytes(), f"{number:05}_{original.name}"
        if number % BROKEN == 0:
            raw, name = broken(raw, name, rng.randrange(5))
        else:
            raw += f"\n{number}\n".encode() if number >= len(originals) else b""
        path = folder / f"{number // 500:03}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
        kinds[path.suffix] += 1
    return kinds


def make_large_files(folder: Path) -> None:
    """Write `LARGE_FILES` texts, logs, files of records and tables of `LARGE_BYTES`."""
    rng = random.Random(6)
    originals = rng.sample(sorted(_originals()), 2_000)
    folder.mkdir(parents=True)
    for number in range(LARGE_FILES):
        rng.shuffle(originals)
        suffix, written = list(_LARGE.items())[number % len(_LARGE)]
        with (folder / f"{number:02}{suffix}").open("wb") as file:
            for original in originals:
                file.write(written(original.read_bytes()))
                if file.tell() > LARGE_BYTES:
                    break


def _records(raw: bytes) -> bytes:
    return b"".join(
        orjson.dumps({"line": line}) + b"\n" for line in raw.decode("utf-8", "replace").splitlines()[:200]
    )


def _rows(raw: bytes) -> bytes:
    lines = raw.replace(b";", b",").replace(b'"', b"").splitlines()[:200]
    return b"".join(b"%d;%s\n" % (number, line) for number, line in enumerate(lines))


_LARGE: dict[str, Callable[[bytes], bytes]] = {".txt": bytes, ".log": bytes, ".jsonl": _records, ".csv": _rows}


def _originals() -> Iterator[Path]:
    roots = [sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"), *sys.path]
    for root in dict.fromkeys(roots):
        if root and Path(root).is_absolute():
            for path in sorted(Path(root).rglob("*")):
                if path.suffix in SUFFIXES and path.is_file() and 0 < path.stat().st_size < MAX_FILE_BYTES:
                    yield path


def broken(raw: bytes, name: str, damage: int) -> tuple[bytes, str]:
    """Return the content and name of a file that is not what its name says."""
    if damage == 0:
        return bytes(range(256)) * 40, name
    if damage == 1:
        return b"", name
    if damage == 2:
        return raw[:100].decode("utf-8", "ignore").encode("utf-16-le") + b"\xff\xd8", name
    if damage == 3:
        return b"%PDF-1.7\n" + raw[:200], f"{name}.pdf"
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(file, "w") as opened:
            opened.writestr("word/other.xml", raw[:500])
        file.seek(0)
        return file.read(), f"{name}.docx"


class _Engines(ConfiguredEngines):
    """The engines of an ingest, each loaded when it is needed, with a bag of words as the embedder."""

    @cached_property
    def embedder(self) -> Embedder:
        return _BagOfWords()


class _BagOfWords(FakeEmbedder):
    """Does not keep the texts."""

    def embed(
        self, texts: Sequence[str], on_batch: Callable[[int], None] | None = None, *, kind: TextKind = "document"
    ) -> np.ndarray:
        vectors = super().embed(texts, on_batch, kind=kind)
        self.embedded.clear()
        return vectors


def ingest(home: Home) -> dict[str, object]:
    """Run the pipeline, and return its figures and the peak memory of this process, before and in each step."""
    import omni_pipelines.cli.dagster_jobs  # noqa: F401  # as in `omni ingest`

    settings = load_settings(home).model_copy(update={"workers": 1})  # all of the cost is that of this process
    run = new_run(home, settings, _Engines(settings), "bench")
    peaks = {"before the first step": _memory("VmRSS")}

    def measured(step: Step) -> Step:
        def measure(context: RunContext) -> StepReport:
            CLEAR_REFS.write_text("5")  # resets the peak
            try:
                return step.run(context)
            finally:
                peaks[step.name] = _memory("VmHWM")

        return replace(step, run=measure)

    began = time.process_time()
    report = run_pipeline(replace(run, steps=Steps(tuple(map(measured, run.steps)))))
    return {
        **report.steps["documents"].counts,
        "chunks": report.steps["chunks"].rows,
        "recut": report.steps["chunks"].counts["documents cut"],
        "embedded": report.steps["embeddings"].counts["embedded"],
        "new": report.published.new,
        "cpu_seconds": time.process_time() - began,
        "peak_bytes": max(_memory("VmHWM"), *peaks.values()),
        "peaks": peaks,
        "libraries": _memory("RssFile"),
    }


def _memory(name: str) -> int:
    """A line of /proc/self/status in bytes."""
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in status if line.startswith(f"{name}:"))


def in_a_process(home: Home) -> dict[str, Any]:
    """Run `ingest` in a process of its own, and return its figures."""
    command = [sys.executable, "-m", "benchmarks.large_tree", "--run", str(home.root)]
    done = subprocess.run(command, capture_output=True, check=True)
    figures: dict[str, Any] = orjson.loads(done.stdout.splitlines()[-1])
    return figures


def write(
    kinds: Counter[str],
    first: dict[str, Any],
    second: dict[str, Any],
    large: dict[str, Any],
    refused: Counter[str],
) -> int:
    """Write the page. Return 1 if a goal is missed."""
    files = kinds.total()
    touched = second["added"] + second["changed"] + second["deleted"] + second["recut"] + second["embedded"]
    reading = max(first["peaks"]["documents"], large["peaks"]["documents"])
    is_small = max(first["peak_bytes"], large["peak_bytes"]) < MAX_PEAK_BYTES
    met = is_small and reading < MAX_READING_BYTES and touched == 0 and not second["new"]
    codes = ", ".join(f"{count} {code}" for code, count in refused.most_common())
    most = ", ".join(f"{count:,} {suffix}" for suffix, count in kinds.most_common(8))
    steps = "\n".join(
        f"| {name} | {_megabytes(first['peaks'][name])} | {_megabytes(large['peaks'][name])} |"
        for name in first["peaks"]
    )
    PAGE.write_text(
        f"""# A large tree

Written by `python -m benchmarks.large_tree`, on a machine with a load of {os.getloadavg()[0]:.0f} on {os.cpu_count()}
processors: {files:,} files, made from Python's library and the installed packages
({most}, …). One in {BROKEN} is broken. A bag of words replaces the embedder.

| | first run | second run |
|---|---|---|
| documents added | {first["added"]:,} | {second["added"]:,} |
| in quarantine | {first["quarantined"]:,} ({first["quarantined"] / files:.1%}) | {second["quarantined"]:,} |
| not read: empty, ignored, or of an unknown kind | {first["unread"]:,} | {second["unread"]:,} |
| chunks cut and embedded | {first["chunks"]:,} | {second["recut"]:,} |
| new release | {"yes" if first["new"] else "no"} | {"yes" if second["new"] else "no"} |
| CPU seconds, without the parser process | {first["cpu_seconds"]:.0f} | {second["cpu_seconds"]:.1f} |
| peak memory, MB | {_megabytes(first["peak_bytes"])} | {_megabytes(second["peak_bytes"])} |

Quarantine: {codes}.

## Memory

The peak of the process in each step of a first run, in MB, over the same tree and over {LARGE_FILES} files of
{LARGE_BYTES // 1_000_000} MB each: texts, logs, records and tables, {large["chunks"]:,} chunks.

| step | {files:,} files | {LARGE_FILES} large files |
|---|---|---|
{steps}

Before the first step, the memory is Python, Dagster and Arrow. {_megabytes(first["libraries"])} MB are pages of
libraries, which processes share; the most are those of Lance, Tantivy and DuckDB. Reading and splitting hold one
batch: 16 MB of files, their texts as Python and as Arrow have them, and what Lance writes. Splitting loads the
vocabulary of the token counter. Embedding holds the keys and hashes of all chunks, and the vector index trains on
their vectors.

Goals: less than 1 GiB, reading (the step documents) with less than 500 MB, and a second run that changes nothing:
{"met" if met else "missed"}. No step was done by hand.
""",
        "utf-8",
    )
    print(PAGE.read_text("utf-8"))
    return 0 if met else 1


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f}"


if __name__ == "__main__":
    sys.exit(main())
