"""The whole line in one call, without Dagster: what the jobs do, for evaluation, tests and other programs."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from native.lance_vectors import Coverage
from omni_pipelines.errors import UpstreamMoved
from omni_pipelines.home import Home
from omni_pipelines.knowledge.quality.gate_results import GateResult, require_passed
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.publishing.publish import PublishReport, publish
from omni_pipelines.publishing.quality_gate import run_gate
from omni_pipelines.settings import Settings
from omni_pipelines.steps.chunks import ChunksReport, reconcile_chunks
from omni_pipelines.steps.documents import DocumentsReport, reconcile_documents
from omni_pipelines.steps.embeddings import EmbeddingsReport, reconcile_embeddings
from omni_pipelines.steps.indexes import KeywordReport, build_keyword_index, build_vector_index
from omni_pipelines.text.embedding import Embedder
from omni_pipelines.text.engines import load_counter, load_embedder, model_fingerprint
from omni_pipelines.text.packing import Count

OVERTAKEN_ATTEMPTS, OVERTAKEN_PAUSE = 10, 1.0
"""How often a pass is begun again after another home published before it, and the longest pause in seconds."""
T = TypeVar("T")


@dataclass(frozen=True)
class Engines:
    """What the line needs besides the home."""

    count: Count
    embedder: Embedder
    model: str
    """Fingerprint of the embedder."""

    @classmethod
    def load(cls, settings: Settings) -> Engines:
        """Those that the settings name.

        Raises:
            ModelMissing: one was never pulled.
        """
        return cls(load_counter(settings).count, load_embedder(settings), model_fingerprint(settings))


@dataclass(frozen=True)
class RunReport:
    """What one pass did, step by step."""

    documents: DocumentsReport
    chunks: ChunksReport
    embeddings: EmbeddingsReport
    keyword: KeywordReport
    vectors: Coverage
    gate: GateResult
    published: PublishReport


def run_pipeline(
    home: Home,
    settings: Settings,
    engines: Engines,
    run_id: str,
    names: Sequence[str] = (),
    *,
    allow_delete: bool = False,
) -> RunReport:
    """One pass over the registered sources, or those in `names`, from files to a release.

    Raises:
        OmniError, EngineError: as its steps do.
    """
    return retry_when_overtaken(
        settings, lambda: _pass(home, settings, engines, run_id, names, allow_delete=allow_delete)
    )


def retry_when_overtaken(settings: Settings, run: Callable[[], T]) -> T:
    """What `run` gives, which is called again where another home of the same store has published meanwhile.

    Raises:
        UpstreamMoved: it was overtaken every time.
    """
    for attempt in range(OVERTAKEN_ATTEMPTS):
        try:
            return run()
        except UpstreamMoved:
            if not settings.store or attempt == OVERTAKEN_ATTEMPTS - 1:
                raise
            time.sleep(random.uniform(0, OVERTAKEN_PAUSE))  # or two homes would meet again and again
    raise AssertionError("the last attempt returns or raises")


def _pass(
    home: Home, settings: Settings, engines: Engines, run_id: str, names: Sequence[str], *, allow_delete: bool
) -> RunReport:
    with writer_session(home, settings, sync=True):
        return RunReport(
            reconcile_documents(home, settings, names, allow_delete=allow_delete),
            reconcile_chunks(home, settings, engines.count),
            reconcile_embeddings(home, engines.embedder, engines.model),
            build_keyword_index(home),
            build_vector_index(home),
            _pass_gate(home, settings, engines, run_id),
            publish(home, settings, run_id),
        )


def _pass_gate(home: Home, settings: Settings, engines: Engines, run_id: str) -> GateResult:
    gate = run_gate(home, settings, lambda: engines.embedder, run_id)
    require_passed(gate)
    return gate
