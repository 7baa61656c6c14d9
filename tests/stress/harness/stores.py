"""What is put to the test: the line with its releases, and a naive writer that the same tests must catch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from native.errors import EngineError
from native.lance_tables import LanceTable
from native.tantivy_index import Entry, KeywordIndex
from omni_pipelines import schemas
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.releases import newest_release, read_release
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.pipeline.run import run_pipeline
from omni_pipelines.sources.registry import load_sources, register, save_sources
from omni_pipelines.steps.keyword_index import in_order, with_neighbours
from omni_pipelines.steps.step import Group, LoadedEngines
from omni_pipelines.steps.step_table import STEPS, new_run
from omni_pipelines.testing.fakes import FakeEmbedder, WordCounter
from tests.stress.harness.corpus import STEP_FILE, files_at, lay, step_in
from tests.stress.harness.oracle import SETTINGS, Content, content_of, expected, stored

SOURCE = "docs"
ENGINES = LoadedEngines(WordCounter(), FakeEmbedder(), "fake/1")


class Collected(Exception):
    """What was being read is no longer kept; a newer state is there."""


@dataclass(frozen=True)
class Seen:
    """What one look at a store gave."""

    step: int
    release: int
    content: Content


class Store(Protocol):
    """A knowledge base of the files of a seed."""

    home: Home
    docs: Path
    seed: int

    def begin(self) -> None:
        """Register the folder."""

    def write(self, step: int) -> None:
        """Bring the folder to a step, and the knowledge base in line with it."""

    def read(self) -> Seen | None:
        """The newest state in full, or None where there is none yet."""

    def expects(self, seen: Seen) -> Content:
        """What the files of the step that was seen give."""


def wrong(store: Store, seen: Seen) -> list[str]:
    """How what was seen differs from what it must be."""
    return seen.content.differences(store.expects(seen))


@dataclass(frozen=True)
class Released:
    """The line: each step ends in a release, whose run is named after the step."""

    home: Home
    docs: Path
    seed: int

    def begin(self) -> None:
        """Register the folder."""
        self.docs.mkdir(parents=True, exist_ok=True)
        self.home.create()
        if not load_sources(self.home):
            sources, names = register([], [self.docs], ())
            assert names == [SOURCE]
            save_sources(self.home, sources)

    def write(self, step: int) -> None:
        """One pass."""
        lay(self.docs, files_at(self.seed, step))
        run_pipeline(new_run(self.home, SETTINGS, ENGINES, f"step {step}", allow_delete=True))

    def read(self) -> Seen | None:
        """The newest release.

        Raises:
            Collected: it was collected while it was read.
        """
        release = newest_release(self.home)
        return self.read_release(release.release) if release is not None else None

    def expects(self, seen: Seen) -> Content:
        """What the files of a step give."""
        return expected(SOURCE, files_at(self.seed, seen.step))

    def read_release(self, number: int) -> Seen:
        """One release in full."""
        try:
            snapshot = Snapshot.open(self.home, number)
            return Seen(step_in(snapshot.release.run_id), number, content_of(snapshot))
        except EngineError as error:
            if read_release(self.home, number) is None:
                raise Collected from error
            raise


@dataclass(frozen=True)
class Naive:
    """The same steps without releases: the keyword index is changed in place, and readers take the latest of each."""

    home: Home
    docs: Path
    seed: int

    begin = Released.begin
    expects = Released.expects

    def write(self, step: int) -> None:
        """Tables, then the index; each is visible at once."""
        lay(self.docs, files_at(self.seed, step))
        run = new_run(self.home, SETTINGS, ENGINES, allow_delete=True)
        for made in STEPS.in_group(Group.INGEST):
            made.run(run)
        chunks = LanceTable(self.home.table("chunks")).read()
        index = self._index()
        have = index.fingerprints()
        with index.writer() as writer:
            writer.delete(have.keys() - set(chunks["chunk_id"].to_pylist()))
            writer.upsert(
                Entry(
                    row["chunk_id"],
                    "",
                    row["text"],
                    "",
                    {"source": row["source"], "path": row["path"], "language": row["language"], "kind": row["kind"]},
                    "\n".join(each["text"] for each in (before, row, behind) if each is not None),
                )
                for row, (before, behind) in with_neighbours(in_order(chunks))
            )
            writer.commit()

    def _index(self) -> KeywordIndex:
        folder = self.home.keyword / "latest"
        made = (folder / "meta.json").exists()
        return KeywordIndex.open(folder, schemas.FILTERS) if made else KeywordIndex.create(folder, schemas.FILTERS)

    def read(self) -> Seen | None:
        """The latest of everything."""
        tables = {name: LanceTable(self.home.table(name)) for name in ("documents", "chunks", "embeddings")}
        if not (self.home.keyword / "latest" / "meta.json").exists():
            return None
        content = stored(tables, dict.fromkeys(tables), self._index())
        steps = [text for path, text, _, _ in content.chunks.values() if path == STEP_FILE]
        return Seen(step_in(steps[0]), 0, content)
