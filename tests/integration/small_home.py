"""A small real knowledge base: two notes, real engines, whose steps can be run one by one."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from omni_pipelines.configuration import load_settings
from omni_pipelines.home import Home
from omni_pipelines.publishing.publish import publish
from omni_pipelines.sources.model.file_reads import RACY_NS
from omni_pipelines.sources.registry import register, save_sources
from omni_pipelines.steps.step import LoadedEngines, RunContext, StepGroup
from omni_pipelines.steps.step_table import STEPS, new_run

HERON = "# Heron\n\nThe heron stands in cold water at dawn.\n"
OTTER = "# Otter\n\nOtters sleep holding hands so that they do not drift apart.\n"


@dataclass
class SmallHome:
    """A home with one source, `notes`."""

    home: Home
    notes: Path
    context: RunContext

    def write(self, name: str, text: str) -> None:
        """A file that is old enough to be trusted: one changed just now is read again by the next ingest."""
        (self.notes / name).write_text(text)
        time.sleep(2 * RACY_NS / 1e9)

    def ingest(self) -> None:
        for step in STEPS.in_group(StepGroup.INGEST):
            step.run(self.context)

    def index(self) -> int:
        for step in STEPS.in_group(StepGroup.INDEX):
            step.run(self.context)
        return publish(self.context).release.release


def make_small_home(folder: Path, engines: LoadedEngines) -> SmallHome:
    """The two notes as a source that is registered, but not ingested."""
    home = Home(folder / ".omni")
    home.create()
    small = SmallHome(home, folder / "notes", new_run(home, load_settings(home), engines, "by hand"))
    small.notes.mkdir()
    small.write("heron.md", HERON)
    small.write("otter.md", OTTER)
    sources, _ = register([], [small.notes], [])
    save_sources(home, sources)
    return small
