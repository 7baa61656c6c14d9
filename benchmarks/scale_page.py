"""docs/benchmarks/scale.md from the figures of each size."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

Parts = Mapping[str, Mapping[str, float]]
Figure = Callable[[Parts], float]


def _of(part: str, *names: str) -> Figure:
    return lambda parts: sum(parts[part][name] for name in names)


ROWS: dict[str, Figure] = {
    "documents": _of("build", "documents"),
    "chunks": _of("build", "chunks"),
    "build, CPU s": _of("build", "cpu"),
    "of it reading": _of("build", "documents s"),
    "of it splitting": _of("build", "chunks s"),
    "of it writing vectors": _of("build", "embeddings s"),
    "of it the keyword index": _of("build", "keyword_index s"),
    "of it the vector index": _of("build", "vector_index s"),
    "of it the release": _of("build", "release s"),
    "build, peak MB": _of("build", "peak"),
    "on disk, MB": _of("build", "megabytes"),
    "nothing has changed, CPU s": _of("unchanged", "cpu"),
    "one changed file, CPU s": _of("one_file", "cpu"),
    "1 % more files, CPU s": _of("one_percent", "cpu"),
    "1 % fewer files, CPU s": _of("deleted", "cpu"),
    "after a killed run: recovery, CPU s": _of("recovered", "recovery s"),
    "after a killed run: all, CPU s": _of("recovered", "cpu"),
    "1 % more files, peak MB": _of("one_percent", "peak"),
    "loading for queries, CPU s": _of("queries", "loading"),
    "keyword query, CPU ms": _of("queries", "keyword"),
    "vector query, CPU ms": _of("queries", "vector"),
    "hybrid query, CPU ms": _of("queries", "hybrid"),
    "recall@10 of the vector search": _of("queries", "recall"),
    "queries, peak MB": _of("queries", "peak"),
}
LIMITS = {
    "hybrid query, CPU ms": (100.0, "the quality gate publishes no release whose queries cost more (`gate_cpu_ms`)"),
    "build, peak MB": (16_000.0, "a machine with 16 GB has no more"),
    "queries, peak MB": (16_000.0, "a machine with 16 GB has no more"),
    "nothing has changed, CPU s": (60.0, "a schedule of a minute has no more"),
    "one changed file, CPU s": (60.0, "a person who saves a file waits no longer"),
    "build, CPU s": (86_400.0, "a day has no more"),
}
_LEAST_CHUNKS = 50_000
"""Of the largest size: at fewer chunks, what a process costs at its start hides what a chunk costs."""
_NOT_A_COST = ("documents", "chunks", "recall@10 of the vector search")


def page(known: Mapping[str, Parts]) -> str:
    """The text of the page."""
    sizes = [known[size] for size in sorted(known, key=int)]
    counts = [parts["build"]["chunks"] for parts in sizes]
    lines = [_row(name, figure, sizes, counts) for name, figure in ROWS.items()]
    wheres = "\n".join(f"- {parts['build']['chunks']:,.0f} chunks: {parts['where']}." for parts in sizes)
    return _PAGE.format(
        columns=" | ".join(f"{float(size):,.0f}" for size in sorted(known, key=int)),
        bars="---|" * (len(sizes) + 1),
        rows="\n".join(lines),
        breaks=_breaks(sizes, counts),
        wheres=wheres,
    )


def _breaks(sizes: Sequence[Parts], counts: Sequence[float]) -> str:
    """The figures by the number of chunks at which they reach their limits."""
    if len(counts) < 2 or counts[-1] < _LEAST_CHUNKS:
        return "The sizes above are too small to tell. By default, 10,000 and 100,000 chunks are measured.\n"
    reached = sorted(
        (at, name, reason)
        for name, (limit, reason) in LIMITS.items()
        if (at := _reaches(limit, [ROWS[name](parts) for parts in sizes], counts))
    )
    rows = [f"| {name} | {LIMITS[name][0]:,.0f} | {at:,.0f} | {reason} |" for at, name, reason in reached]
    return _BREAKS + "\n".join(rows) + "\n"


def exponent(counts: Sequence[float], values: Sequence[float]) -> float:
    """The power of the number of chunks by which a figure grows, fitted to logarithms."""
    return float(np.polyfit(np.log(counts), np.log(values), 1)[0])


def _row(name: str, figure: Figure, sizes: Sequence[Parts], counts: Sequence[float]) -> str:
    values = [figure(parts) for parts in sizes]
    power = f"{exponent(counts, values):.2f}" if name not in _NOT_A_COST and len(values) > 1 else ""
    return f"| {name} | {' | '.join(map(_shown, values))} | {power} |"


def _reaches(limit: float, values: Sequence[float], counts: Sequence[float]) -> float:
    """Chunks at which a straight line through the last two figures is at the limit, two digits; 0 for never."""
    if values[-1] <= values[-2]:
        return 0.0
    each = (values[-1] - values[-2]) / (counts[-1] - counts[-2])
    return float(f"{counts[-1] + (limit - values[-1]) / each:.2g}")


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


_PAGE = """# Scale

What a knowledge base costs at several sizes, and how these costs grow.

Written by `python -m benchmarks.scale`. The texts are paragraphs of Python's library in random order, twelve to a
document. The vectors are synthetic: random, in 1,000 clusters, so embedding costs nothing here; [sizing](sizing.md)
says what it costs. Every part ran once, in a process of its own with one thread, and its start is included. An
exponent of 1 means that a figure grows as the number of chunks; 0, that it stays. A killed run ends where vectors are
asked for, and the next run does its work again.

| | {columns} | exponent |
|---|{bars}
{rows}

{wheres}

## What breaks first

{breaks}
A [Ray cluster](../how-to/deployment.md#a-ray-cluster) divides reading, splitting and embedding among its processors.
It is worth it as soon as embedding takes longer than you want to wait. It does not divide the writing of rows, the
indexes and queries.
"""
_BREAKS = """\
A figure reaches its limit at this number of chunks, if it grows in a straight line through the two largest sizes
above. These are estimates beyond what was built.

| figure | limit | chunks | why this limit |
|---|---|---|---|
"""
