"""bm25s: BM25 scores computed ahead, with English stop words and no stems; hits are positions, without texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.peers.child import Search

PACKAGES = ("bm25s==0.3.16",)


def keyword_index(texts: Sequence[str], target: Path) -> Search:
    """Index the texts and save the index."""
    import bm25s

    index = bm25s.BM25()
    index.index(bm25s.tokenize(list(texts), show_progress=False), show_progress=False)
    index.save(str(target))

    def search(query: str, k: int) -> Sequence[int]:
        tokens = bm25s.tokenize(query, show_progress=False, return_ids=False)
        return index.retrieve(tokens, k=k, show_progress=False)[0][0]

    return search
