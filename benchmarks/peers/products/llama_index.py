"""llama-index: its sentence splitter and docstore, and a LanceDB table with a full-text index."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.peers.child import CHUNK_TOKENS, OVERLAP_TOKENS, Embed, texts_of

PACKAGES = (
    "llama-index-core==0.14.25",
    "llama-index-vector-stores-lancedb==0.6.0",
    "lancedb==0.40.0",
    "pandas==3.1.1",
)


def ingest(corpus: Path, target: Path, embed: Embed) -> int:
    """Run the pipeline, and keep its docstore, by which the next run finds what has changed."""
    from llama_index.core import Document
    from llama_index.core.ingestion import DocstoreStrategy, IngestionPipeline
    from llama_index.core.node_parser import SentenceSplitter
    from llama_index.core.storage.docstore import SimpleDocumentStore
    from llama_index.vector_stores.lancedb import LanceDBVectorStore

    kept = target / "pipeline"
    store = LanceDBVectorStore(uri=str(target), table_name="chunks", mode="append" if kept.exists() else "overwrite")
    pipeline = IngestionPipeline(
        transformations=[SentenceSplitter(chunk_size=CHUNK_TOKENS, chunk_overlap=OVERLAP_TOKENS), _embedding(embed)],
        vector_store=store,
        docstore=SimpleDocumentStore(),
        docstore_strategy=DocstoreStrategy.UPSERTS,
    )
    if kept.exists():
        pipeline.load(str(kept))
    nodes = pipeline.run(documents=[Document(text=text, id_=path) for path, text in texts_of(corpus)])
    if nodes:
        store._table.create_fts_index("text", replace=True)
    pipeline.persist(str(kept))
    return store._table.count_rows()


update = ingest


def _embedding(embed: Embed) -> Any:
    from llama_index.core.embeddings import BaseEmbedding

    class Given(BaseEmbedding):
        def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
            return embed(texts).tolist()

        def _get_text_embedding(self, text: str) -> list[float]:
            return self._get_text_embeddings([text])[0]

        _get_query_embedding = _get_text_embedding

        async def _aget_query_embedding(self, text: str) -> list[float]:
            return self._get_text_embedding(text)

    return Given(embed_batch_size=256)
