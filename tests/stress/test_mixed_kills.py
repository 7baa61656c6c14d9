"""kill -9 among all commands that write, in any order: each release that a reader sees is whole, and none is lost."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from omni_pipelines import ids
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.releases import list_releases
from omni_pipelines.knowledge.state.snapshot import Snapshot
from tests.object_server import make_bucket, point_aws_at, s3_server
from tests.stress.harness import faults
from tests.stress.harness.corpus import STEP_FILE, files_at, step_in
from tests.stress.harness.extent import EXTENT, time_is_over
from tests.stress.harness.figures import Figures
from tests.stress.harness.oracle import Content, content_of, expected, merged
from tests.stress.harness.sharing import WRITERS, Shared
from tests.stress.harness.stores import SOURCE, Released
from tests.stress.harness.workload import KILLED, Job, Outcome, Workload

LAST_OPERATION = 400
"""Kills come before one of that many operations on files; a run has about as many."""
KILLED_ERASURES = 3
"""How often one erasure is killed: it does so much that it would rarely end."""
COMMANDS = ("ingest", "ingest", "compact", "migrate", "optimize", "forget", "rollback", "pull")
Steps = Mapping[str, int]
"""The step of each writer that a release shows; the writer of a home of its own has no name."""


@dataclass
class Base:
    """A knowledge base, and what a reader may see of it."""

    store: Released | Shared
    observer: Released | Shared
    """The home that is read."""
    other: Shared | None = None
    """Another writer to the same store."""
    writers: tuple[str, ...] = ("",)
    forgotten: set[str] = field(default_factory=set)
    tried: list[Steps] = field(default_factory=list)
    """What killed ingests may have built, and nothing has published yet."""
    shown: Steps = field(default_factory=dict)
    published: dict[str, int] = field(default_factory=dict)
    """The newest step of each writer that was ever shown."""
    written: dict[str, int] = field(default_factory=dict)
    """The newest step of each writer: a step that was rolled back is published no more."""

    def files(self, name: str, step: int) -> Mapping[str, bytes]:
        """The files of a writer at a step."""
        return self.store.files(name, step) if isinstance(self.store, Shared) else files_at(self.store.seed, step)

    def content(self, steps: Steps, forgotten: set[str]) -> Content:
        """What a release of these steps must contain."""
        return merged(
            [
                expected(name or SOURCE, {p: raw for p, raw in self.files(name, step).items() if p not in forgotten})
                for name, step in steps.items()
                if step >= 0
            ]
        )

    def steps_of(self, content: Content) -> Steps:
        """The steps that a content says it has."""
        texts = {path: text for path, text, _, _ in content.chunks.values()}
        paths = {name: f"{name}/{STEP_FILE}" if name else STEP_FILE for name in self.writers}
        return {name: step_in(texts[path]) if path in texts else -1 for name, path in paths.items()}

    def check(self, may_show: list[Steps], forgotten: list[set[str]]) -> Steps:
        """Check that the newest release is one of these states, whole, and return its steps."""
        if isinstance(self.observer, Shared):
            self.observer.catch_up()
        content = content_of(Snapshot.open(self.observer.home))
        self.shown = self.steps_of(content)
        assert self.shown in may_show, f"{self.shown}, but it may be one of {may_show}"
        self.published |= {name: max(step, self.published.get(name, -1)) for name, step in self.shown.items()}
        differences = [content.differences(self.content(self.shown, without)) for without in forgotten]
        assert [] in differences, f"{self.shown}: {differences}"
        return self.shown

    def ingest(self) -> None:
        """Publish the next step, undisturbed."""
        after = self.next(self.writers[0])
        self.store.write(after[self.writers[0]])
        self.tried = []
        self.check([after], [self.forgotten])

    def next(self, name: str) -> Steps:
        """What the next ingest of a writer publishes: it ends a rollback, so all others are at their newest step."""
        self.written[name] = self.written.get(name, -1) + 1
        return {**dict.fromkeys(self.writers, -1), **self.published, name: self.written[name]}


class Commands:
    """Runs commands that are killed, and checks what a reader sees after each."""

    def __init__(self, base: Base, workload: Workload, rng: random.Random) -> None:
        self._base, self._workload, self._rng = base, workload, rng
        self.kills: Counter[str] = Counter()
        self.finished: Counter[str] = Counter()

    def run(self, name: str) -> None:
        """Run a command, which may be killed."""
        special = {"ingest": self.ingest, "pull": self.pull, "rollback": self.rollback, "forget": self.forget}
        special.get(name, self._maintain)(name)

    def ingest(self, name: str) -> None:
        """The next step; after a rollback, it ends it."""
        base = self._base
        after = base.next(base.writers[0])
        outcome = self._start(name, "step", step=after[base.writers[0]])
        base.tried.append(after)
        base.check([after] if outcome.code == 0 else [base.shown, *base.tried], [base.forgotten])
        if base.shown == after:
            base.tried = []

    def _maintain(self, name: str) -> None:
        """Maintenance changes no row, but may publish what a killed ingest has built."""
        self._start(name)
        self._base.check([self._base.shown, *self._base.tried], [self._base.forgotten])

    def pull(self, name: str) -> None:
        """Take over what another writer has published."""
        base = self._base
        if base.other is not None:
            after = base.next(base.other.name)
            base.other.write(after[base.other.name])
            base.tried = []  # a pull drops what was built on an older release
            base.check([after], [base.forgotten])
        self._maintain(name)

    def rollback(self, name: str) -> None:
        """Show the content of an older release again."""
        base = self._base
        base.ingest()
        number = self._rng.choice([release.release for release in list_releases(base.store.home)])
        wanted = base.steps_of(content_of(Snapshot.open(base.store.home, number)))
        outcome = self._start(name, target=str(number))
        base.check([wanted] if outcome.code == 0 else [wanted, base.shown], [base.forgotten])

    def forget(self, name: str) -> None:
        """Forget a document: killed up to three times, and then to its end."""
        base, writer = self._base, self._base.writers[0]
        base.ingest()
        content = content_of(Snapshot.open(base.observer.home))
        paths = [path for path in content.documents if path.startswith(writer) and not path.endswith(STEP_FILE)]
        path = self._rng.choice(sorted(paths))
        document, without = ids.document_id(writer or SOURCE, path), base.forgotten | {path}
        for attempt in range(1, KILLED_ERASURES + 2):
            if self._start(name, target=document, is_killed=attempt <= KILLED_ERASURES).code == 0:
                break
            base.check([base.shown], [base.forgotten, without])
        base.forgotten = without
        base.check([base.shown], [without])

    def _start(self, name: str, do: str = "", *, step: int = 0, target: str = "", is_killed: bool = True) -> Outcome:
        store = self._base.store
        at = 1 + int(LAST_OPERATION ** self._rng.random())
        fault = faults.kill(store.home.root, at) if is_killed else None
        kind = "shared" if isinstance(store, Shared) else "released"
        place = (str(store.home.root), str(store.docs), store.seed)
        outcome = self._workload.run(Job(do or f"omni {name}", *place, step, kind, fault=fault, target=target))
        assert outcome.code in (0, KILLED), f"{name}: {outcome.error}"
        (self.kills if outcome.code == KILLED else self.finished)[name] += 1
        return outcome


def kill_commands(base: Base, workload: Workload, seed: int) -> Commands:
    """Kill commands in random order until there were enough kills; at the end, all is repaired by one ingest."""
    rng = random.Random(seed)
    commands = Commands(base, workload, rng)
    base.ingest()
    while commands.kills.total() < EXTENT.mixed_kills and not time_is_over():
        commands.run(rng.choice(COMMANDS))
    base.ingest()
    return commands


def add_row(figures: Figures, where: str, commands: Commands) -> None:
    figures.add(
        "kill -9 of every command that writes, in any order",
        where,
        **{f"{name} killed": count for name, count in sorted(commands.kills.items())},
        kills=commands.kills.total(),
        commands_that_finished=commands.finished.total(),
        releases_lost=0,
        mixed=0,
    )


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an empty store."""
    with s3_server() as url:
        point_aws_at(url, monkeypatch)
        yield make_bucket(url, "shared")


@pytest.mark.timeout(7200 if EXTENT.name == "long" else 300)
def test_kills_among_all_commands_lose_and_mix_nothing(
    scratch: Path, faulty: Workload, figures: Figures, seed: int
) -> None:
    store = Released(Home(scratch / "kb" / ".omni"), scratch / "kb" / "docs", seed)
    store.begin()
    add_row(figures, "a home of its own", kill_commands(Base(store, store), faulty, seed))


@pytest.mark.timeout(7200 if EXTENT.name == "long" else 300)
def test_kills_among_all_commands_of_a_home_that_shares_a_store_lose_and_mix_nothing(
    bucket: str, scratch: Path, faulty: Workload, figures: Figures, seed: int
) -> None:
    left, right, observer = (
        Shared.create(scratch, name, bucket, scratch / "docs", seed) for name in (*WRITERS, "observer")
    )
    for shared in (left, right):
        shared.begin()
    base = Base(left, observer, right, WRITERS)
    add_row(figures, "a home that shares a store with another writer", kill_commands(base, faulty, seed))
