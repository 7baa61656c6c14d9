"""The registry of sources that homes share: one path on two machines is two sources."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypedDict

import orjson
import pytest
from typer.testing import CliRunner

from omni_pipelines.cli.main import app
from omni_pipelines.configuration import load_settings, trust_settings
from omni_pipelines.erasure.erase import erase
from omni_pipelines.errors import UpstreamMoved
from omni_pipelines.home import Home
from omni_pipelines.operations.entry_writer import KnowledgeWriter
from omni_pipelines.pipeline.run import run_pipeline
from omni_pipelines.pipeline.staleness import stale_index
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.records import KnowledgeEntry
from omni_pipelines.sharing.merging import merge_sources
from omni_pipelines.sharing.pull import refresh
from omni_pipelines.sources.model.source import Source
from omni_pipelines.sources.registry import load_sources, reads, save_sources
from omni_pipelines.steps.step import LoadedEngines
from omni_pipelines.steps.step_table import new_run
from resources.knowledge import KnowledgeHome
from tests.integration.line import Line
from tests.integration.members import all_bytes, before_step, catch_up, docs_of, files_with, member, pair, paths


def source(name: str, read_by: str, **fields: object) -> Source:
    return Source(name=name, root=Path("/data/docs"), read_by=read_by, **fields)


def erase_in(line: Line, target: str) -> None:
    with writer_session(line.home, line.settings, sync=True):
        erase(line.context, target)


def test_one_path_on_two_machines_is_two_sources() -> None:
    merged = merge_sources([], [source("docs", "me")], [source("docs", "you")], "me")
    assert [(source.name, source.read_by) for source in merged] == [("docs", "you"), ("docs-2", "me")]


@pytest.mark.parametrize("reader", ["me", "you"])
def test_merging_keeps_the_erasures_of_both_sides(reader: str) -> None:
    base, changed = source("docs", reader), source("docs", reader, acl=("hr",))
    for mine, theirs in ((changed, ("x",)), (changed.model_copy(update={"forgotten": ("y",)}), ("x",))):
        other = source("docs", reader, exclude=("*.tmp",), forgotten=theirs)
        (merged,) = merge_sources([base], [mine], [other], "me")
        assert set(merged.forgotten) == {*mine.forgotten, *theirs}
        assert merged.acl == (("hr",) if reader == "me" else ())


def test_a_changed_source_does_not_bring_back_what_another_home_erased(tmp_path: Path, store_url: str) -> None:
    left = member(tmp_path, "left", store_url, a="Walrus eats.", b="The xylophone secret.")
    right = member(tmp_path, "right", store_url, c="Badger digs.")
    left.run()
    right.run()
    catch_up(left)
    with writer_session(left.home, left.settings):
        sources = load_sources(left.home)
        save_sources(left.home, [source.model_copy(update={"exclude": ("*.tmp",)}) for source in sources])
    erase_in(right, "b.md")
    left.run()
    assert paths(left) == ["a.md", "c.md"]
    assert b"xylophone" not in all_bytes(store_url)


def test_an_erasure_that_another_home_overtakes_continues_at_the_next_call(tmp_path: Path, store_url: str) -> None:
    left = member(tmp_path, "left", store_url, a="Walrus eats.", b="The xylophone secret.")
    right = member(tmp_path, "right", store_url, c="Badger digs.")
    left.run()
    right.run()
    (docs_of(right) / "c.md").write_text("Badger sleeps.")
    with (
        writer_session(left.home, left.settings, sync=True),
        pytest.raises(UpstreamMoved, match="run the same command again"),
    ):
        erase(before_step(left.context, "vector_index", right.run), "b.md")
    erase_in(left, "b.md")
    assert b"xylophone" not in all_bytes(store_url)
    catch_up(right)
    assert files_with(right, b"xylophone") == []
    left.run()
    assert paths(left) == ["a.md", "c.md"]


def test_entries_are_read_if_another_machine_has_entries_at_the_same_path(tmp_path: Path, store_url: str) -> None:
    left, right = pair(tmp_path, store_url)
    left.run()
    right.run()
    with writer_session(right.home, right.settings):
        theirs = Source(name="entries", root=right.home.entries, include=("*.md",), read_by="another machine")
        save_sources(right.home, [*load_sources(right.home), theirs])
    KnowledgeWriter(right.home, right.settings).create(
        KnowledgeEntry(id="x", title="Otter", content="The otter floats.")
    )
    assert [source.name for source in load_sources(right.home) if reads(right.home)(source)] == [
        "entries-2",
        "right-docs",
    ]
    right.run()
    assert "The otter floats." in right.search("otter")[0].text


def test_a_claim_reaches_the_other_home_without_a_changed_document(tmp_path: Path, store_url: str) -> None:
    left, right = pair(tmp_path, store_url)
    left.run()
    right.run()
    right.home.config.write_text(f'store = "{store_url}"\n')
    trust_settings(right.home)
    result = CliRunner().invoke(app, ["source", "claim", "left-docs", "--home", str(right.home.root)])
    assert result.exit_code == 0, result.output
    catch_up(right)
    stale = stale_index(right.context)
    assert stale is not None
    assert stale.reason == "other homes do not know these sources yet"
    assert right.run().published.release.release == 3
    assert stale_index(right.context) is None
    catch_up(left)
    assert not any(map(reads(left.home), load_sources(left.home)))
    assert [right.run().published.new for _ in range(2)] == [False, False]


class IngestResult(TypedDict):
    """The fields of `omni ingest --json` that tests compare."""

    release: int
    documents: dict[str, int]


def ingest(line: Line) -> IngestResult:
    result = CliRunner().invoke(app, ["ingest", "--json", "--home", str(line.home.root)])
    assert result.exit_code == 0, result.output
    fields: IngestResult = orjson.loads(result.stdout)
    return fields


def test_a_run_starts_again_if_another_command_pulls_a_release_between_its_steps(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch, engines: LoadedEngines
) -> None:
    """The writer lock is free between two steps, so `omni ask` can bring the home to the newest release."""
    left, right = pair(tmp_path, store_url)
    for line in (left, right):
        line.home.config.write_text(f'store = "{store_url}"\n')
        trust_settings(line.home)
        line.settings = load_settings(line.home)
        ingest(line)
    (docs_of(left) / "c.md").write_text("Candle burns.")
    overtaken: list[bool] = []
    open_session = KnowledgeHome.writer_session

    @contextmanager
    def overtaken_session(knowledge: KnowledgeHome, log: logging.Logger, *, sync: bool = False) -> Iterator[Home]:
        if not sync and knowledge.home == left.home and not overtaken:
            overtaken.append(True)
            (docs_of(right) / "b.md").write_text("Badger sleeps.")
            run_pipeline(new_run(right.home, right.settings, engines, "right"))
            assert refresh(left.home, left.settings) == ""
        with open_session(knowledge, log, sync=sync) as home:
            yield home

    monkeypatch.setattr(KnowledgeHome, "writer_session", overtaken_session)
    report = ingest(left)
    assert (report["release"], report["documents"]["added"]) == (4, 1)
    assert paths(left) == ["a.md", "b.md", "c.md"]
