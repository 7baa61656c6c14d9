"""A small real knowledge base: two notes, real engines, and the steps of the line to be taken one by one."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from omni_pipelines.errors import ModelMissing
from omni_pipelines.ingest.chunks import reconcile_chunks
from omni_pipelines.ingest.documents import reconcile_documents
from omni_pipelines.ingest.embeddings import reconcile_embeddings
from omni_pipelines.ingest.indexes import build_keyword_index, build_vector_index
from omni_pipelines.ingest.publish import publish
from omni_pipelines.ingest.sources import register, save_sources
from omni_pipelines.settings import Home, Settings, load_settings
from omni_pipelines.text.embedding import Embedder
from omni_pipelines.text.engines import load_counter, load_embedder, model_fingerprint

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
        """A file last changed a minute ago: one changed just now is read again by the next ingest."""
        path = self.notes / name
        path.write_text(text)
        minute_ago = path.stat().st_mtime_ns - 60_000_000_000
        os.utime(path, ns=(minute_ago, minute_ago))

    def ingest(self) -> None:
        reconcile_documents(self.home, self.engines.settings)
        reconcile_chunks(self.home, self.engines.settings, self.engines.count)
        reconcile_embeddings(self.home, self.engines.embedder, self.engines.fingerprint)

    def index(self) -> int:
        build_keyword_index(self.home)
        build_vector_index(self.home)
        return publish(self.home, self.engines.settings, "by hand").release.release


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Engines:
    settings = load_settings(Home(tmp_path_factory.mktemp("settings") / ".omni"))
    try:
        return Engines(
            settings, load_counter(settings).count, load_embedder(settings, workers=1), model_fingerprint(settings)
        )
    except ModelMissing as error:
        pytest.skip(str(error))


@pytest.fixture
def small(home: Home, tmp_path: Path, engines: Engines) -> SmallHome:
    """Registered, but not ingested."""
    small = SmallHome(home, tmp_path / "notes", engines)
    small.notes.mkdir()
    small.write("heron.md", HERON)
    small.write("otter.md", OTTER)
    sources, _ = register([], [small.notes], [])
    save_sources(home, sources)
    return small
