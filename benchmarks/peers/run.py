"""Compare omni with what people would use instead, and write docs/performance.md.

    make bench PEERS=1
    python -m benchmarks.peers.run [--size small] [--turns 3] [--only whole,keyword] [--products omni,txtai]
    python -m benchmarks.peers.run --only quality --collections FOLDER...

Each product does each work in a process of its own, and the products take turns, so that what else the machine does
hits all of them alike. CPU seconds are those of the process and of the processes that it waited for; ratios compare
runs of the same turn. The figures of a work replace those of an earlier run in docs/performance.json, and the page
is written from that file. `python -m benchmarks.peers.run --turns 0` only writes the page again.
"""

from __future__ import annotations

import argparse
import datetime
import importlib
import os
import pkgutil
import platform
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson

from benchmarks.peers import products
from benchmarks.peers.environment import HERE, Environment, last_line
from benchmarks.peers.given import SIZES, Size, copy_files, write_texts, write_vectors
from benchmarks.peers.page import page

ROOT = Path(__file__).parents[2]
FIGURES, PAGE = ROOT / "docs" / "performance.json", ROOT / "docs" / "performance.md"
TIMEOUT = 1_200
FUNCTIONS = {
    "whole": ("ingest_whole", "ingest"),
    "ingest": ("ingest",),
    "unchanged": ("update",),
    "changed": ("update",),
    "embedding": ("embedder",),
    "quality": ("embedder",),
    "keyword": ("keyword_index",),
    "vector": ("vector_index",),
}
"""For each work, the functions of which a product needs one."""
_LIMITS = (
    "OMP_NUM_THREADS=1",
    "TOKENIZERS_PARALLELISM=false",
    "HF_HUB_OFFLINE=1",
    "COCOINDEX_DISABLE_USAGE_TRACKING=1",
)
"""One thread, because CPU is compared, and no requests: cocoindex reports its use where nobody forbids it."""

_INSTRUCTIONS = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8")
"""Those by which the speed of an embedder depends on the processor."""

Run = dict[str, Any]
"""One process: product, work, turn, CPU seconds, and its figures; or why it failed."""


@dataclass(frozen=True)
class Product:
    """A module of `products`, the interpreter that runs it, and the checkout that it is in."""

    name: str
    module: ModuleType
    python: Path
    root: Path = ROOT

    def does(self, work: str) -> bool:
        """Whether the product can do this work."""
        return any(hasattr(self.module, function) for function in FUNCTIONS[work])


