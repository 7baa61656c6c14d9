"""The write side for programs: knowledge entries, and files one by one."""

from __future__ import annotations

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

LOCK = ".lock"
LOCK_SECONDS = 10.0
RUN = "knowledge writer"


class KnowledgeWriter:
    """Writes into one home. What it writes is searched after the next ingest, here or by the sensors."""

    def __init__(self, home: Home, settings: Settings) -> None:
        self._home, self._settings = home, settings

    def create(self, entry: KnowledgeEntry) -> KnowledgeEntry:
        """Write a new entry.

        Raises:
            ConfigurationError: there is one with this id.
            HomeBusy: another process writes entries all the time.
        """
        with self._entries():
            if entry_file(self._home, entry.id).exists():
                raise ConfigurationError(f"there is an entry {entry.id!r} already", cure="change it with --update")
            self._write(entry)
        return entry

    def upsert(self, entry: KnowledgeEntry) -> KnowledgeEntry:
        """Write an entry. One that is there keeps the time it was created, and its version rises by one."""
        with self._entries():
            if entry_file(self._home, entry.id).exists():
                before = read_entry(self._home, entry.id)
                kept = {"created_at": before.created_at, "version": before.version + 1}
                entry = entry.model_copy(update={**kept, "updated_at": datetime.now(UTC)})
            self._write(entry)
        return entry

    def delete(self, identity: str) -> None:
        """Delete an entry; search finds it no more after the next ingest.

        Raises:
            CitationNotFound: there is none.
        """
        with self._entries():
            read_entry(self._home, identity)
            entry_file(self._home, identity).unlink()
            sync_file(self._home.entries)

    def ingest(self, engines: Engines, *, allow_delete: bool = False) -> dict[str, int]:
        """Read what changed in all sources and publish a release.

        Raises:
            OmniError, EngineError: as the line does.
        """
        done = run_pipeline(self._run(engines, allow_delete=allow_delete))
        counts = done.steps["documents"].counts
        return {
            "files_processed": counts["added"] + counts["changed"],
            "updated": counts["changed"],
            "chunks_indexed": done.steps["keyword_index"].counts["written"],
            "errors": counts["quarantined"],
        }

    def upsert_file(self, path: Path, engines: Engines) -> bool:
        """Bring the source that holds a file up to date, and say whether the file was new, changed, or gone.

        Raises:
            ConfigurationError: no source holds it.
            OmniError, EngineError: as the line does.
        """
        place = path.expanduser().absolute()
        ours = filter(reads(self._home), load_sources(self._home))
        source = next((each for each in ours if place.is_relative_to(each.root)), None)
        if source is None:
            raise ConfigurationError(f"no source holds {path}", cure="name its folder: omni ingest PATH")
        before = self._stored(place)
        run_pipeline(self._run(engines, sources=(source.name,)))
        return self._stored(place) != before

    def _run(self, engines: Engines, *, sources: tuple[str, ...] = (), allow_delete: bool = False) -> RunContext:
        return new_run(self._home, self._settings, engines, RUN, sources=sources, allow_delete=allow_delete)

    def _stored(self, place: Path) -> str | None:
        rows = read_rows(self._home, DOCUMENTS, DocumentRow, ["uri", "content_hash"])
        return next((row["content_hash"] for row in rows if row["uri"] == place.as_uri()), None)

    def _write(self, entry: KnowledgeEntry) -> None:
        write_whole(entry_file(self._home, entry.id), entry_text(entry).encode())

    @contextmanager
    def _entries(self) -> Iterator[None]:
        """Hold the entries' own lock: an ingest may hold that of the home for minutes."""
        self._register()
        try:
            with filelock.FileLock(self._home.entries / LOCK, timeout=LOCK_SECONDS):
                yield
        except filelock.Timeout as error:
            raise HomeBusy("another process is writing entries", cure="try again in a moment") from error

    def _register(self) -> None:
        """Make the folder a source, once."""
        if self._home.entries.is_dir() and self._registered(load_sources(self._home)):
            return
        with writer_session(self._home, self._settings):
            self._home.entries.mkdir(exist_ok=True)
            sources = load_sources(self._home)
            if not self._registered(sources):
                made = Source(
                    name=free_name(SOURCE, sources), root=self._home.entries, include=("*.md",), guarded=False
                )
                save_sources(self._home, [*sources, made])

    def _registered(self, sources: Iterable[Source]) -> bool:
        """Another home of the same store may have its folder at the same path, on another machine."""
        is_ours = reads(self._home)
        return any(each.root == self._home.entries and is_ours(each) for each in sources)
