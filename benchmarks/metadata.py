"""The cost of reading metadata, compared with the standard library's json.

    python -m benchmarks.metadata [--rows 20000]

Chunk metadata as the pipeline writes it, and the fields of knowledge entries; also with one wrong field in every
tenth row. CPU time, medians of alternating turns. The result is written to docs/benchmarks/metadata.md.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

import orjson
from pydantic import ValidationError

from omni_pipelines.knowledge.search.retrieval import ChunkMetadata
from omni_pipelines.metadata import MetadataReader
from omni_pipelines.records import KnowledgeEntry

TURNS = 7
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "metadata.md"


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    count = parser.parse_args().rows
    lines = [
        line
        for name, model, rows in (
            ("chunks", ChunkMetadata, chunk_rows(count)),
            ("entries", KnowledgeEntry, entry_rows(count)),
        )
        for damaged in (False, True)
        for line in [measured(name, model, damage(rows) if damaged else rows, damaged=damaged)]
    ]
    PAGE.write_text(page(lines, count), "utf-8")
    print(*lines, sep="\n")


def chunk_rows(count: int) -> list[str]:
    """Return metadata of chunks."""
    return [
        json.dumps({"encoding": "utf-8", "media_type": "text/markdown", "verbatim": True, "section": [at, at + 900]})
        for at in range(count)
    ]


def entry_rows(count: int) -> list[str]:
    """Return fields of knowledge entries."""
    moment = "2026-01-01T00:00:00Z"
    return [
        json.dumps(
            {
                "id": f"entry-{at}",
                "title": f"How to do thing {at}",
                "category": "solutions",
                "tags": ["one", "two", f"tag{at}"],
                "source": "notes",
                "created_at": moment,
                "updated_at": moment,
                "version": 1,
                "metadata": {"by": "somebody", "seen": [1, 2, 3]},
                "content": "It is done like this, and not like that. " * 10,
            }
        )
        for at in range(count)
    ]


def damage(rows: Sequence[str]) -> list[str]:
    """Give every tenth row a field of the wrong type."""
    return [
        row.replace('"utf-8"', '["utf-8"]').replace('"version": 1', '"version": "first"') if at % 10 == 0 else row
        for at, row in enumerate(rows)
    ]


def measured(name: str, model: type[ChunkMetadata] | type[KnowledgeEntry], rows: list[str], *, damaged: bool) -> str:
    """Return a row of the table: parsing alone, and parsing to typed fields."""

    def all_or_nothing() -> int:
        kept = 0
        for row in rows:
            try:
                model.model_validate(json.loads(row))
                kept += 1
            except ValidationError:
                continue
        return kept

    def with_salvage() -> int:
        reader = MetadataReader(model)
        return sum(reader.read(row) is not None for row in rows)

    fast, slow, ours, theirs = timed(
        lambda: sum(len(orjson.loads(row)) > 0 for row in rows),
        lambda: sum(len(json.loads(row)) > 0 for row in rows),
        with_salvage,
        all_or_nothing,
    )
    rows_name = f"{name}, one wrong field in every tenth row" if damaged else name
    each = [f"{seconds / len(rows) * 1e6:.2f}" for seconds in (fast, slow, ours, theirs)]
    return (
        f"| {rows_name} | {each[0]} | {each[1]} | **{slow / fast:.1f}** | {each[2]} | {each[3]} | "
        f"**{theirs / ours:.2f}** | {with_salvage() / len(rows):.0%} | {all_or_nothing() / len(rows):.0%} |"
    )


def timed(*ways: Callable[[], int]) -> list[float]:
    """Return the CPU seconds of each way: the median of several alternating turns."""
    taken: list[list[float]] = [[] for _ in ways]
    for _ in range(TURNS):
        for number, way in enumerate(ways):
            began = time.process_time()
            way()
            taken[number].append(time.process_time() - began)
    return [statistics.median(seconds) for seconds in taken]


_HEADER = (
    "| metadata of | orjson | json | times faster | typed, field by field | typed by json, all or nothing "
    "| times faster | rows kept, field by field | rows kept, all or nothing |"
)


def page(lines: Sequence[str], count: int) -> str:
    """Return the text of the page."""
    body = "\n".join(lines)
    return f"""# Cost of reading metadata

How much time the fast JSON parser saves, and what checking each field by itself costs and saves.

Written by `python -m benchmarks.metadata`: {count:,} rows, microseconds of CPU per row, medians of {TURNS} turns.
orjson {version("orjson")}, Python {platform.python_version()}.

{_HEADER}
|---|---|---|---|---|---|---|---|---|
{body}

The fast parser (orjson) speeds up parsing only. Most of the time goes into checking the fields, which both ways do.
If a field is wrong, "field by field" checks the row twice and keeps its other fields; "all or nothing" loses the row.
"""


if __name__ == "__main__":
    main()