def main() -> int:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--only", default=",".join(FUNCTIONS), help="works, separated by commas")
    parser.add_argument("--products", help="measure these only, separated by commas, and write nothing")
    parser.add_argument("--collections", type=Path, nargs="*", help="English folders in BEIR's layout, for `quality`")
    parser.add_argument("--environment", type=Path, default=ROOT / ".venv-peers", help="folder of the products")
    options = parser.parse_args()
    known: dict[str, Any] = orjson.loads(FIGURES.read_bytes()) if FIGURES.exists() else {}
    names = options.products.split(",") if options.products else all_products()
    if options.turns:
        ready, reasons = prepare(names, Environment(options.environment))
        with tempfile.TemporaryDirectory(prefix="omni-peers-") as scratch:
            for work, runs in measure(Path(scratch), ready, options.only.split(","), options):
                known[work] = {"size": options.size, **circumstances(), "runs": runs + absent(reasons, work)}
                if not options.products:
                    FIGURES.write_bytes(orjson.dumps(known, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    if not options.products:
        PAGE.write_text(page(known, {name: loaded(name) for name in names}), "utf-8")
        print(PAGE.read_text("utf-8"))
    return 0


def all_products() -> list[str]:
    """The names of the modules in `products`; omni is the first, because the others are compared with it."""
    names = [module.name for module in pkgutil.iter_modules(products.__path__)]
    return sorted(names, key=lambda name: (name != "omni", name))


def loaded(name: str) -> ModuleType:
    """The module of a product."""
    return importlib.import_module(f"benchmarks.peers.products.{name}")


def prepare(names: Sequence[str], environment: Environment) -> tuple[list[Product], dict[str, str]]:
    """Install what the products need. Return those that can run, and why the others cannot."""
    ready, reasons = [], {}
    for name in names:
        module = loaded(name)
        if reason := environment.install(module.PACKAGES) if module.PACKAGES else "":
            reasons[name] = reason
        else:
            ready.append(Product(name, module, environment.python if module.PACKAGES else HERE))
    return ready, reasons


def absent(reasons: Mapping[str, str], work: str) -> list[Run]:
    """The products that would do this work and cannot be built."""
    missing = [(Product(name, loaded(name), HERE), reason) for name, reason in reasons.items()]
    return [{"product": each.name, "failed": reason} for each, reason in missing if each.does(work)]


def measure(
    scratch: Path, ready: Sequence[Product], works: Sequence[str], options: argparse.Namespace
) -> Iterator[tuple[str, list[Run]]]:
    """Do each work in turns, and yield its runs. An update follows the ingest of the same turn."""
    updates = ("ingest", "unchanged", "changed")
    for chain in (("whole",), updates, ("embedding",), ("quality",), ("keyword",), ("vector",)):
        if not set(chain) & set(works) or (chain == ("quality",) and not options.collections):
            continue
        given = scratch / chain[0]
        write_given(given, chain[0], SIZES[options.size], options.collections or ())
        runs: list[Run] = []
        for turn in range(1 if chain == ("quality",) else options.turns):  # it has no cost, and does not vary
            for product in ready:
                runs += one_turn(product, chain, given, scratch, turn)
        yield from ((work, [run for run in runs if run["work"] == work]) for work in chain)


def write_given(path: Path, work: str, size: Size, collections: Sequence[Path] = ()) -> None:
    """Write what a work needs."""
    if work in ("whole", "ingest"):
        copy_files(path, size.whole_files if work == "whole" else size.files)
    elif work == "quality":
        for folder in collections:
            shutil.copytree(folder, path / folder.name)
    elif work == "vector":
        write_vectors(path, size.vectors)
    else:
        write_texts(path, size.embedded if work == "embedding" else size.texts)


def one_turn(product: Product, chain: Iterable[str], given: Path, scratch: Path, turn: int) -> list[Run]:
    """Do the works of a chain with one product, in a folder of its own, which is removed."""
    runs: list[Run] = []
    with tempfile.TemporaryDirectory(dir=scratch) as place:
        own = Path(place) / "given"
        shutil.copytree(given, own) if given.is_dir() else shutil.copyfile(given, own)
        for work in filter(product.does, chain):
            if work == "changed":
                change_one(own)
            run = in_a_process(product, work, own, Path(place) / "target")
            if work in ("whole", "ingest") and "failed" not in run:
                run["net"] = run["cpu"] - start_of(product, work, own, Path(place))
            runs.append({"product": product.name, "work": work, "turn": turn, **run})
            print(orjson.dumps(runs[-1]).decode(), flush=True)
            if "failed" in run:
                break
    return runs


def start_of(product: Product, work: str, corpus: Path, place: Path) -> float:
    """CPU seconds of the same work with one small file: imports, the model, and opening what is written to."""
    one = place / "one"
    one.mkdir()
    shutil.copy2(min(corpus.iterdir(), key=lambda path: path.stat().st_size), one)
    seconds: float = in_a_process(product, work, one, place / "start").get("cpu", 0.0)
    return seconds


def change_one(corpus: Path) -> None:
    """Add a line to a file."""
    with min(corpus.iterdir()).open("a") as file:
        file.write("\n# one more line\n")


def in_a_process(product: Product, work: str, given: Path, target: Path) -> Run:
    """Do one work, and return its CPU seconds and its figures, or why it failed."""
    code = ["-m", "benchmarks.peers.child", product.name, work, str(given), str(target)]
    return measured([str(product.python), *code], given.parent, product.root)


def measured(command: Sequence[str], folder: Path, root: Path = ROOT, timeout: float = TIMEOUT) -> Run:
    """Run a process in a folder, with the code of a checkout.

    Returns:
        Its CPU seconds and the figures that it prints, or why it failed.
    """
    whole = ["env", "-u", "PYTHONDONTWRITEBYTECODE", *_LIMITS, f"PYTHONPATH={root}", *command]
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(whole, stdout=out, stderr=errors, cwd=folder)
        clock = threading.Timer(timeout, process.kill)
        clock.start()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        clock.cancel()
        for file in (out, errors):
            file.seek(0)
        if status:
            return {"failed": last_line(errors.read()).replace(f"{folder}/", "")}
        return {"cpu": used.ru_utime + used.ru_stime, **orjson.loads(out.read().splitlines()[-1])}


def circumstances() -> dict[str, str]:
    """When and where the figures were made."""
    processor = _processor()
    instructions = [name for name in _INSTRUCTIONS if name in processor.get("flags", "").split()]
    name = processor.get("model name", platform.machine())
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores of {name} ({', '.join(instructions)})",
        "load": f"{os.getloadavg()[0]:.0f}",
        "python": platform.python_version(),
    }


def _processor() -> dict[str, str]:
    """What Linux says of a processor; nothing elsewhere."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.exists() else []
    return {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


if __name__ == "__main__":
    raise SystemExit(main())
