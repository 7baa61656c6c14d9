"""A home at a known step that is copied for each fault, and the conditions that must hold after the fault."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from native.lance_tables import LanceTable
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.releases import list_releases, newest_release
from tests.stress.harness.corpus import UNREADABLE, files_at, write_files
from tests.stress.harness.faults import Fault
from tests.stress.harness.oracle import SETTINGS
from tests.stress.harness.stores import Released, State, problems
from tests.stress.harness.workload import Job


@dataclass(frozen=True)
class Trial(Released):
    """A home whose newest release contains `step`. Step -1 means that there is no release."""

    step: int = -1

    @property
    def folder(self) -> Path:
        """The folder that contains only the home."""
        return self.home.root.parent

    def copy(self, name: str) -> Trial:
        """Copy the home to a new path. It must be new because the caches of Lance are keyed by path."""
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.folder.parent))
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return Trial(Home(folder / self.home.root.name), self.docs, self.seed, self.step)

    def delete(self) -> None:
        """Delete the home."""
        shutil.rmtree(self.folder)

    def job(self, do: str, step: int, *, fault: Fault | None = None, crash_at: str = "", clock: int = 0) -> Job:
        """Return a job for a writer process of this home."""
        return Job(
            do, str(self.home.root), str(self.docs), self.seed, step, fault=fault, crash_at=crash_at, clock=clock
        )

    def write_files(self, step: int) -> None:
        """Write the source files of a step, so that a writer process does not have to."""
        write_files(self.docs, files_at(self.seed, step))

    def newest(self) -> State | None:
        """Return the newest release after checking its content."""
        seen = self.read()
        if seen is not None:
            self._check(seen)
        return seen

    def check_every_release(self) -> None:
        """Check that every kept release can be read and has the content of its step."""
        for release in list_releases(self.home):
            self._check(self.read_release(release.release))

    def _check(self, seen: State) -> None:
        differences = problems(self, seen)
        assert not differences, f"release {seen.release} of step {seen.step}: {differences}"

    def check_readable(self, step: int) -> State | None:
        """Check that a reader sees the old step of this home or the new one, complete in either case."""
        seen = self.newest()
        assert (seen.step if seen is not None else -1) in {self.step, step}
        return seen

    def check_repair(self, step: int) -> None:
        """Check that the next run repairs everything by itself, and that the run after it finds nothing to do."""
        before = newest_release(self.home)
        self.write(step)
        after = self.newest()
        assert after is not None
        assert after.step == step
        assert before is None or after.release >= before.release
        # a kill between record and collection leaves one more release until the next publish
        assert len(list_releases(self.home)) <= SETTINGS.keep_releases + 1
        assert self._quarantined() == {path for path, raw in files_at(self.seed, step).items() if raw == UNREADABLE}
        # not in metrics: readers write there at any time without the lock
        parts = [part for part in self.home.root.rglob(".*.part") if part.parent != self.home.metrics]
        assert not parts, parts
        assert not list(self.home.keyword.glob("tmp-*"))
        self.write(step)
        again = newest_release(self.home)
        assert again is not None
        assert again.release == after.release

    def _quarantined(self) -> set[str]:
        """Return the paths in quarantine."""
        return set(LanceTable(self.home.table("quarantine")).read(["path"])["path"].to_pylist())
