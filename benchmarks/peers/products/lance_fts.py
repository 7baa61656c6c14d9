"""The full-text index of Lance, which LanceDB uses; hits have their texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.peers.child import Search

PACKAGES = ("pylance==14.0.2",)


def keyword_index(texts: Sequence[str], target: Path) -> Search:
    """Write a table and index its texts."""
    import lance
    import pyarrow as pa

    table = lance.write_dataset(pa.table({"id": range(len(texts)), "text": texts}), str(target))
    table.create_scalar_index("text", "INVERTED")

    def search(query: str, k: int) -> Sequence[int]:
        found = table.to_table(columns=["id", "text"], full_text_query={"columns": ["text"], "query": query}, limit=k)
        return found["id"].to_pylist()

    return search
