"""A tree of ten thousand mixed files: memory, quarantine, and what a second run touches.

    python -m benchmarks.large_tree [--files 10000]

The files are made from those of Python's library and the installed packages, and one in fifty is broken: cut, binary
under the name of text, in an unknown encoding, empty, or no document at all. The ingest runs in a process of its
own, whose peak of memory is told; a bag of words stands in for the embedder. The result goes to
docs/benchmarks/large_tree.md.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import sysconfig
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import orjson

from omni_pipelines.configuration import load_settings
from omni_pipelines.home import HOME_NAME, Home
from omni_pipelines.pipeline.run import run_pipeline
from omni_pipelines.rows import QuarantineRow
from omni_pipelines.schemas import QUARANTINE
from omni_pipelines.sources.registry import register, save_sources
from omni_pipelines.steps.step import LoadedEngines
from omni_pipelines.steps.step_table import new_run
from omni_pipelines.tables import read_rows
from omni_pipelines.testing.fakes import FakeEmbedder
from omni_pipelines.text.engines import load_counter, model_fingerprint

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
MAX = 100_000
BROKEN = 50
"""One file in so many."""
MARK_BYTES = 1 << 30
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "large_tree.md"


def main() -> int:
    """Measure and write the page; 1 where a mark is missed."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--files", type=int, default=10_000)
    asked.add_argument("--run", type=Path, help="ingest this home and print what it took; the benchmark calls itself")
    options = asked.parse_args()
    if options.run is not None:
        print(orjson.dumps(ingest(Home(options.run))).decode())
        return 0
    with tempfile.TemporaryDirectory(prefix="omni-tree-") as scratch:
        kinds = make_tree(Path(scratch) / "tree", options.files)
        home = Home(Path(scratch) / HOME_NAME)
        home.create()
        save_sources(home, register([], [Path(scratch) / "tree"])[0])
        first, second = (in_a_process(home) for _ in range(2))
        refused = Counter(row["code"] for row in read_rows(home, QUARANTINE, QuarantineRow, ["code"]))
    return write(kinds, first, second, refused)


def make_tree(folder: Path, count: int) -> Counter[str]:
    """Write so many files; how many there are of each kind."""
    chance = random.Random(5)
    kinds: Counter[str] = Counter()
    found = list(_originals())
    originals = chance.sample(found, min(count, len(found)))
    for number in range(count):
        original = originals[number % len(originals)]
        raw, name = original.read_bytes(), f"{number:05}_{original.name}"
        if number % BROKEN == 0:
            raw, name = broken(raw, name, chance.randrange(5))
        else:
            raw += f"\n{number}\n".encode() if number >= len(originals) else b""
        path = folder / f"{number // 500:03}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
        kinds[path.suffix] += 1
    return kinds


def _originals() -> Iterator[Path]:
    roots = [sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"), *sys.path]
    for root in dict.fromkeys(roots):
        if root and Path(root).is_absolute():
            for path in sorted(Path(root).rglob("*")):
                if path.suffix in SUFFIXES and path.is_file() and 0 < path.stat().st_size < MAX:
                    yield path


def broken(raw: bytes, name: str, how: int) -> tuple[bytes, str]:
    """A file that cannot be read as what its name says."""
    if how == 0:
        return bytes(range(256)) * 40, name
    if how == 1:
        return b"", name
    if how == 2:
        return raw[:100].decode("utf-8", "ignore").encode("utf-16-le") + b"\xff\xd8", name
    if how == 3:
        return b"%PDF-1.7\n" + raw[:200], f"{name}.pdf"
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(file, "w") as opened:
            opened.writestr("word/other.xml", raw[:500])
        file.seek(0)
        return file.read(), f"{name}.docx"


def ingest(home: Home) -> dict[str, object]:
    """One pass, and the peak of this process."""
    settings = load_settings(home)
    engines = LoadedEngines(load_counter(settings).count, FakeEmbedder(), model_fingerprint(settings))
    began = time.process_time()
    done = run_pipeline(new_run(home, settings, engines, "bench"))
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return {
        **done.steps["documents"].counts,
        "chunks": done.steps["chunks"].rows,
        "recut": done.steps["chunks"].counts["documents cut"],
        "embedded": done.steps["embeddings"].counts["embedded"],
        "new": done.published.new,
        "cpu_seconds": time.process_time() - began,
        "peak_bytes": int(peak.split()[1]) << 10,
    }


def in_a_process(home: Home) -> dict[str, float]:
    """What `ingest` told."""
    command = [sys.executable, "-m", "benchmarks.large_tree", "--run", str(home.root)]
    done = subprocess.run(command, capture_output=True, check=True)
    told: dict[str, float] = orjson.loads(done.stdout.splitlines()[-1])
    return told


def write(kinds: Counter[str], first: dict[str, float], second: dict[str, float], refused: Counter[str]) -> int:
    """Write the page; 1 where a mark is missed."""
    files = kinds.total()
    touched = second["added"] + second["changed"] + second["deleted"] + second["recut"] + second["embedded"]
    met = first["peak_bytes"] < MARK_BYTES and touched == 0 and not second["new"]
    codes = ", ".join(f"{count} {code}" for code, count in refused.most_common())
    most = ", ".join(f"{count:,} {suffix}" for suffix, count in kinds.most_common(8))
    PAGE.write_text(
        f"""# A large tree

Written by `python -m benchmarks.large_tree`: {files:,} files, made from Python's library and the installed packages
({most}, …); one in {BROKEN} is broken. A bag of words stands in for the embedder.

| | first run | second run |
|---|---|---|
| documents added | {first["added"]:,} | {second["added"]:,} |
| in quarantine | {first["quarantined"]:,} ({first["quarantined"] / files:.1%}) | {second["quarantined"]:,} |
| skipped: empty, or no reader knows them | {first["skipped"]:,} | {second["skipped"]:,} |
| chunks cut and embedded | {first["chunks"]:,} | {second["recut"]:,} |
| a new release | {"yes" if first["new"] else "no"} | {"yes" if second["new"] else "no"} |
| CPU seconds, without the parser's process | {first["cpu_seconds"]:.0f} | {second["cpu_seconds"]:.1f} |
| peak of memory, MiB | {first["peak_bytes"] / 2**20:.0f} | {second["peak_bytes"] / 2**20:.0f} |

Quarantine: {codes}.

The marks, less than 1 GiB and a second run that touches nothing, are
{"met" if met else "missed"}. No step was done by hand.
""",
        "utf-8",
    )
    print(PAGE.read_text("utf-8"))
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
