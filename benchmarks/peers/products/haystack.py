"""haystack: its splitter, which cuts by words, and its store in memory, saved as JSON; it builds no index."""

from __future__ import annotations

from pathlib import Path

from benchmarks.peers.child import CHUNK_TOKENS, OVERLAP_TOKENS, Embed, texts_of

PACKAGES = ("haystack-ai==3.4.1",)
TOKENS_PER_WORD = 2
"""Of prose and source code."""


def ingest(corpus: Path, target: Path, embed: Embed) -> int:
    """Cut, embed, write to the store, and save it."""
    from haystack import Document
    from haystack.components.preprocessors import DocumentSplitter
    from haystack.document_stores.in_memory import InMemoryDocumentStore

    length, overlap = CHUNK_TOKENS // TOKENS_PER_WORD, OVERLAP_TOKENS // TOKENS_PER_WORD
    splitter = DocumentSplitter(split_by="word", split_length=length, split_overlap=overlap)
    splitter.warm_up()
    documents = [Document(content=text, meta={"path": path}) for path, text in texts_of(corpus) if text.strip()]
    pieces = splitter.run(documents)["documents"]
    for piece, vector in zip(pieces, embed([piece.content for piece in pieces]), strict=True):
        piece.embedding = vector.tolist()
    store = InMemoryDocumentStore()
    store.write_documents(pieces)
    target.mkdir(parents=True)
    store.save_to_disk(str(target / "documents.json"))
    return len(pieces)
