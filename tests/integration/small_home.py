"""A small real knowledge base: two notes, real engines, and the steps of the line to be taken one by one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from omni_pipelines.home import Home
from omni_pipelines.publishing.publish import publish
from omni_pipelines.settings import Settings
from omni_pipelines.sources.file_reads import RACY_NS
from omni_pipelines.steps.chunks import reconcile_chunks
from omni_pipelines.steps.documents import reconcile_documents
from omni_pipelines.steps.embeddings import reconcile_embeddings
from omni_pipelines.steps.indexes import build_keyword_index, build_vector_index
from omni_pipelines.text.embedding import Embedder

HERON = "# Heron\n\nThe heron stands in cold water at dawn.\n"
OTTER = "# Otter\n\nOtters sleep holding hands so that they do not drift apart.\n"


@dataclass
class Engines:
    settings: Settings
    count: Callable[[str], int]
    embedder: Embedder
    fingerprint: str


@dataclass
class SmallHome:
    """A home with one source, `notes`."""

    home: Home
    notes: Path
    engines: Engines

    def write(self, name: str, text: str) -> None:
        """A file that is old enough to be trusted: one changed just now is read again by the next ingest."""
        (self.notes / name).write_text(text)
        time.sleep(2 * RACY_NS / 1e9)

    def ingest(self) -> None:
        reconcile_documents(self.home, self.engines.settings)
        reconcile_chunks(self.home, self.engines.settings, self.engines.count)
        reconcile_embeddings(self.home, self.engines.embedder, self.engines.fingerprint)

    def index(self) -> int:
        build_keyword_index(self.home)
        build_vector_index(self.home)
        return publish(self.home, self.engines.settings, "by hand").release.release
