"""Writes knowledge entries, and brings single files up to date, for programs."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import filelock

from native.durable import sync_file, write_whole
from omni_pipelines.errors import ConfigurationError, HomeBusy
from omni_pipelines.home import Home
from omni_pipelines.knowledge.entries import SOURCE, entry_file, entry_text, read_entry
from omni_pipelines.pipeline.run import run_pipeline
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.records import KnowledgeEntry
from omni_pipelines.rows import DocumentRow
from omni_pipelines.schemas import DOCUMENTS
from omni_pipelines.settings import Settings
from omni_pipelines.sources.model.source import Source
from omni_pipelines.sources.registry import free_name, load_sources, reads, save_sources
from omni_pipelines.steps.step import Engines, RunContext
from omni_pipelines.steps.step_table import new_run
from omni_pipelines.tables import read_rows

_LOCK_SECONDS = 10.0


class KnowledgeWriter:
    """Writes to one home. Searches find what it writes after the next ingest, by a call or by the sensors."""

    def __init__(self, home: Home, settings: Settings) -> None:
        self._home, self._settings = home, settings

    def create(self, entry: KnowledgeEntry) -> KnowledgeEntry:
        """Write a new entry.

        Raises:
            ConfigurationError: an entry with this id exists, or the entry is empty.
            HomeBusy: another process held the lock of the entries for ten seconds.
        """
        with self._entries():
            if entry_file(self._home, entry.id).exists():
                raise ConfigurationError(f"there is already an entry {entry.id!r}", cure="change it with --update")
            self._write(entry)
        return entry

    def upsert(self, entry: KnowledgeEntry) -> KnowledgeEntry:
        """Write an entry. If it exists, it keeps its time of creation, and its version increases by one.

        Raises:
            ConfigurationError: the entry is empty.
        """
        with self._entries():
            if entry_file(self._home, entry.id).exists():
                before = read_entry(self._home, entry.id)
                kept = {"created_at": before.created_at, "version": before.version + 1}
                entry = entry.model_copy(update={**kept, "updated_at": datetime.now(UTC)})
            self._write(entry)
        return entry

    def delete(self, identity: str) -> None:
        """Delete an entry. Searches find it until the next ingest.

        Raises:
            CitationNotFound: it does not exist.
        """
        with self._entries():
            read_entry(self._home, identity)
            entry_file(self._home, identity).unlink()
            sync_file(self._home.entries)

    def ingest(self, engines: Engines, *, allow_delete: bool = False) -> dict[str, int]:
        """Read what changed in all sources, and publish a release.

        Raises:
            OmniError, EngineError: as `run_pipeline`.
        """
        report = run_pipeline(self._run(engines, allow_delete=allow_delete))
        counts = report.steps["documents"].counts
        return {
            "files_processed": counts["added"] + counts["changed"],
            "updated": counts["changed"],
            "chunks_indexed": report.steps["keyword_index"].counts["written"],
            "errors": counts["quarantined"],
        }

    def upsert_file(self, path: Path, engines: Engines) -> bool:
        """Bring the source of a file up to date. Returns whether the file was added, changed or deleted.

        Raises:
            ConfigurationError: the file is in no source.
            OmniError, EngineError: as `run_pipeline`.
        """
        file = path.expanduser().absolute()
        sources = filter(reads(self._home), load_sources(self._home))
        source = next((source for source in sources if file.is_relative_to(source.root)), None)
        if source is None:
            raise ConfigurationError(f"{path} is in no source", cure="ingest its folder: omni ingest PATH")
        before = self._stored_hash(file)
        run_pipeline(self._run(engines, sources=(source.name,)))
        return self._stored_hash(file) != before

    def _run(self, engines: Engines, *, sources: tuple[str, ...] = (), allow_delete: bool = False) -> RunContext:
        run_id = "knowledge writer"
        return new_run(self._home, self._settings, engines, run_id, sources=sources, allow_delete=allow_delete)

    def _stored_hash(self, file: Path) -> str | None:
        rows = read_rows(self._home, DOCUMENTS, DocumentRow, ["uri", "content_hash"])
        return next((row["content_hash"] for row in rows if row["uri"] == file.as_uri()), None)

    def _write(self, entry: KnowledgeEntry) -> None:
        if not entry.content.strip():
            raise ConfigurationError(f"the entry {entry.id!r} is empty", cure="give it a text")
        write_whole(entry_file(self._home, entry.id), entry_text(entry).encode())

    @contextmanager
    def _entries(self) -> Iterator[None]:
        """Hold the lock of the entries. It is not the writer lock, which an ingest may hold for minutes."""
        self._register()
        try:
            with filelock.FileLock(self._home.entries / ".lock", timeout=_LOCK_SECONDS):
                yield
        except filelock.Timeout as error:
            raise HomeBusy("another process is writing entries", cure="try again in a moment") from error

    def _register(self) -> None:
        """Create the folder of the entries and register it as a source, unless that was done before."""
        if self._home.entries.is_dir() and self._is_registered(load_sources(self._home)):
            return
        with writer_session(self._home, self._settings):
            self._home.entries.mkdir(exist_ok=True)
            sources = load_sources(self._home)
            if not self._is_registered(sources):
                name = free_name(SOURCE, sources)
                source = Source(name=name, root=self._home.entries, include=("*.md",), guarded=False)
                save_sources(self._home, [*sources, source])

    def _is_registered(self, sources: Iterable[Source]) -> bool:
        """Whether this home reads the folder; another home of the store may have its own folder at the same path."""
        return any(source.root == self._home.entries for source in filter(reads(self._home), sources))
