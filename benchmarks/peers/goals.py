"""The goals of the comparison, and whether the figures of the runs meet them."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

Run = dict[str, Any]
Known = Mapping[str, Mapping[str, Any]]
OURS = ("omni", "omni_command", "omni_engine", "omni_plain")
Shown = tuple[str, bool]
"""The figure as text, and whether it meets the goal."""


def goals(known: Known) -> list[str]:
    """A row for each goal that something was measured for: the goal, the figure, and `met` or `missed`."""
    rows = []
    for text, work, find in GOALS:
        if work in known and (found := find([run for run in known[work]["runs"] if "failed" not in run])):
            rows.append(f"| {text} | {found[0]} | {'met' if found[1] else 'missed'} |")
    return rows


def ratio(runs: Sequence[Run], key: str, product: str, ours: str) -> float | None:
    """The median over the turns of a product's figure divided by ours of the same turn."""
    base = {run["turn"]: run[key] for run in runs if run["product"] == ours and key in run}
    found = [run[key] / base[run["turn"]] for run in runs if run["product"] == product and base.get(run["turn"])]
    return statistics.median(found) if found else None


def _least(
    key: str, least: float, ours: str, products: Sequence[str] = ()
) -> Callable[[Sequence[Run]], Shown | None]:
    """The product that comes closest to ours must cost at least so many times what ours costs."""

    def find(runs: Sequence[Run]) -> Shown | None:
        others = products or _names(runs, without=OURS)
        found = [(each, name) for name in others if (each := ratio(runs, key, name, ours)) is not None]
        return (f"{min(found)[0]:.2f} ({min(found)[1]})", min(found)[0] >= least) if found else None

    return find


def _names(runs: Iterable[Run], without: Sequence[str]) -> list[str]:
    return sorted({run["product"] for run in runs} - set(without))


def _milliseconds_a_chunk(runs: Sequence[Run]) -> Shown | None:
    found = [run["net"] / run["chunks"] * 1e3 for run in runs if run["product"] == "omni" and "net" in run]
    return (f"{statistics.median(found):.2f} ms", statistics.median(found) <= 0.45) if found else None


def _quality(runs: Sequence[Run]) -> Shown | None:
    by_name = {run["product"]: run for run in runs}
    if not {"omni", "sentence_transformers"} <= by_name.keys():
        return None
    ours, theirs = by_name["omni"], by_name["sentence_transformers"]
    names = [name for name in ours if name not in ("product", "work", "turn", "cpu", "peak")]
    most = min((ours[name] - theirs[name], name) for name in names)
    return f"{most[0]:+.3f} ({most[1]})", most[0] >= -0.003


GOALS: tuple[tuple[str, str, Callable[[Sequence[Run]], Shown | None]], ...] = (
    ("Whole ingest: every other product costs at least 2 times as much", "whole", _least("cpu", 2, "omni")),
    ("The same through Dagster, as `omni ingest`", "whole", _least("cpu", 2, "omni_command")),
    (
        "Without embedding: products that read only what changed cost more than omni",
        "ingest",
        _least("net", 1, "omni", ("llama_index", "cocoindex")),
    ),
    (
        "Without embedding, masking and structure: LangChain costs at least as much",
        "ingest",
        _least("net", 1, "omni_plain", ("langchain",)),
    ),
    ("Without embedding: at most 0.45 ms of CPU for a chunk", "ingest", _milliseconds_a_chunk),
    (
        "Embedding: sentence-transformers costs at least 2 times as much",
        "embedding",
        _least("ms", 2, "omni", ("sentence_transformers",)),
    ),
    ("nDCG@10 at most 0.003 below that of sentence-transformers on every collection", "quality", _quality),
)
