"""docs/performance.md from the figures of the runs."""

from __future__ import annotations

import statistics
import textwrap
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

from benchmarks.peers.environment import version_of
from benchmarks.peers.goals import Run, goals, ratio

Column = tuple[str, Callable[[Sequence[Run], Sequence[Run]], str]]
"""Its title, and its cell from the runs of a product and those of omni."""


def page(known: Mapping[str, Mapping[str, Any]], modules: Mapping[str, ModuleType]) -> str:
    """The text of the page."""
    sections = [_section(known[work], *_SECTIONS[work]) for work in _SECTIONS if work in known]
    products = "\n".join(f"| {name} | {_described(module)} |" for name, module in modules.items())
    return _PAGE.format(goals="\n".join(goals(known)), sections="\n".join(sections), products=products)


def _described(module: ModuleType) -> str:
    text = " ".join((module.__doc__ or "").split())
    if reason := getattr(module, "NOT_RUN", ""):
        return f"{text} Not run: {reason}."
    return f"{text} {version_of(module.PACKAGES)}".strip()


def _section(measured: Mapping[str, Any], title: str, text: str, columns: Sequence[Column]) -> str:
    runs = measured["runs"]
    names = dict.fromkeys(run["product"] for run in runs)
    ours = _of(runs, "omni")
    columns = columns or [(key, _median(key, "{:.3f}")) for key in ours[0] if key not in _NOT_A_COLLECTION]
    rows = [_row(name, _of(runs, name), ours, columns) for name in names]
    failed = [f"{run['product']} did not run: {run['failed']}." for run in _once(runs)]
    titles = " | ".join(["product", *(title for title, _ in columns)])
    lines = [f"## {title}", "", textwrap.fill(text, 118), ""]
    lines += [f"| {titles} |", "|---|" + "---|" * len(columns), *filter(None, rows), ""]
    turns = f"{len(ours)} turn{'s' if len(ours) != 1 else ''}"
    lines += [*failed, *([""] if failed else [])]
    lines += [
        f"{measured['date']}, size {measured['size']}, {turns}, {measured['machine']}, a load of {measured['load']} "
        f"at the end, Python {measured['python']}.",
        "",
    ]
    return "\n".join(lines)


def _of(runs: Sequence[Run], product: str) -> list[Run]:
    return [run for run in runs if run["product"] == product and "failed" not in run]


def _once(runs: Sequence[Run]) -> list[Run]:
    failed = {run["product"]: run for run in runs if "failed" in run}
    return list(failed.values())


def _row(name: str, runs: Sequence[Run], ours: Sequence[Run], columns: Sequence[Column]) -> str:
    if not runs:
        return ""
    cells = [cell(runs, ours) for _, cell in columns]
    return f"| {name} | {' | '.join(cells)} |"


def _median(key: str, form: str = "{:.1f}") -> Callable[[Sequence[Run], Sequence[Run]], str]:
    return lambda runs, _: form.format(statistics.median(run[key] for run in runs))


def _spread(key: str, form: str = "{:.1f}") -> Callable[[Sequence[Run], Sequence[Run]], str]:
    def cell(runs: Sequence[Run], _: Sequence[Run]) -> str:
        values = [run[key] for run in runs]
        return f"{form.format(min(values))} to {form.format(max(values))}"

    return cell


def _ratio(key: str) -> Callable[[Sequence[Run], Sequence[Run]], str]:
    def cell(runs: Sequence[Run], ours: Sequence[Run]) -> str:
        others = [{**run, "product": "other"} for run in runs]
        found = ratio([*others, *ours], key, "other", "omni")
        return f"{found:.2f}" if found is not None else ""

    return cell


def _cost(key: str, title: str, form: str = "{:.1f}") -> list[Column]:
    return [(title, _median(key, form)), ("least to most", _spread(key, form)), ("of omni's", _ratio(key))]


