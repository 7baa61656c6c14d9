"""The table of steps. To add a step: an entry here, a function, an asset file, and its table in `schemas.TABLES`.

The order of a run, staleness, the consistency of a release, erasure, the dependencies of the assets and the
selections of the jobs are computed from it. A step after the new one must record the new step among its inputs.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from native import lance_vectors
from native.encoder_graph import RECIPE
from native.tantivy_analysis import ANALYZER
from omni_pipelines import ids, schemas
from omni_pipelines.steps.step import (
    LARGE_BATCHES,
    BatchSizes,
    ConfiguredEngines,
    Engines,
    RunContext,
    Step,
    StepGroup,
    StepReport,
    Steps,
)
from omni_pipelines.text.chunking import CHUNKER
from omni_pipelines.text.readers.registry import readers_fingerprint
from omni_pipelines.workers import workers_of

if TYPE_CHECKING:
    from omni_pipelines.home import Home
    from omni_pipelines.settings import Settings


# The functions import the steps when they run: Dagster's definitions read this table in every process.
def _read_documents(run: RunContext) -> StepReport:
    from omni_pipelines.steps.documents import reconcile_documents

    return reconcile_documents(run)


def _cut_chunks(run: RunContext) -> StepReport:
    from omni_pipelines.steps.chunks import reconcile_chunks

    return reconcile_chunks(run)


def _chunker_fingerprint(run: RunContext, sources: Collection[str]) -> str:
    from omni_pipelines.steps.chunks import chunker_fingerprint

    return chunker_fingerprint(run.settings, sources)


def _embed(run: RunContext) -> StepReport:
    from omni_pipelines.steps.embeddings import reconcile_embeddings

    return reconcile_embeddings(run)


def _index_words(run: RunContext) -> StepReport:
    from omni_pipelines.steps.keyword_index import build_keyword_index

    return build_keyword_index(run)


def _index_vectors(run: RunContext) -> StepReport:
    from omni_pipelines.steps.vector_index import build_vector_index

    return build_vector_index(run)


STEPS = Steps(
    (
        Step(
            name="documents",
            after=(),
            group=StepGroup.INGEST,
            run=_read_documents,
            fingerprint=lambda _run, _sources: readers_fingerprint(),
            fingerprint_name="readers",
            code_version=ids.text_hash(readers_fingerprint())[:12],
            table=schemas.DOCUMENTS,
        ),
        Step(
            name="chunks",
            after=("documents",),
            group=StepGroup.INGEST,
            run=_cut_chunks,
            fingerprint=_chunker_fingerprint,
            fingerprint_name="chunker",
            code_version=CHUNKER,
            table=schemas.CHUNKS,
        ),
        Step(
            name="embeddings",
            after=("chunks",),
            group=StepGroup.INGEST,
            run=_embed,
            fingerprint=lambda run, _sources: run.engines.model,
            fingerprint_name="embedder",
            code_version=RECIPE,
            table=schemas.EMBEDDINGS,
        ),
        Step(
            name="keyword_index",
            after=("chunks",),
            group=StepGroup.INDEX,
            run=_index_words,
            fingerprint=lambda _run, _sources: ANALYZER,
            fingerprint_name="keyword",
            code_version=ANALYZER,
        ),
        Step(
            name="vector_index",
            after=("embeddings",),
            group=StepGroup.INDEX,
            run=_index_vectors,
            fingerprint=lambda _run, _sources: lance_vectors.INDEX,
            code_version=lance_vectors.INDEX,
            table=schemas.EMBEDDINGS,
        ),
    )
)


def new_run(
    home: Home,
    settings: Settings | None = None,
    engines: Engines | None = None,
    run_id: str = "",
    *,
    sources: tuple[str, ...] = (),
    allow_delete: bool = False,
    steps: Steps = STEPS,
) -> RunContext:
    """What a run of steps works with, by default with the settings of the home and the engines that they name."""
    from omni_pipelines.configuration import load_settings

    settings = load_settings(home) if settings is None else settings
    engines = ConfiguredEngines(settings) if engines is None else engines
    workers = workers_of(settings)
    batches = LARGE_BATCHES if workers.on_cluster else BatchSizes()
    return RunContext(home, settings, engines, steps, run_id, sources, allow_delete, batches=batches, workers=workers)
