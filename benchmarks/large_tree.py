"""A tree of ten thousand mixed files: memory, quarantine, and what a second run changes.

    python -m benchmarks.large_tree [--files 10000]

The files are made from those of Python's library and the installed packages. One in fifty is broken: truncated,
binary under the name of text, in an unknown encoding, empty, or not a document. The ingest runs in its own process,
whose peak memory is reported; a bag of words replaces the embedder. The result is written to
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
MAX_FILE_BYTES = 100_000
BROKEN = 50
"""One file in this many is broken."""
MAX_PEAK_BYTES = 1 << 30
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
        home = Home(Path(scratch) / HOME_NAME)
        home.create()
        save_sources(home, register([], [Path(scratch) / "tree"])[0])
        first, second = (in_a_process(home) for _ in range(2))
        refused = Counter(row["code"] for row in read_rows(home, QUARANTINE, QuarantineRow, ["code"]))
    return write(kinds, first, second, refused)


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


def ingest(home: Home) -> dict[str, object]:
    """Run the pipeline, and return its figures and the peak memory of this process."""
    settings = load_settings(home)
    engines = LoadedEngines(load_counter(settings).count, FakeEmbedder(), model_fingerprint(settings))
    began = time.process_time()
    report = run_pipeline(new_run(home, settings, engines, "bench"))
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return {
        **report.steps["documents"].counts,
        "chunks": report.steps["chunks"].rows,
        "recut": report.steps["chunks"].counts["documents cut"],
        "embedded": report.steps["embeddings"].counts["embedded"],
        "new": report.published.new,
        "cpu_seconds": time.process_time() - began,
        "peak_bytes": int(peak.split()[1]) << 10,
    }


def in_a_process(home: Home) -> dict[str, float]:
    """Run `ingest` in a process of its own, and return its figures."""
    command = [sys.executable, "-m", "benchmarks.large_tree", "--run", str(home.root)]
    done = subprocess.run(command, capture_output=True, check=True)
    figures: dict[str, float] = orjson.loads(done.stdout.splitlines()[-1])
    return figures


def write(kinds: Counter[str], first: dict[str, float], second: dict[str, float], refused: Counter[str]) -> int:
    """Write the page. Return 1 if a goal is missed."""
    files = kinds.total()
    touched = second["added"] + second["changed"] + second["deleted"] + second["recut"] + second["embedded"]
    met = first["peak_bytes"] < MAX_PEAK_BYTES and touched == 0 and not second["new"]
    codes = ", ".join(f"{count} {code}" for code, count in refused.most_common())
    most = ", ".join(f"{count:,} {suffix}" for suffix, count in kinds.most_common(8))
    PAGE.write_text(
        f"""# A large tree

Written by `python -m benchmarks.large_tree`: {files:,} files, made from Python's library and the installed packages
({most}, …). One in {BROKEN} is broken. A bag of words replaces the embedder.

| | first run | second run |
|---|---|---|
| documents added | {first["added"]:,} | {second["added"]:,} |
| in quarantine | {first["quarantined"]:,} ({first["quarantined"] / files:.1%}) | {second["quarantined"]:,} |
| not read: empty, ignored, or of an unknown kind | {first["unread"]:,} | {second["unread"]:,} |
| chunks cut and embedded | {first["chunks"]:,} | {second["recut"]:,} |
| new release | {"yes" if first["new"] else "no"} | {"yes" if second["new"] else "no"} |
| CPU seconds, without the parser process | {first["cpu_seconds"]:.0f} | {second["cpu_seconds"]:.1f} |
| peak memory, MiB | {first["peak_bytes"] / 2**20:.0f} | {second["peak_bytes"] / 2**20:.0f} |

Quarantine: {codes}.

Goals: less than 1 GiB, and a second run that changes nothing: {"met" if met else "missed"}. No step was done by hand.
""",
        "utf-8",
    )
    print(PAGE.read_text("utf-8"))
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
