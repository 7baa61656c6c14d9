"""Early releases: a first ingest is searchable by words while its vectors are still being made.

Embedding takes most of the time of an ingest. If much of it is left, a release is published of what there is: all
chunks, the whole keyword index, and the vectors so far. More follow while embedding goes on, and the run ends with
the complete one. An early release is consistent like any other, and its counts say how many chunks have a vector.

A home that serves a complete release keeps serving it until the next one is complete. So does a home with a quality
gate, whose questions are measured on complete releases alone, and one that shares a store.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from native import lance_vectors
from omni_pipelines import progress
from omni_pipelines.knowledge.state.releases import newest_release
from omni_pipelines.publishing.publish import publish
from omni_pipelines.records import StepRecord
from omni_pipelines.schemas import CHUNKS, EMBEDDINGS
from omni_pipelines.steps.keyword_index import build_keyword_index
from omni_pipelines.steps.step import RunContext
from omni_pipelines.tables import open_table

WORTH_SECONDS = 10.0
"""Embedding that is left: with less, the complete release is soon there."""
PAUSE_SECONDS = 60.0
"""Least time between two early releases."""
_MAX_COST = 0.05
"""Share of the time that early releases may take."""


class EarlyReleases:
    """Publishes early releases of one run. The embeddings step calls it after each batch, with the lock held."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._due = 0.0

    def __call__(self, run: RunContext, seconds_left: float) -> None:
        """Publish what there is, if it is worth it: `seconds_left` is the embedding that is left, as estimated."""
        began = self._clock()
        if seconds_left < WORTH_SECONDS or began < self._due or not _serves_nothing_complete(run):
            return
        build_keyword_index(run)
        release = publish(run, unfinished=_unfinished(run)).release
        chunks, vectors = (f"{release.counts[name]:,}" for name in ("chunks", "embeddings"))
        progress.note(
            f"release {release.release} can be searched: {chunks} chunks by words, {vectors} by meaning too"
        )
        took = self._clock() - began
        self._due = self._clock() + max(PAUSE_SECONDS, took / _MAX_COST)


def _serves_nothing_complete(run: RunContext) -> bool:
    newest = newest_release(run.home)
    return (newest is None or newest.is_early) and not run.home.golden.exists() and not run.settings.store


def _unfinished(run: RunContext) -> dict[str, StepRecord]:
    """The records of the vector steps as if embedding ended here.

    They are not written to disk: after a kill, the next run sees that the step did not finish.
    """
    chunks, head = (str(open_table(run.home, table).head()) for table in (CHUNKS, EMBEDDINGS))
    now = datetime.now(UTC)
    embeddings = StepRecord(
        step="embeddings", output=head, inputs={"chunks": chunks}, fingerprint=run.engines.model, at=now
    )
    index = StepRecord(
        step="vector_index", output=head, inputs={"embeddings": head}, fingerprint=lance_vectors.INDEX, at=now
    )
    return {embeddings.step: embeddings, index.step: index}
