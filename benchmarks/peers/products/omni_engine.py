"""The keyword engine of omni alone, which is Tantivy with its own analysis of words: hits are keys, without texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.peers.child import Search

PACKAGES = ()


def keyword_index(texts: Sequence[str], target: Path) -> Search:
    """Write an entry for each text."""
    from native.keyword_engine import KeywordEngine
    from native.tantivy_entries import KeywordEntry
    from native.tantivy_index import KeywordIndex

    target.mkdir(parents=True)
    index = KeywordIndex.create(target / "keyword", ())
    with KeywordEngine(index) as engine:
        engine.bulk_upsert(KeywordEntry(f"{number:08}", "0" * 32, text, "", {}) for number, text in enumerate(texts))
        engine.flush()
    return lambda query, k: [int(key) for key, _ in index.search(query, k)]
