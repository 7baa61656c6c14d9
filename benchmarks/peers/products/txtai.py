"""txtai: a hybrid index with contents; it cuts no files, so it is given pieces of a fixed length; no updates here."""

from __future__ import annotations

from pathlib import Path

from benchmarks.peers.child import CHARACTERS_PER_TOKEN, CHUNK_TOKENS, OVERLAP_TOKENS, Embed, texts_of

PACKAGES = ("txtai==9.14.0", "torch==2.13.0")


def ingest(corpus: Path, target: Path, embed: Embed) -> int:
    """Index the pieces and save the index."""
    from txtai import Embeddings

    length, step = CHUNK_TOKENS * CHARACTERS_PER_TOKEN, (CHUNK_TOKENS - OVERLAP_TOKENS) * CHARACTERS_PER_TOKEN
    pieces = [whole[at : at + length] for _, whole in texts_of(corpus) for at in range(0, len(whole), step)]
    index = Embeddings(method="external", transform=embed, content=True, hybrid=True)
    index.index(pieces)
    index.save(str(target))
    return len(pieces)
