"""The whole line on a small home, without Dagster: what the jobs do, with fakes for the models."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from native.lance_tables import LanceTable
from native.lance_vectors import IndexCoverage
from native.tantivy_index import KeywordIndex
from omni_pipelines import schemas
from omni_pipelines.home import Home
from omni_pipelines.knowledge.librarian import Librarian
from omni_pipelines.knowledge.quality.gate_results import GateResult
from omni_pipelines.knowledge.search.hits import Hit
from omni_pipelines.knowledge.search.options import Mode
from omni_pipelines.pipeline.run import RunReport, run_pipeline
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.publishing.publish import PublishReport
from omni_pipelines.records import MissingSource
from omni_pipelines.settings import Settings
from omni_pipelines.sources.model.limits import DEFAULT_LIMITS, SourceLimits
from omni_pipelines.sources.model.listing import Listing
from omni_pipelines.sources.registry import load_sources, register, save_sources
from omni_pipelines.sources.web.network import SYSTEM_NETWORK, Network
from omni_pipelines.steps.chunks import ChunksReport
from omni_pipelines.steps.documents import DocumentsReport, reconcile_documents
from omni_pipelines.steps.embeddings import EmbeddingsReport
from omni_pipelines.steps.keyword_index import KeywordReport
from omni_pipelines.steps.step import BatchSizes, LoadedEngines, RunContext
from omni_pipelines.steps.step_records import read_step_record
from omni_pipelines.steps.step_table import new_run
from omni_pipelines.steps.vector_index import VectorsReport
from omni_pipelines.testing.fakes import FakeEmbedder, WordCounter
from tests.integration.hooked_session import HookedSession, ReadHook, read_unchanged

MODEL = "fake/1"


@dataclass(frozen=True)
class Done:
    """What one run did, with the report of each step under its own type."""

    documents: DocumentsReport
    chunks: ChunksReport
    embeddings: EmbeddingsReport
    keyword: KeywordReport
    vectors: IndexCoverage
    gate: GateResult
    published: PublishReport

    @classmethod
    def of(cls, report: RunReport) -> Done:
        documents, chunks, embeddings, keyword, vectors = report.steps.values()
        assert isinstance(documents, DocumentsReport)
        assert isinstance(chunks, ChunksReport)
        assert isinstance(embeddings, EmbeddingsReport)
        assert isinstance(keyword, KeywordReport)
        assert isinstance(vectors, VectorsReport)
        return cls(documents, chunks, embeddings, keyword, vectors.coverage, report.gate, report.published)


@dataclass
class Line:
    """A home, and everything that is needed to fill it."""

    home: Home
    settings: Settings = field(default_factory=lambda: Settings(chunk_tokens=40, chunk_overlap=8))
    embedder: FakeEmbedder = field(default_factory=FakeEmbedder)
    model: str = MODEL
    limits: SourceLimits = DEFAULT_LIMITS
    network: Network = SYSTEM_NETWORK
    read_hook: ReadHook = read_unchanged
    """Called for each file that is read; tests count reads with it, or let them fail."""
    listing: Listing | None = None
    """Used instead of listing a source."""

    def add(self, *paths: Path, include: tuple[str, ...] = ()) -> list[str]:
        """Register paths. The names of their sources."""
        self.home.create()
        sources, names = register(load_sources(self.home), paths, include)
        save_sources(self.home, sources)
        return names

    @property
    def context(self) -> RunContext:
        """What its steps work with."""
        engines = LoadedEngines(WordCounter(), self.embedder, self.model)
        run = new_run(self.home, self.settings, engines, "run-1")
        session = HookedSession(self.read_hook, self.listing, self.limits, self.network)
        return replace(run, session=session, overtaken_pause_seconds=0)

    def ingest(self, *names: str, allow_delete: bool = False) -> DocumentsReport:
        """The documents alone."""
        settle()
        with writer_session(self.home, self.settings):
            return reconcile_documents(replace(self.context, sources=names, allow_delete=allow_delete))

    def run_with_missing_source(self) -> MissingSource:
        """One run, and the only source that it could not list."""
        self.run()
        record = read_step_record(self.home, "documents")
        assert record is not None
        (missing,) = record.missing.values()
        return missing

    def run(self, *, allow_delete: bool = False, batches: BatchSizes | None = None) -> Done:
        """One run, from the sources to a release."""
        settle()
        self.embedder.embedded.clear()
        context = replace(self.context, allow_delete=allow_delete, batches=batches or self.context.batches)
        return Done.of(run_pipeline(context))

    def librarian(self, release: int | None = None) -> Librarian:
        """A reader."""
        return Librarian.open(self.home, release, embedder=self.embedder)

    def search(
        self, query: str, mode: Mode = Mode.HYBRID, k: int = 10, where: Mapping[str, str] | None = None
    ) -> list[Hit]:
        """Hits in the newest release."""
        return self.librarian().search(query, k, mode, where)

    def rows(self, name: str, *columns: str) -> list[dict[str, Any]]:
        """Rows of a table at its head, by key."""
        definition = schemas.TABLES[name]
        chosen = list(columns) or [column for column in definition.schema.names if column != "vector"]
        rows = LanceTable(self.home.table(name)).read(chosen).to_pylist()
        return sorted(rows, key=lambda row: str(row.get(definition.key, row)))

    def versions(self) -> dict[str, str]:
        """The head of every table."""
        return {name: str(LanceTable(self.home.table(name)).head()) for name in schemas.TABLES}

    def keyword_entries(self) -> Mapping[str, str]:
        """Key to fingerprint in the keyword generation that was built last."""
        built = read_step_record(self.home, "keyword_index")
        assert built is not None
        return KeywordIndex.open(self.home.keyword / built.output, schemas.FILTERS).fingerprints()


@dataclass(frozen=True)
class Original:
    """A line that is filled once for the tests of a module: each test works on a copy of its home.

    Not for tests that damage a data file of a table: Lance keeps parts of it in memory under the name that all copies
    have.
    """

    line: Line
    docs: Path
    """The files that it reads. They stay at their place, which is written in rows and records."""
    kept: Path

    @classmethod
    def filled(cls, folder: Path, fill: Callable[[Line, Path], object]) -> Original:
        """Make a line and an empty folder of files, and let `fill` do the rest."""
        original = cls(Line(Home(folder / ".omni")), folder / "files" / "docs", folder / "kept")
        original.docs.mkdir(parents=True)
        fill(original.line, original.docs)
        shutil.copytree(original.docs, original.kept)
        return original

    def copy(self, home: Home) -> Line:
        """A line over a copy of the home, with its files as they were."""
        shutil.rmtree(self.docs)
        shutil.copytree(self.kept, self.docs)
        shutil.copytree(self.line.home.root, home.root, dirs_exist_ok=True)
        return Line(home, settings=self.line.settings)


def settle() -> None:
    """Let files grow older than the clock's tick, after which a change to them cannot go unseen."""
    time.sleep(0.03)


def write(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """Make files below `root`."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def paragraph(topic: str, count: int = 6) -> str:
    """Sentences that no other topic has."""
    return "\n\n".join(
        f"The {topic} number {number} is kept in the {topic} shed, where {topic} keepers look after it every day."
        for number in range(count)
    )


def texts(line: Line) -> dict[str, str]:
    """Path to text of every document."""
    return {row["path"]: row["text"] for row in line.rows("documents", "path", "text")}


def refused(line: Line) -> dict[str, str]:
    """Path to code of every file in quarantine."""
    return {row["path"]: row["code"] for row in line.rows("quarantine", "path", "code")}
