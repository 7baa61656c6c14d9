"""The stores under test: the product with its releases, and a naive writer whose faults the tests must detect."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from native.errors import EngineError
from native.lance_tables import LanceTable
from native.tantivy_entries import KeywordEntry
from native.tantivy_index import KeywordIndex
from omni_pipelines import schemas
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.releases import newest_release, read_release
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.pipeline.run import run_pipeline
from omni_pipelines.settings import Settings
from omni_pipelines.sources.registry import load_sources, register, save_sources
from omni_pipelines.steps.keyword_index import in_order, with_neighbours
from omni_pipelines.steps.step import LoadedEngines, StepGroup
from omni_pipelines.steps.step_table import STEPS, new_run
from omni_pipelines.testing.fakes import FakeEmbedder, WordCounter
from tests.stress.harness.corpus import STEP_FILE, files_at, step_in, write_files
from tests.stress.harness.oracle import SETTINGS, Content, content_of, expected, stored

SOURCE = "docs"
ENGINES = LoadedEngines(WordCounter(), FakeEmbedder(), "fake/1")


class ReleaseCollected(Exception):
    """The release was collected while it was read; a newer one exists."""


@dataclass(frozen=True)
class State:
    """The content of one read of a store."""

    step: int
    release: int
    content: Content


class Store(Protocol):
    """A knowledge base of the generated files of a seed."""

    @property
    def home(self) -> Home:
        """The home of the knowledge base."""

    @property
    def docs(self) -> Path:
        """The folder of the source files."""

    @property
    def seed(self) -> int:
        """The seed of the source files."""

    @property
    def settings(self) -> Settings:
        """The settings of the home."""

    def begin(self) -> None:
        """Register the source."""

    def write(self, step: int) -> None:
        """Write the source files of a step, and bring the knowledge base up to date."""

    def read(self) -> State | None:
        """Read all content of the newest state; None if there is none yet."""

    def expects(self, state: State) -> Content:
        """Return the expected content of the step that was read."""


def problems(store: Store, state: State) -> list[str]:
    """Say how the content that was read differs from the expected content."""
    return state.content.differences(store.expects(state))


@dataclass(frozen=True)
class _Generated:
    """What both kinds of store have in common: one source of generated files."""

    home: Home
    docs: Path
    seed: int

    @property
    def settings(self) -> Settings:
        """The settings of all trials."""
        return SETTINGS

    def begin(self) -> None:
        """Register the source."""
        self.docs.mkdir(parents=True, exist_ok=True)
        self.home.create()
        if not load_sources(self.home):
            sources, names = register([], [self.docs], ())
            assert names == [SOURCE]
            save_sources(self.home, sources)

    def expects(self, state: State) -> Content:
        """Return the expected content of the step that was read."""
        return expected(SOURCE, files_at(self.seed, state.step))


@dataclass(frozen=True)
class Released(_Generated):
    """The product: each step ends with a release. The run is named after the step."""

    def write(self, step: int) -> None:
        """Write the source files of a step, and run the pipeline."""
        write_files(self.docs, files_at(self.seed, step))
        run_pipeline(new_run(self.home, SETTINGS, ENGINES, f"step {step}", allow_delete=True))

    def read(self) -> State | None:
        """Read all content of the newest release.

        Raises:
            ReleaseCollected: the release was collected during the read.
        """
        release = newest_release(self.home)
        return self.read_release(release.release) if release is not None else None

    def read_release(self, number: int) -> State:
        """Read all content of one release.

        Raises:
            ReleaseCollected: the release was collected during the read.
        """
        try:
            snapshot = Snapshot.open(self.home, number)
            return State(step_in(snapshot.release.run_id), number, content_of(snapshot))
        except EngineError as error:
            if read_release(self.home, number) is None:
                raise ReleaseCollected from error
            raise


@dataclass(frozen=True)
class Naive(_Generated):
    """The same steps without releases.

    The keyword index is changed in place, and readers use the newest version of everything.
    """

    def write(self, step: int) -> None:
        """Write the source files, the tables, and then the index; each is visible at once."""
        write_files(self.docs, files_at(self.seed, step))
        run = new_run(self.home, SETTINGS, ENGINES, allow_delete=True)
        for table_step in STEPS.in_group(StepGroup.INGEST):
            table_step.run(run)
        chunks = LanceTable(self.home.table("chunks")).read()
        index = self._index()
        indexed = index.fingerprints()
        with index.writer() as writer:
            writer.delete(indexed.keys() - set(chunks["chunk_id"].to_pylist()))
            writer.upsert(
                KeywordEntry(
                    row["chunk_id"],
                    "",
                    row["text"],
                    "",
                    {"source": row["source"], "path": row["path"], "language": row["language"], "kind": row["kind"]},
                    tuple(passage["text"] for passage in (before, row, after) if passage is not None),
                )
                for row, (before, after) in with_neighbours(in_order(chunks))
            )
            writer.commit()

    def _index(self) -> KeywordIndex:
        folder = self.home.keyword / "latest"
        exists = (folder / "meta.json").exists()
        return KeywordIndex.open(folder, schemas.FILTERS) if exists else KeywordIndex.create(folder, schemas.FILTERS)

    def read(self) -> State | None:
        """Read the newest version of everything."""
        tables = {name: LanceTable(self.home.table(name)) for name in ("documents", "chunks", "embeddings")}
        if not (self.home.keyword / "latest" / "meta.json").exists():
            return None
        content = stored(tables, dict.fromkeys(tables), self._index())
        steps = [text for path, text, _, _ in content.chunks.values() if path == STEP_FILE]
        return State(step_in(steps[0]), 0, content)
