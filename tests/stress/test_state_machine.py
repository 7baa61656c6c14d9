"""After any order of changes, runs, kills and rollbacks, the newest release equals a plain dict of files."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from native.lance_tables import LanceTable
from omni_pipelines import ids
from omni_pipelines.erasure.erase import erase
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.pins import pin, unpin
from omni_pipelines.knowledge.state.releases import list_releases, newest_release
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.operations import maintenance, user_columns
from omni_pipelines.operations.maintenance import publish_if_consistent
from omni_pipelines.operations.user_columns import NewColumn
from omni_pipelines.pipeline.run import run_pipeline
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.publishing.rollback import roll_back
from omni_pipelines.schemas import TABLES
from omni_pipelines.steps.step_table import new_run
from tests.stress.harness.corpus import write_files
from tests.stress.harness.crash_points import POINTS
from tests.stress.harness.extent import EXTENT
from tests.stress.harness.figures import Figures
from tests.stress.harness.oracle import SETTINGS, Content, content_of, expected
from tests.stress.harness.stores import ENGINES, SOURCE, Released
from tests.stress.harness.workload import KILLED, Job, Workload

NAMES = ("a.md", "b.md", "o'brien.md", "sub/é\u0301.md", "sub/a,b) OR (1=1.md", "\U0001f600.md", "x\ny.md")
WORDS = st.sampled_from(("walrus", "badger", "candle", "naïve", "emoji \U0001f600", "'; --"))
TEXTS = st.lists(WORDS, min_size=1, max_size=40).map(" ".join)
UNREADABLE = "\0"
OWN = "owner"


def add_own_column(home: Home) -> None:
    """Add a column to each table, unless it has one."""
    for name in TABLES:
        if OWN not in LanceTable(home.table(name)).open().schema.names:
            user_columns.add_columns(home, name, [NewColumn(name=OWN, data_type="Utf8")])


def drop_own_column(home: Home) -> None:
    """Drop that column from each table that has one."""
    for name in TABLES:
        if OWN in LanceTable(home.table(name)).open().schema.names:
            user_columns.drop_columns(home, name, [OWN])


def lose_columns_of_later_versions(home: Home) -> None:
    """Take columns that are newer than the first version; the next writer adds them again."""
    for name, columns in (("documents", ["partial", "acl"]), ("chunks", ["page", "acl"]), ("embeddings", ["acl"])):
        with LanceTable(home.table(name)).lease() as dataset:
            dataset.drop_columns([column for column in columns if column in dataset.schema.names])


MAINTENANCE: dict[str, Callable[[Home], object]] = {
    "add a column": add_own_column,
    "drop a column": drop_own_column,
    "lose columns": lose_columns_of_later_versions,
    "compact": lambda home: [maintenance.compact(home, table) for table in TABLES.values()],
    "drop and build the vector index": lambda home: maintenance.optimize_vectors(home, retrain=True),
}
MAX_PINNED = 2


@dataclass(frozen=True)
class PinnedReader:
    """A reader that stays at its release, and the content that it read first."""

    snapshot: Snapshot
    content: Content


class PipelineMachine(RuleBasedStateMachine):
    """The pipeline compared with a plain dict of files."""

    workload: Workload

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="omni-machine-", dir=_memory()))
        self.store = Released(Home(self.folder / ".omni"), self.folder / "docs", 0)
        self.store.begin()
        self.files: dict[str, str] = {"first.md": "a walrus"}
        self.shown: dict[str, str] | None = None
        self.ingested: dict[str, str] = {}
        self.history: dict[int, dict[str, str]] = {}
        self.number = 0
        self.readers: list[PinnedReader] = []
        self.pinned: set[int] = set()
        self.forgotten: set[str] = set()
        self.killed: list[dict[str, str]] = []

    @rule(name=st.sampled_from(NAMES), text=TEXTS)
    def put(self, name: str, text: str) -> None:
        self.files[name] = text

    @rule(name=st.sampled_from(NAMES))
    def damage(self, name: str) -> None:
        self.files[name] = UNREADABLE

    @rule(name=st.sampled_from(NAMES))
    def delete(self, name: str) -> None:
        self.files.pop(name, None)

    @rule(old=st.sampled_from(NAMES), new=st.sampled_from(NAMES))
    def rename(self, old: str, new: str) -> None:
        if old in self.files:
            self.files[new] = self.files.pop(old)

    @rule()
    def publish(self) -> None:
        self.write_source_files()
        run_pipeline(new_run(self.store.home, SETTINGS, ENGINES, "step 0", allow_delete=True))
        self._record_run()

    @rule(point=st.sampled_from(sorted(POINTS)))
    def kill_during_a_run(self, point: str) -> None:
        self.write_source_files()
        before = newest_release(self.store.home)
        job = Job("run", str(self.store.home.root), str(self.store.docs), 0, 0, crash_at=point)
        outcome = self.workload.run(job)
        assert outcome.code in {0, KILLED}, outcome  # 0: a run with little work may not reach the moment
        if outcome.code == 0 or newest_release(self.store.home) != before:
            self._record_run()
        else:
            self.killed.append(dict(self.files))

    def _record_run(self) -> None:
        """Remember the files of a run that ended, or was killed after it wrote its release."""
        release = newest_release(self.store.home)
        assert release is not None
        self.killed = []
        if release.rollback is not None:  # a rollback stays until a source changes
            assert self._same(self.files, self.ingested)
            return
        self.ingested = self.shown = dict(self.files)
        self.history[release.release] = self.ingested

    def _same(self, a: dict[str, str], b: dict[str, str]) -> bool:
        return expected(SOURCE, self.bytes_of(a)) == expected(SOURCE, self.bytes_of(b))

    @rule(back=st.integers(1, 2))
    def roll_back(self, back: int) -> None:
        numbers = [release.release for release in list_releases(self.store.home)]
        if len(numbers) > back:
            with writer_session(self.store.home, SETTINGS):
                report = roll_back(self.store.home, SETTINGS, numbers[back], "rollback")
            self.shown = self.history[numbers[back]]
            self.history[report.release.release] = self.shown

    @precondition(lambda self: self.shown is not None)
    @rule(command=st.sampled_from(sorted(MAINTENANCE)))
    def maintain(self, command: str) -> None:
        """Do maintenance, which may publish what a killed run has built, but nothing that was rolled back."""
        before = newest_release(self.store.home)
        with writer_session(self.store.home, SETTINGS):
            MAINTENANCE[command](self.store.home)
            publish_if_consistent(self.store.home, SETTINGS, "maintenance")
        release = newest_release(self.store.home)
        assert before is not None
        assert release is not None
        if release == before:
            return
        assert before.rollback is None or self._same(self.history[before.rollback.to], self.ingested)
        content = content_of(Snapshot.open(self.store.home, release.release))
        shown = [
            files
            for files in (self.shown, *self.killed)
            if files is not None and not content.differences(expected(SOURCE, self.bytes_of(files)))
        ]
        assert shown, "maintenance has changed rows"
        self.history[release.release] = self.shown = shown[0]

    @rule(back=st.integers(0, 2))
    def pin_a_release(self, back: int) -> None:
        numbers = [release.release for release in list_releases(self.store.home)]
        if len(numbers) > back and len(self.pinned) < MAX_PINNED:
            pin(self.store.home, numbers[back], "by the state machine")
            self.pinned.add(numbers[back])

    @precondition(lambda self: self.pinned)
    @rule()
    def unpin_a_release(self) -> None:
        number = min(self.pinned)
        unpin(self.store.home, number)
        self.pinned.remove(number)

    @precondition(lambda self: not self.forgotten and self.ingested)
    @rule(name=st.sampled_from(NAMES))
    def forget(self, name: str) -> None:
        """Forget a document of the tables. Its file stays, but no run reads it again."""
        self.publish()
        if self.ingested.get(name, UNREADABLE) == UNREADABLE:
            return
        with writer_session(self.store.home, SETTINGS):
            document = ids.document_id(SOURCE, name)
            certificate, _ = erase(new_run(self.store.home, SETTINGS, ENGINES, "forget"), document)
        self.forgotten.add(name)
        self.shown = self.ingested
        self.history[certificate.release] = self.ingested
        self.pinned -= set(certificate.dropped_releases)
        assert not {release.release for release in list_releases(self.store.home)} & set(certificate.dropped_releases)

    @rule()
    def pin_a_reader(self) -> None:
        if newest_release(self.store.home) is not None:
            snapshot = Snapshot.open(self.store.home)
            self.readers.append(PinnedReader(snapshot, content_of(snapshot)))

    @invariant()
    def newest_release_has_the_files_of_the_dict(self) -> None:
        release = newest_release(self.store.home)
        if release is None:
            assert self.shown is None
            return
        assert self.shown is not None
        assert release.release >= self.number
        self.number = release.release
        content = content_of(Snapshot.open(self.store.home, release.release))
        assert content.differences(expected(SOURCE, self.bytes_of(self.shown))) == []

    @invariant()
    def pinned_release_is_kept_with_its_files(self) -> None:
        kept = {release.release for release in list_releases(self.store.home)}
        assert self.pinned <= kept
        assert len(kept - self.pinned) <= SETTINGS.keep_releases + 1  # one more between record and collection
        for number in self.pinned:
            content = content_of(Snapshot.open(self.store.home, number))
            assert content.differences(expected(SOURCE, self.bytes_of(self.history[number]))) == []

    @invariant()
    def pinned_reader_sees_the_same_content_while_its_release_is_kept(self) -> None:
        kept = {release.release for release in list_releases(self.store.home)}
        self.readers = [reader for reader in self.readers if reader.snapshot.release.release in kept]
        for reader in self.readers:
            assert content_of(reader.snapshot).differences(reader.content) == []

    def write_source_files(self) -> None:
        write_files(self.store.docs, {name: text.encode() for name, text in self.files.items()})

    def bytes_of(self, files: dict[str, str]) -> dict[str, bytes]:
        """Return the files that a store must contain: all that are not forgotten."""
        return {name: text.encode() for name, text in files.items() if name not in self.forgotten}

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)


def _memory() -> Path | None:
    memory = Path("/dev/shm")
    return memory if memory.is_dir() else None


@pytest.mark.timeout(7200 if EXTENT.name == "long" else 300)
def test_newest_release_equals_a_dict_of_files_after_any_steps(
    workload: Workload, figures: Figures, seed: int
) -> None:
    class Machine(PipelineMachine):
        pass

    Machine.workload = workload
    settings = hypothesis.settings(
        max_examples=EXTENT.examples,
        stateful_step_count=EXTENT.steps,
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    run_state_machine_as_test(hypothesis.seed(seed)(Machine), settings=settings)
    figures.add(
        "any order of changes, runs, kills and reads",
        "Hypothesis state machine compared with a dict",
        examples=EXTENT.examples,
        maximum_steps_each=EXTENT.steps,
        counterexamples=0,
    )
