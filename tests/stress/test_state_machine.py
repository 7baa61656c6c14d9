"""Any order of changes, passes, deaths and readers: the newest release is the last pass, in every store."""

from __future__ import annotations

import shutil
import tempfile
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

from omni_pipelines import ids
from omni_pipelines.erasure.erase import erase
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.pins import pin, unpin
from omni_pipelines.knowledge.state.releases import list_releases, newest_release
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.pipeline.run import run_pipeline
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.publishing.rollback import roll_back
from omni_pipelines.steps.step_table import new_run
from tests.stress.harness.corpus import lay
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
MAX_PINNED = 2


@dataclass(frozen=True)
class Pin:
    """A reader that stays at its release, and what it saw there first."""

    snapshot: Snapshot
    content: Content


class Line(RuleBasedStateMachine):
    """The line against a plain dict of files."""

    workload: Workload

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="omni-machine-", dir=_memory()))
        self.store = Released(Home(self.folder / ".omni"), self.folder / "docs", 0)
        self.store.begin()
        self.files: dict[str, str] = {"first.md": "a walrus"}
        self.shown: dict[str, str] | None = None
        self.passed: dict[str, str] = {}
        self.history: dict[int, dict[str, str]] = {}
        self.number = 0
        self.pins: list[Pin] = []
        self.pinned: set[int] = set()
        self.forgotten: set[str] = set()

    @rule(name=st.sampled_from(NAMES), text=TEXTS)
    def put(self, name: str, text: str) -> None:
        self.files[name] = text

    @rule(name=st.sampled_from(NAMES))
    def spoil(self, name: str) -> None:
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
        self.lay_files()
        run_pipeline(new_run(self.store.home, SETTINGS, ENGINES, "step 0", allow_delete=True))
        self._passed()

    @rule(point=st.sampled_from(sorted(POINTS)))
    def die_during_a_pass(self, point: str) -> None:
        self.lay_files()
        before = newest_release(self.store.home)
        job = Job("pass", str(self.store.home.root), str(self.store.docs), 0, 0, crash_at=point)
        outcome = self.workload.run(job)
        assert outcome.code in {0, KILLED}, outcome  # 0: with little to do, the moment does not come
        if outcome.code == 0 or newest_release(self.store.home) != before:
            self._passed()

    def _passed(self) -> None:
        """A pass came to its end, or died after its release stood."""
        release = newest_release(self.store.home)
        assert release is not None
        if release.rollback is not None:  # holds until a source changes
            assert self._same(self.files, self.passed)
            return
        self.passed = self.shown = dict(self.files)
        self.history[release.release] = self.passed

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

    @rule(back=st.integers(0, 2))
    def pin_a_release(self, back: int) -> None:
        numbers = [release.release for release in list_releases(self.store.home)]
        if len(numbers) > back and len(self.pinned) < MAX_PINNED:
            pin(self.store.home, numbers[back], "by the machine")
            self.pinned.add(numbers[back])

    @precondition(lambda self: self.pinned)
    @rule()
    def unpin_a_release(self) -> None:
        number = min(self.pinned)
        unpin(self.store.home, number)
        self.pinned.remove(number)

    @precondition(lambda self: not self.forgotten and self.passed)
    @rule(name=st.sampled_from(NAMES))
    def forget(self, name: str) -> None:
        """A document that the tables hold; its file stays, and no pass reads it again."""
        self.publish()
        if self.passed.get(name, UNREADABLE) == UNREADABLE:
            return
        with writer_session(self.store.home, SETTINGS):
            document = ids.document_id(SOURCE, name)
            certificate, _ = erase(new_run(self.store.home, SETTINGS, ENGINES, "forget"), document)
        self.forgotten.add(name)
        self.shown = self.passed
        self.history[certificate.release] = self.passed
        self.pinned -= set(certificate.dropped_releases)
        assert not {release.release for release in list_releases(self.store.home)} & set(certificate.dropped_releases)

    @rule()
    def pin_a_reader(self) -> None:
        if newest_release(self.store.home) is not None:
            snapshot = Snapshot.open(self.store.home)
            self.pins.append(Pin(snapshot, content_of(snapshot)))

    @invariant()
    def the_newest_release_is_the_dict(self) -> None:
        release = newest_release(self.store.home)
        if release is None:
            assert self.shown is None
            return
        assert self.shown is not None
        assert release.release >= self.number
        self.number = release.release
        found = content_of(Snapshot.open(self.store.home, release.release))
        assert found.differences(expected(SOURCE, self.bytes_of(self.shown))) == []

    @invariant()
    def a_pinned_release_is_kept_and_holds_its_dict(self) -> None:
        kept = {release.release for release in list_releases(self.store.home)}
        assert self.pinned <= kept
        assert len(kept - self.pinned) <= SETTINGS.keep_releases + 1  # one more between a record and collection
        for number in self.pinned:
            found = content_of(Snapshot.open(self.store.home, number))
            assert found.differences(expected(SOURCE, self.bytes_of(self.history[number]))) == []

    @invariant()
    def a_pinned_reader_sees_what_it_saw_while_its_release_is_kept(self) -> None:
        kept = {release.release for release in list_releases(self.store.home)}
        self.pins = [each for each in self.pins if each.snapshot.release.release in kept]
        for each in self.pins:
            assert content_of(each.snapshot).differences(each.content) == []

    def lay_files(self) -> None:
        lay(self.store.docs, {name: text.encode() for name, text in self.files.items()})

    def bytes_of(self, files: dict[str, str]) -> dict[str, bytes]:
        """What a store must hold of files: all that is not forgotten."""
        return {name: text.encode() for name, text in files.items() if name not in self.forgotten}

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)


def _memory() -> Path | None:
    memory = Path("/dev/shm")
    return memory if memory.is_dir() else None


@pytest.mark.timeout(7200 if EXTENT.name == "long" else 300)
def test_the_line_is_a_dict_that_survives(workload: Workload, figures: Figures, seed: int) -> None:
    class Machine(Line):
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
        "any order of changes, passes, deaths and readers",
        "hypothesis state machine against a dict",
        examples=EXTENT.examples,
        steps_each_at_most=EXTENT.steps,
        counter_examples=0,
    )
