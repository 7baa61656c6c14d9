"""Homes that share a store, and what they and the store contain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from native.lance_tables import LanceTable, TableVersion
from native.object_store import ObjectStore
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.releases import list_releases, newest_release
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.schemas import TABLES
from omni_pipelines.settings import Settings
from omni_pipelines.steps.step import RunContext, Step, StepReport, Steps
from tests.integration.line import Line

SECRET = "not-to-be-said-anywhere"
"""The secret key that tests use for the store."""


def member(folder: Path, name: str, url: str, **files: str) -> Line:
    """A home that shares the store and reads a folder of its own with these Markdown files."""
    docs = folder / name / f"{name}-docs"
    docs.mkdir(parents=True)
    settings = Settings(chunk_tokens=40, chunk_overlap=8, store=url, lock_seconds=0)
    made = Line(Home(folder / name / ".omni"), settings=settings)
    for stem, text in files.items():
        (docs / f"{stem}.md").write_text(text)
    if files:
        made.add(docs)
    return made


def pair(folder: Path, url: str) -> tuple[Line, Line]:
    """Two homes that share the store, with a document each: `a.md` and `b.md`."""
    left = member(folder, "left", url, a="Walrus eats.")
    return left, member(folder, "right", url, b="Badger digs.")


def docs_of(line: Line) -> Path:
    """The folder that a home reads."""
    return line.home.root.parent / f"{line.home.root.parent.name}-docs"


def catch_up(line: Line) -> None:
    """Bring a home to the newest release of the store."""
    with writer_session(line.home, line.settings, sync=True):
        pass


def before_step(run: RunContext, name: str, action: Callable[[], object]) -> RunContext:
    """A run that calls `action` once, before a step first runs."""
    actions = [action]

    def run_step(step: Step, context: RunContext) -> StepReport:
        if step.name == name and actions:
            actions.pop()()
        return step.run(context)

    return replace(run, steps=Steps(tuple(replace(step, run=partial(run_step, step)) for step in run.steps)))


def paths(line: Line) -> list[str]:
    """The paths of the documents in the newest release of a home."""
    release = newest_release(line.home)
    assert release is not None
    version = TableVersion.parse(release.tables["documents"]).version
    return sorted(LanceTable(line.home.table("documents")).read(["path"], version=version)["path"].to_pylist())


def rows(line: Line, number: int) -> dict[str, list[dict[str, object]]]:
    """Table to its rows in a release, sorted by key."""
    release = next(release for release in list_releases(line.home) if release.release == number)
    return {
        name: LanceTable(line.home.table(name))
        .read(None, version=TableVersion.parse(version).version)
        .sort_by(TABLES[name].key)
        .to_pylist()
        for name, version in release.tables.items()
    }


def all_bytes(url: str) -> bytes:
    """The bytes of all objects of a store."""
    bucket = url.removeprefix("s3://").partition("/")[0]
    store = ObjectStore(f"s3://{bucket}")
    return b"".join(store.get(stored.key) or b"" for stored in store.list("kb"))


def files_with(line: Line, text: bytes) -> list[Path]:
    """The files of a home that contain a text."""
    return [path for path in line.home.root.rglob("*") if path.is_file() and text in path.read_bytes()]


def keys(url: str, folder: str) -> list[str]:
    """The keys of the objects below a folder of a store."""
    return [stored.key for stored in ObjectStore(url).list(folder)]
