"""Homes that share a store in a bucket: each writes a folder of its own, and everybody reads both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from native.errors import EngineError
from omni_pipelines.configuration import load_settings
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.releases import newest_release, read_release
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.pipeline.run import run_pipeline
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.settings import Settings
from omni_pipelines.sources.registry import load_sources, register, save_sources
from omni_pipelines.steps.step_table import new_run
from tests.stress.harness.corpus import STEP_FILE, files_at, lay, step_in
from tests.stress.harness.oracle import SETTINGS, Content, content_of, expected, joined
from tests.stress.harness.stores import ENGINES, Collected, Seen

WRITERS = ("left", "right")


@dataclass(frozen=True)
class SharedSeen(Seen):
    """What one look gave; its step is the sum of both writers' steps, which never falls."""

    steps: Mapping[str, int]


@dataclass(frozen=True)
class Shared:
    """A home named after its folder. `docs` holds a folder for each writer; omni.toml names the store."""

    home: Home
    docs: Path
    seed: int

    @classmethod
    def made(cls, folder: Path, name: str, url: str, docs: Path, seed: int) -> Shared:
        """A new home."""
        made = cls(Home(folder / name / ".omni"), docs, seed)
        made.home.create()
        made.home.config.write_text(f'store = "{url}"\n')
        return made

    @cached_property
    def settings(self) -> Settings:
        """Those of the trials, and the store."""
        return SETTINGS.model_copy(update={"store": load_settings(self.home).store})

    @property
    def name(self) -> str:
        """Of the writer, if it is one."""
        return self.home.root.parent.name

    def begin(self) -> None:
        """Register the writer's folder."""
        folder = self.docs / self.name
        folder.mkdir(parents=True, exist_ok=True)
        sources, names = register(load_sources(self.home), [folder])
        assert names == [self.name]
        save_sources(self.home, sources)

    def write(self, step: int) -> None:
        """One pass, until it is published or nothing was new."""
        lay(self.docs / self.name, self.files(self.name, step))
        run_pipeline(new_run(self.home, self.settings, ENGINES, f"{self.name} {step}", allow_delete=True))

    def catch_up(self) -> None:
        """Take over what others published."""
        with writer_session(self.home, self.settings, sync=True):
            pass

    def read(self) -> SharedSeen | None:
        """The newest release of the store, in full."""
        self.catch_up()
        release = newest_release(self.home)
        return self.read_release(release.release) if release is not None else None

    def read_release(self, number: int) -> SharedSeen:
        """One release in full.

        Raises:
            Collected: it was collected while it was read.
        """
        try:
            content = content_of(Snapshot.open(self.home, number))
        except EngineError as error:
            if read_release(self.home, number) is None:
                raise Collected from error
            raise
        texts = {path: text for path, text, _, _ in content.chunks.values()}
        steps = {name: step_in(texts[path]) if (path := f"{name}/{STEP_FILE}") in texts else -1 for name in WRITERS}
        return SharedSeen(sum(steps.values()), number, content, steps)

    def rebuilt(self) -> Content:
        """What a home without a store gets from its registered folders as they are."""
        run_pipeline(new_run(self.home, self.settings, ENGINES, "rebuilt", allow_delete=True))
        return content_of(Snapshot.open(self.home))

    def expects(self, seen: Seen) -> Content:
        """What both folders give at the steps that were seen."""
        assert isinstance(seen, SharedSeen)
        return joined([expected(name, self.files(name, step)) for name, step in seen.steps.items() if step >= 0])

    def files(self, name: str, step: int) -> Mapping[str, bytes]:
        """The files of a writer, below a folder of its name: no path stands in both."""
        seed = self.seed + WRITERS.index(name)
        return {f"{name}/{path}": raw for path, raw in files_at(seed, step).items()}
