"""What a run wrote: the rows of every table, for runs that must write the same."""

from __future__ import annotations

import itertools
from typing import Any

from tests.integration.line import Line


def rows(line: Line) -> dict[str, Any]:
    found = {name: line.rows(name) for name in ("documents", "quarantine", "chunks")}
    vectors = {row["chunk_id"]: row["vector"] for row in line.rows("embeddings", "chunk_id", "vector")}
    moments = ("first_seen", "last_tried", "at")
    refused = [{name: row[name] for name in row if name not in moments} for row in found["quarantine"]]
    return {**found, "quarantine": refused, "embeddings": vectors, "keyword": line.keyword_entries()}


def differing(found: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    """A few differences: pytest would compare for hours what differs in 20,000 rows."""
    assert found.keys() == expected.keys()
    lines = []
    for name in expected:
        made, wanted = (each.items() if isinstance(each, dict) else each for each in (found[name], expected[name]))
        pairs = itertools.zip_longest(made, wanted)
        lines += [f"{name}: {one} is not {other}"[:600] for one, other in pairs if one != other][:2]
    return lines
