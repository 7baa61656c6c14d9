"""Homes that share a store, and what is looked at in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from native.lance_tables import LanceTable, TableVersion
from native.object_store import ObjectStore
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.releases import list_releases, newest_release
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.schemas import TABLES
from omni_pipelines.settings import Settings
from tests.integration.line import Line

SECRET = "not-to-be-said-anywhere"


def member(folder: Path, name: str, url: str, **files: str) -> Line:
    """A home that shares the store, and reads a folder of its own."""
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
    """Two homes that share the store, a document each."""
    left = member(folder, "left", url, a="Walrus eats.")
    return left, member(folder, "right", url, b="Badger digs.")


def docs_of(line: Line) -> Path:
    return line.home.root.parent / f"{line.home.root.parent.name}-docs"


def catch_up(line: Line) -> None:
    with writer_session(line.home, line.settings, sync=True):
        pass


def paths(line: Line) -> list[str]:
    release = newest_release(line.home)
    assert release is not None
    version = TableVersion.parse(release.tables["documents"]).version
    return sorted(LanceTable(line.home.table("documents")).read(["path"], version=version)["path"].to_pylist())


def rows(line: Line, number: int) -> dict[str, list[dict[str, Any]]]:
    """Every row that a release names."""
    release = next(each for each in list_releases(line.home) if each.release == number)
    return {
        name: LanceTable(line.home.table(name))
        .read(None, version=TableVersion.parse(pinned).version)
        .sort_by(TABLES[name].key)
        .to_pylist()
        for name, pinned in release.tables.items()
    }


def everything(url: str) -> bytes:
    """All bytes of all objects."""
    bucket = url.removeprefix("s3://").partition("/")[0]
    store = ObjectStore(f"s3://{bucket}")
    return b"".join(store.get(each.key) or b"" for each in store.list("kb"))


def objects(url: str, folder: str) -> list[str]:
    return [each.key for each in ObjectStore(url).list(folder)]