_MEMORY: Column = ("peak MB", _median("peak", "{:,.0f}"))
_CHUNKS: Column = ("chunks", _median("chunks", "{:,.0f}"))
_UPDATE = [*_cost("cpu", "CPU s"), _CHUNKS, _MEMORY]
_NET: list[Column] = [("after its start", _median("net")), ("of omni's", _ratio("net"))]
_INGEST = [*_cost("cpu", "CPU s"), *_NET, _CHUNKS, _MEMORY]
_BUILD: Column = ("build, CPU s", _median("build"))
_QUERY = [*_cost("query", "CPU ms per query", "{:.2f}"), ("95 % below", _median("query95", "{:.2f}"))]
_NOT_A_COLLECTION = ("product", "work", "turn", "cpu", "peak")
_SECTIONS: dict[str, tuple[str, str, list[Column]]] = {
    "whole": (
        "Whole ingest, same weights",
        "From a folder to an index that answers, with all-MiniLM-L6-v2. Each product embeds as its users do: omni "
        "with its own graph, the others with sentence-transformers. The whole process counts. After its start: "
        "without what an ingest of one small file costs, which is imports, the model and new tables.",
        _INGEST,
    ),
    "ingest": (
        "Ingest without embedding",
        "The same, except that every text gets a random vector, which costs nearly nothing: reading, cutting, "
        "writing and indexing remain.",
        _INGEST,
    ),
    "unchanged": (
        "Nothing has changed",
        "The same folder a second time. Products that are not listed have no update: they build again.",
        _UPDATE,
    ),
    "changed": ("One changed file", "One line is added to one file, and the folder is read again.", _UPDATE),
    "embedding": (
        "Embedding",
        "Texts of 1,000 characters in one thread, all-MiniLM-L6-v2, at most 256 tokens; a query has eight words.",
        [*_cost("ms", "CPU ms per text"), ("CPU ms per query", _median("query")), _MEMORY],
    ),
    "quality": (
        "Quality of the vectors",
        "nDCG@10 of collections with judged queries, by exact cosines of the vectors alone.",
        [],
    ),
    "keyword": (
        "Keyword search",
        "The same texts and queries. A query is six consecutive words of one text. Found: the share of queries for "
        "which this text is among the first ten hits.",
        [*_QUERY, ("found", _median("found", "{:.3f}")), _BUILD, _MEMORY],
    ),
    "vector": (
        "Vector search",
        "The same vectors: bags of words of texts, 384 components, k = 10. Found: the share of the ten nearest "
        "vectors among the hits.",
        [*_QUERY, ("found", _median("found", "{:.3f}")), _BUILD, _MEMORY],
    ),
}
_PAGE = """# Performance

What omni costs, beside the products that people would use instead.

Written by `make bench PEERS=1`, which runs `python -m benchmarks.peers.run`. Every product does the same work in a
process of its own, with one thread and without a network. The products take turns, and medians over the turns are
shown. "Of omni's" is the median of the product's figure divided by omni's figure of the same turn: above 1, omni
costs less; below 1, omni costs more. CPU is that of all threads and processes. Other programs ran on the machine,
which makes seconds higher, so compare ratios with other machines, not seconds. Peak memory is that of the largest
process. Every figure of every run is in `docs/performance.json`.

## Goals

For a goal that says how many times as much another product costs, the figure is that of the product which comes
closest to omni.

| goal | figure | |
|---|---|---|
{goals}

{sections}
## The products

| product | what was run |
|---|---|
{products}

To add one, put a module into `benchmarks/peers/products`; the docstring of `benchmarks/peers/__init__.py` says what
it contains.

## What omni costs alone

| | page | command |
|---|---|---|
| cold commands, and runs through Dagster | [commands](benchmarks/commands.md) | `python -m benchmarks.commands` |
| the first answer | [first answer](benchmarks/first_answer.md) | `python -m benchmarks.first_answer` |
| runs with little to do | [small changes](benchmarks/small_changes.md) | `python -m benchmarks.small_changes` |
| queries at 50,000 passages | [queries](benchmarks/queries.md) | `python -m benchmarks.query_cost` |
| growth, and what breaks first | [scale](benchmarks/scale.md) | `python -m benchmarks.scale` |
| bytes and CPU of a passage, step by step | [sizing](benchmarks/sizing.md) | `python -m benchmarks.sizing` |
| mixed files, and memory | [a large tree](benchmarks/large_tree.md) | `python -m benchmarks.large_tree` |
| a thousand updates | [updates](benchmarks/updates.md) | `python -m benchmarks.updates` |
| this checkout beside another commit | | `make compare BASE=main` |
"""
