"""A disk that is full or fails anywhere in a publish: the last release stays readable, and the next run mends it."""

from __future__ import annotations

import errno
import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from native import durable, lance_maintenance
from native.durable import Barrier
from native.lance_tables import LanceTable
from native.tantivy_index import KeywordIndex, KeywordWriter
from omni_pipelines.home import Home
from omni_pipelines.knowledge.search.options import Mode
from omni_pipelines.knowledge.state.pins import list_pins, pin
from omni_pipelines.knowledge.state.releases import release_numbers, require_release
from omni_pipelines.knowledge.state.status import status
from omni_pipelines.operations.scrub import scrub
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.publishing import publish as publish_module
from omni_pipelines.publishing import rollback as rollback_module
from omni_pipelines.publishing.rollback import roll_back
from omni_pipelines.steps import step_records as built_module
from tests.integration.line import Line, Original, paragraph, write

STEPS: dict[str, tuple[Any, str]] = {
    "a commit to a table": (LanceTable, "upsert"),
    "a delete in a table": (LanceTable, "delete"),
    "a clone of the keyword index": (KeywordIndex, "clone"),
    "a commit of the keyword index": (KeywordWriter, "commit"),
    "the rename of a generation": (os, "replace"),
    "the record of a step": (built_module, "write_whole"),
    "a tag": (lance_maintenance, "tag"),
    "the barrier": (Barrier, "sync_tree"),
    "the sync of the home": (publish_module, "sync_file"),
    "the release record": (publish_module, "put_release"),
    "the write of the record": (durable, "_write_synced"),
    "the link of the record": (os, "link"),
    "the sync after the record": (durable, "sync_file"),
    "a clean up": (lance_maintenance, "clean_up"),
    "dropping tags": (lance_maintenance, "untag"),
}


def fill(line: Line, docs: Path) -> None:
    line.add(write(docs, {"a.md": paragraph("walrus"), "b.md": paragraph("badger")}))
    line.run()


@pytest.fixture
def published(original: Original, home: Home) -> Line:
    return original.copy(home)


def failing(code: int) -> Callable[..., Any]:
    def fail(*_args: object, **_named: object) -> None:
        raise OSError(code, "No space left on device" if code == errno.ENOSPC else "Input/output error")

    return fail


def texts(line: Line) -> set[str]:
    return {hit.text for mode in (Mode.KEYWORD, Mode.VECTOR) for hit in line.search("keepers every day", mode, 50)}


CODES = itertools.cycle((errno.ENOSPC, errno.EIO))


@pytest.mark.parametrize(("step", "code"), [(step, next(CODES)) for step in STEPS])
def test_whatever_fails_readers_read_and_the_next_run_mends(
    published: Line, docs: Path, monkeypatch: pytest.MonkeyPatch, step: str, code: int
) -> None:
    before = texts(published)
    write(docs, {"a.md": paragraph("heron")})
    (docs / "b.md").unlink()
    with monkeypatch.context() as patch:
        patch.setattr(*STEPS[step], failing(code))
        with pytest.raises(OSError, match=r"No space|Input/output"):
            published.run(allow_delete=True)
    seen = texts(published)
    assert status(published.home).release in (1, 2)
    assert seen == before or (status(published.home).release == 2 and all("heron" in text for text in seen))
    published.run(allow_delete=True)
    after = texts(published)
    assert after
    assert all("heron" in text for text in after)
    assert scrub(published.home, require_release(published.home)).damage == ()


def test_a_rollback_on_a_full_disk_changes_nothing(
    published: Line, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(docs, {"a.md": paragraph("heron")})
    published.run()
    before = texts(published)
    with monkeypatch.context() as patch:
        patch.setattr(Barrier, "sync_tree", failing(errno.ENOSPC))
        with pytest.raises(OSError, match="No space"), writer_session(published.home, published.settings):
            roll_back(published.home, published.settings, 1, "x")
    assert texts(published) == before
    with writer_session(published.home, published.settings):
        assert rollback_module.roll_back(published.home, published.settings, 1, "x").release.release == 3
    assert texts(published) != before


def test_a_pin_that_could_not_be_written_is_no_pin(published: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(durable, "_write_synced", failing(errno.ENOSPC))
        with pytest.raises(OSError, match="No space"):
            pin(published.home, 1)
    assert list_pins(published.home) == {}
    assert release_numbers(published.home) == [1]
