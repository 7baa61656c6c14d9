"""A knowledge base works in a folder of any name, and makes nothing beside it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from omni_pipelines import schemas
from omni_pipelines.erasure.erase import erase
from omni_pipelines.home import Home
from omni_pipelines.knowledge.answers.receipts import receipt_bytes
from omni_pipelines.knowledge.answers.verification import verify_receipt
from omni_pipelines.knowledge.search.documents import list_documents
from omni_pipelines.knowledge.search.options import Mode
from omni_pipelines.knowledge.sql import run_sql
from omni_pipelines.knowledge.state.releases import require_release
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.operations.maintenance import compact, migrate
from omni_pipelines.operations.scrub import scrub
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.publishing.bundle import export_release, import_bundle
from omni_pipelines.publishing.rollback import roll_back
from tests.integration.line import Line, texts, write

SIGNS = "-what? my%20files#[a]{b} *$HOME&;'\"~|<>`\\^ %s"
NAMES = [SIGNS, "Bücher 文字 \u202e e\u0301\n\t\x01", "ü" * 100]
LINK = "link to another disk"
KEYS = "# Keys\n\nKeys are rotated with the rotate command every ninety days.\n"


@pytest.fixture(params=[*NAMES, LINK], ids=["signs", "letters", "long", "link"])
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    with the_only_thing_in(tmp_path / "above", request.param) as folder:
        yield folder


@contextmanager
def the_only_thing_in(above: Path, name: str) -> Iterator[Path]:
    """A folder with this name; `LINK` is a link to a folder in another file system."""
    folder = above / name
    if name != LINK:
        folder.mkdir(parents=True)
        yield folder
    else:
        disk = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        with tempfile.TemporaryDirectory(dir=disk, suffix=SIGNS[:9]) as other:
            folder.parent.mkdir()
            folder.symlink_to(other)
            yield folder


def test_the_whole_line_stays_in_its_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line(Home(folder / ".omni"))
    name = folder.name[:60]
    docs = write(folder / name, {f"{name}.md": KEYS, "gone.md": "The walrus sleeps on ice.\n"})
    line.add(docs)
    line.run()
    write(docs, {"new.md": "Puffins nest in burrows.\n"})
    line.run()

    librarian = line.librarian()
    (hit, *_) = librarian.search("rotate command", mode=Mode.KEYWORD)
    assert librarian.show(hit.citation).from_file
    assert librarian.show(f"{hit.uri}#L3").lines == (KEYS.splitlines()[2],)
    assert librarian.search("puffins", mode=Mode.VECTOR)
    monkeypatch.chdir(folder / name)
    assert [each.path for each in list_documents(Snapshot.open(line.home), ["../*/g*.md"])] == ["gone.md"]
    receipt = librarian.receipt(librarian.ask("How often are keys rotated?", keep=True))
    assert verify_receipt(line.home, receipt_bytes(receipt)).verified
    assert ("gone.md",) in run_sql(line.home, "SELECT path FROM documents")[1].rows

    with writer_session(line.home, line.settings):
        for table in schemas.TABLES.values():
            compact(line.home, table)
            migrate(line.home, table)
    line.run()
    export_release(line.home, require_release(line.home).release, folder / "a#?%20.tar")
    there = Home(folder / "other #?%20" / ".omni")
    assert scrub(there, import_bundle(folder / "a#?%20.tar", there)).damage == ()
    with writer_session(line.home, line.settings):
        roll_back(line.home, line.settings, 1, "run-2")
        erase(line.context, str(docs / "gone.md"))
    assert len(texts(line)) == 2

    assert os.listdir(folder.parent) == [folder.name]
    assert sorted(os.listdir(folder)) == sorted([".omni", docs.name, "a#?%20.tar", "other #?%20"])
    assert sorted(os.listdir(docs)) == sorted([f"{name}.md", "gone.md", "new.md"])
