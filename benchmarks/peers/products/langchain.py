"""LangChain's splitter by characters, and a LanceDB table with a full-text index; it has no updates."""

from __future__ import annotations

from pathlib import Path

from benchmarks.peers.child import CHARACTERS_PER_TOKEN, CHUNK_TOKENS, DIMENSIONS, OVERLAP_TOKENS, Embed, texts_of

PACKAGES = ("langchain-text-splitters==1.1.3", "lancedb==0.40.0")


def ingest(corpus: Path, target: Path, embed: Embed) -> int:
    """Build the table and its index."""
    import lancedb
    import pyarrow as pa
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    splitter = RecursiveCharacterTextSplitter(
        chunk_size=CHUNK_TOKENS * CHARACTERS_PER_TOKEN, chunk_overlap=OVERLAP_TOKENS * CHARACTERS_PER_TOKEN
    )
    cut = [(path, text) for path, whole in texts_of(corpus) for text in splitter.split_text(whole)]
    paths, pieces = (list(column) for column in zip(*cut, strict=True))
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(embed(pieces).ravel()), DIMENSIONS)
    rows = pa.table({"path": paths, "text": pieces, "vector": vectors})
    table = lancedb.connect(target).create_table("chunks", rows)
    table.create_fts_index("text")
    return len(pieces)
