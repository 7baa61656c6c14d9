"""omni as a library: masking, structure, exact ranges of bytes, both indexes, checks, release; vectors in int8."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.peers.child import CHUNK_TOKENS, DIMENSIONS, OVERLAP_TOKENS, SUFFIXES, Embed, Search, random_vectors

if TYPE_CHECKING:
    from omni_pipelines.settings import Settings

PACKAGES = ()
_KEYWORDS = "text-{:06}.txt"


def settings(**changes: object) -> Settings:
    """The default settings, with one thread."""
    from omni_pipelines.settings import Settings

    common = {"chunk_tokens": CHUNK_TOKENS, "chunk_overlap": OVERLAP_TOKENS, "workers": 1}
    return Settings.model_validate({**common, **changes})


def embedder() -> Embed:
    """The default embedder."""
    from omni_pipelines.text.engines import load_embedder

    return load_embedder(settings(), workers=1).embed


def ingest(corpus: Path, target: Path, embed: Embed) -> int:
    """Register the folder and run all steps."""
    return ingest_with(settings(), corpus, target, embed)


update = ingest


def ingest_with(chosen: Settings, corpus: Path, target: Path, embed: Embed) -> int:
    """Ingest with other settings than the default ones."""
    from omni_pipelines.home import HOME_NAME, Home
    from omni_pipelines.pipeline.run import run_pipeline
    from omni_pipelines.schemas import CHUNKS
    from omni_pipelines.sources.registry import register, save_sources
    from omni_pipelines.steps.step import LoadedEngines
    from omni_pipelines.steps.step_table import new_run
    from omni_pipelines.text.engines import load_counter, model_fingerprint

    home = Home(target / HOME_NAME)
    home.create()
    save_sources(home, register([], [corpus], ["*" + suffix for suffix in SUFFIXES])[0])
    engines = LoadedEngines(load_counter(chosen).count, _Embedder(embed), model_fingerprint(chosen))
    return run_pipeline(new_run(home, chosen, engines, "peers")).published.release.counts[CHUNKS.name]


class _Embedder:
    dimensions = DIMENSIONS

    def __init__(self, embed: Embed) -> None:
        self._embed = embed

    def embed(self, texts: Sequence[str], on_batch: Callable[[int], None] | None = None, *, kind: str = "") -> Any:
        vectors = self._embed(texts)
        if on_batch is not None:
            on_batch(len(texts))
        return vectors


def keyword_index(texts: Sequence[str], target: Path) -> Search:
    """Ingest each text as a file, and search as a user does: hits have texts and places."""
    from omni_pipelines.home import HOME_NAME, Home
    from omni_pipelines.knowledge.librarian import Librarian
    from omni_pipelines.knowledge.search.options import Mode

    corpus = target / "texts"
    corpus.mkdir(parents=True)
    for number, text in enumerate(texts):
        (corpus / _KEYWORDS.format(number)).write_text(text, "utf-8")
        os.utime(corpus / _KEYWORDS.format(number), (1, 1))  # a search reads a file again that was changed just now
    ingest(corpus, target, random_vectors())
    librarian = Librarian.open(Home(target / HOME_NAME))
    librarian.prepare()
    digits = slice(_KEYWORDS.index("{"), _KEYWORDS.index("{") + 6)
    return lambda query, k: [int(hit.path[digits]) for hit in librarian.search(query, k, Mode.KEYWORD)]


def vector_index(vectors: Any, target: Path) -> Search:
    """Write a table of keys and float16 vectors, and search it as the librarian does."""
    import numpy as np
    import pyarrow as pa

    from native import lance_vectors
    from native.lance_tables import LanceTable
    from native.row_cache import ALWAYS, row_index

    keys = pa.array([f"{number:032}" for number in range(len(vectors))])
    flat = pa.array(vectors.astype(np.float16).ravel())
    rows = pa.table({"key": keys, lance_vectors.COLUMN: pa.FixedSizeListArray.from_arrays(flat, DIMENSIONS)})
    table = LanceTable(target / "vectors.lance")
    table.create(rows.schema)
    table.upsert("key", rows)
    version = table.head().version
    row_index(table, "key", version, lance_vectors.COLUMN, uses=ALWAYS)
    return lambda query, k: [
        int(key) for key, _ in lance_vectors.nearest(table, query, k, key="key", version=version)
    ]
