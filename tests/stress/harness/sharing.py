"""Homes that share a store in a bucket: each writer has its own folder, and every home reads both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from native.errors import EngineError
from omni_pipelines.configuration import load_settings, trust_settings
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.releases import newest_release, read_release
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.pipeline.run import run_pipeline
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.settings import Settings
from omni_pipelines.sources.registry import load_sources, register, save_sources
from omni_pipelines.steps.step_table import new_run
from tests.stress.harness.corpus import STEP_FILE, files_at, step_in, write_files
from tests.stress.harness.oracle import SETTINGS, Content, content_of, expected, merged
from tests.stress.harness.stores import ENGINES, ReleaseCollected, State

WRITERS = ("left", "right")


@dataclass(frozen=True)
class SharedState(State):
    """The content of one read. Its step is the sum of the steps of both writers, which never decreases."""

    steps: Mapping[str, int]


@dataclass(frozen=True)
class Shared:
    """A home named after its folder. `docs` contains a folder for each writer; omni.toml names the store."""

    home: Home
    docs: Path
    seed: int

    @classmethod
    def create(cls, folder: Path, name: str, url: str, docs: Path, seed: int) -> Shared:
        """Create a home."""
        shared = cls(Home(folder / name / ".omni"), docs, seed)
        shared.home.create()
        shared.home.config.write_text(f'store = "{url}"\n')
        trust_settings(shared.home)
        return shared

    @cached_property
    def settings(self) -> Settings:
        """The settings of all trials, with the store of this home."""
        return SETTINGS.model_copy(update={"store": load_settings(self.home).store})

    @property
    def name(self) -> str:
        """The name of the home, which for a writer is also the name of its source."""
        return self.home.root.parent.name

    def begin(self) -> None:
        """Register the folder of the writer."""
        folder = self.docs / self.name
        folder.mkdir(parents=True, exist_ok=True)
        sources, names = register(load_sources(self.home), [folder])
        assert names == [self.name]
        save_sources(self.home, sources)

    def write(self, step: int) -> None:
        """Run the pipeline until it has published the step."""
        write_files(self.docs / self.name, self.files(self.name, step))
        run_pipeline(new_run(self.home, self.settings, ENGINES, f"{self.name} {step}", allow_delete=True))

    def catch_up(self) -> None:
        """Fetch what other homes have published."""
        with writer_session(self.home, self.settings, sync=True):
            pass

    def read(self) -> SharedState | None:
        """Read all content of the newest release of the store."""
        self.catch_up()
        release = newest_release(self.home)
        return self.read_release(release.release) if release is not None else None

    def read_release(self, number: int) -> SharedState:
        """Read all content of one release.

        Raises:
            ReleaseCollected: the release was collected during the read.
        """
        try:
            content = content_of(Snapshot.open(self.home, number))
        except EngineError as error:
            if read_release(self.home, number) is None:
                raise ReleaseCollected from error
            raise
        texts = {path: text for path, text, _, _ in content.chunks.values()}
        steps = {name: step_in(texts[path]) if (path := f"{name}/{STEP_FILE}") in texts else -1 for name in WRITERS}
        return SharedState(sum(steps.values()), number, content, steps)

    def rebuilt(self) -> Content:
        """Build from the registered folders, and return the content; for a home without a store."""
        run_pipeline(new_run(self.home, self.settings, ENGINES, "rebuilt", allow_delete=True))
        return content_of(Snapshot.open(self.home))

    def expects(self, seen: State) -> Content:
        """Return the expected content of both folders at the steps of a read."""
        assert isinstance(seen, SharedState)
        return merged([expected(name, self.files(name, step)) for name, step in seen.steps.items() if step >= 0])

    def files(self, name: str, step: int) -> Mapping[str, bytes]:
        """Return the files of a writer below a folder of its name, so that the writers have no path in common."""
        seed = self.seed + WRITERS.index(name)
        return {f"{name}/{path}": raw for path, raw in files_at(seed, step).items()}
