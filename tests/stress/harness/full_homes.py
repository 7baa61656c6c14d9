"""A home with a file of every kind, and everything that its readers say, so that any damage can be judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import orjson

from omni_pipelines.agent.session import TaskRecord, TaskSession, text_name
from omni_pipelines.audit_lines import AuditEntry
from omni_pipelines.audit_log import audit_log
from omni_pipelines.erasure.certificates import find_certificate
from omni_pipelines.erasure.erase import erase
from omni_pipelines.home import Home
from omni_pipelines.knowledge.answers.receipts import receipt_bytes
from omni_pipelines.knowledge.answers.verification import verify_receipt
from omni_pipelines.knowledge.sql import JOURNAL_TABLES
from omni_pipelines.knowledge.state import journal
from omni_pipelines.knowledge.state.access import Viewer
from omni_pipelines.knowledge.state.pins import list_pins
from omni_pipelines.knowledge.state.releases import list_releases, require_release
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.knowledge.state.unread_files import read_unread
from omni_pipelines.operations.alerts import TroubleFound, read_ledger, tell
from omni_pipelines.operations.entry_writer import KnowledgeWriter
from omni_pipelines.operations.index_job_records import JobRecord, JobState, write_job
from omni_pipelines.operations.index_jobs import IndexJob
from omni_pipelines.operations.scrub import scrub
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.records import KnowledgeCategory, KnowledgeEntry
from omni_pipelines.settings import Settings
from omni_pipelines.sharing.pinning import pin
from omni_pipelines.sources.registry import load_sources, save_sources
from omni_pipelines.sources.store_membership import read_membership
from omni_pipelines.steps.quarantine import quarantined
from omni_pipelines.steps.step_records import read_step_records
from tests.integration.line import Line, paragraph, write
from tests.stress.harness.oracle import content_of

FILES: dict[str, str | bytes] = {
    "apple.md": paragraph("apple"),
    "badger.md": paragraph("badger"),
    "candle.md": paragraph("candle"),
    "damaged.md": b"\0\0",
    "no text.bin": b"\1\2\3",
}
ENTRY = KnowledgeEntry(id="e", title="Gulls", content="Gulls steal chips.", category=KnowledgeCategory.PATTERN)
STAFF = Viewer.of(["staff"])
STRANGER = Viewer.of(["sales"])
_TEXT = "What a document said."
_TASK = "20261129-120000-abcd"


@dataclass(frozen=True)
class FullHome:
    """The home, its store, and a receipt of one of its answers."""

    line: Line
    receipt: bytes

    @property
    def home(self) -> Home:
        return self.line.home

    @property
    def folder(self) -> Path:
        """Where the home, its sources and its store are."""
        return Path(self.line.settings.store.removeprefix("file://")).parent

    def at(self, root: Path) -> FullHome:
        """The same home at another place."""
        return replace(self, line=replace(self.line, home=Home(root)))


def make(folder: Path) -> FullHome:
    """A home with two releases, and a file of every kind that commands write without a server of Dagster."""
    store = (folder / "store").as_uri()
    line = Line(Home(folder / "kb" / ".omni"), Settings(chunk_tokens=40, chunk_overlap=8, store=store))
    line.add(write(folder / "kb" / "docs", FILES))
    save_sources(line.home, [each.model_copy(update={"acl": ("staff",)}) for each in load_sources(line.home)])
    KnowledgeWriter(line.home, line.settings).create(ENTRY)
    line.run()
    write(folder / "kb" / "docs", {"badger.md": paragraph("beaver")})
    (folder / "kb" / "docs" / "candle.md").unlink()
    with writer_session(line.home, line.settings):
        erase(line.context, "candle.md")
    line.run(allow_delete=True)
    write(folder / "kb" / "docs", {"dog.md": paragraph("dog")})
    line.run()
    home = line.home
    librarian = line.librarian()
    receipt = receipt_bytes(librarian.receipt(librarian.ask("Where is the apple kept?", keep=True)))
    with writer_session(home, line.settings):
        pin(home, line.settings, require_release(home).release, "kept")
    made = datetime(2026, 11, 29, tzinfo=UTC)
    home.jobs.mkdir()
    write_job(home, JobRecord(id="abc", table="chunks", state=JobState.DONE, created_at=made, release=1))
    log = audit_log(home)
    for call in ("a", "b"):
        log.append(AuditEntry(event="decision", session="s", call=call, tool="files.read"))
    record = TaskRecord(id=_TASK, task="Read it.", release=1, model="fake", steps=3, tokens=9, created=made)
    TaskSession.create(home, record).keep(_TEXT)
    tell(home, [TroubleFound(key="source docs", title="It is missing.")], (), (), made)
    home.config.write_text("keep_releases = 3\n")
    return FullHome(line, receipt)


def unseal(path: Path) -> None:
    """Write a document as an earlier version did, without its checksum."""
    path.write_bytes(orjson.dumps(orjson.loads(path.read_bytes())["body"]))


def shown(home: Home, viewer: Viewer) -> list[str]:
    return sorted(row["path"] for row in Snapshot.open(home, viewer=viewer).documents(["path"]))


def _session(home: Home) -> object:
    session = TaskSession.open(home, _TASK)
    return session.record, session.text(text_name(_TEXT))


def questions(full: FullHome) -> Mapping[str, Callable[[], object]]:
    """What is asked of the home, by name."""
    home = full.home
    return {
        "newest release": lambda: content_of(Snapshot.open(home)),
        "releases": lambda: [each.release for each in list_releases(home)],
        "what staff sees": lambda: shown(home, STAFF),
        "what a stranger sees": lambda: shown(home, STRANGER),
        "sources": lambda: [each.model_dump() for each in load_sources(home)],
        "steps": lambda: read_step_records(home),
        "receipt": lambda: verify_receipt(home, full.receipt).outcome,
        "journal": lambda: [journal.read(home, table).to_pylist() for table in JOURNAL_TABLES],
        "pins": lambda: set(list_pins(home)),
        "certificate": lambda: find_certificate(home, "candle.md") is not None,
        "audit log": lambda: audit_log(home).verify().problems,
        "job": lambda: IndexJob(home, "abc").record,
        "task": lambda: _session(home),
        "alerts": lambda: read_ledger(home),
        "quarantine": lambda: quarantined(home),
        "unread files": lambda: read_unread(home),
        "store": lambda: read_membership(home),
        "scrub": lambda: [scrub(home, release).damage for release in list_releases(home)],
    }
