"""One home at a known step, copied for every fault, and what must be true after it."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from native.lance_tables import LanceTable
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.releases import list_releases, newest_release
from tests.stress.harness.corpus import UNREADABLE, files_at, lay
from tests.stress.harness.faults import Fault
from tests.stress.harness.oracle import SETTINGS
from tests.stress.harness.stores import Released, Seen, wrong
from tests.stress.harness.workload import Job


@dataclass(frozen=True)
class Trial(Released):
    """A home whose newest release shows `step`, or that is empty at step -1."""

    step: int = -1

    @property
    def folder(self) -> Path:
        """Holds the home and nothing else."""
        return self.home.root.parent

    def copy(self, name: str) -> Trial:
        """The same home at a place that was never used before: Lance's caches go by path."""
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.folder.parent))
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return Trial(Home(folder / self.home.root.name), self.docs, self.seed, self.step)

    def drop(self) -> None:
        """Delete it."""
        shutil.rmtree(self.folder)

    def at(self, step: int) -> Trial:
        """The same home, said to be at another step."""
        return Trial(self.home, self.docs, self.seed, step)

    def job(self, do: str, step: int, *, fault: Fault | None = None, crash_at: str = "", clock: int = 0) -> Job:
        """A job for a writer of this home."""
        return Job(
            do, str(self.home.root), str(self.docs), self.seed, step, fault=fault, crash_at=crash_at, clock=clock
        )

    def lay(self, step: int) -> None:
        """Bring the files to a step, so that no writer has to."""
        lay(self.docs, files_at(self.seed, step))

    def newest(self) -> Seen | None:
        """The newest release, which must hold what its step gives."""
        seen = self.read()
        if seen is not None:
            self._check(seen)
        return seen

    def check_every_release(self) -> None:
        """Every release that is kept can be read, and holds what its step gives."""
        for release in list_releases(self.home):
            self._check(self.read_release(release.release))

    def _check(self, seen: Seen) -> None:
        differences = wrong(self, seen)
        assert not differences, f"release {seen.release} of step {seen.step}: {differences}"

    def check_readable(self, step: int) -> Seen | None:
        """A reader sees this home's step or the one it was on its way to; nothing else, and nothing less."""
        seen = self.newest()
        assert (seen.step if seen is not None else -1) in {self.step, step}
        return seen

    def check_repair(self, step: int) -> None:
        """The next pass puts everything right by itself, and leaves nothing for the one after it."""
        before = newest_release(self.home)
        self.write(step)
        after = self.newest()
        assert after is not None
        assert after.step == step
        assert before is None or after.release >= before.release
        # a death between record and collection leaves one release more, until the next is published
        assert len(list_releases(self.home)) <= SETTINGS.keep_releases + 1
        assert self._refused() == {path for path, raw in files_at(self.seed, step).items() if raw == UNREADABLE}
        # readers write metrics at any time, without the lock: nobody can tell there what is left over
        assert not [part for part in self.home.root.rglob(".*.part") if part.parent != self.home.metrics]
        assert not list(self.home.keyword.glob("tmp-*"))
        self.write(step)
        again = newest_release(self.home)
        assert again is not None
        assert again.release == after.release

    def _refused(self) -> set[str]:
        """Files in quarantine."""
        return set(LanceTable(self.home.table("quarantine")).read(["path"])["path"].to_pylist())
