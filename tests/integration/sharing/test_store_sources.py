"""The registry of sources that homes share: what one machine calls by a path, another does not take for its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from omni_pipelines.cli.main import app
from omni_pipelines.configuration import load_settings
from omni_pipelines.erasure import erase as forget_module
from omni_pipelines.erasure.erase import erase
from omni_pipelines.errors import UpstreamMoved
from omni_pipelines.home import Home
from omni_pipelines.operations.entry_writer import KnowledgeWriter
from omni_pipelines.pipeline.run import run_pipeline
from omni_pipelines.pipeline.staleness import stale_index
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.records import KnowledgeEntry
from omni_pipelines.sharing.merging import merged
from omni_pipelines.sharing.pull import refresh
from omni_pipelines.sources.model.source import Source
from omni_pipelines.sources.registry import load_sources, reads, save_sources
from omni_pipelines.steps.step import LoadedEngines
from omni_pipelines.steps.step_table import new_run
from resources.knowledge import KnowledgeHome
from tests.integration.line import Line
from tests.integration.members import catch_up, docs_of, everything, member, pair, paths


def source(name: str, read_by: str, **fields: object) -> Source:
    return Source(name=name, root=Path("/data/docs"), read_by=read_by, **fields)


def forget_in(line: Line, target: str) -> None:
    with writer_session(line.home, line.settings, sync=True):
        erase(line.context, target)


def test_one_path_on_two_machines_is_two_sources() -> None:
    found = merged([], [source("docs", "me")], [source("docs", "you")], "me")
    assert [(each.name, each.read_by) for each in found] == [("docs", "you"), ("docs-2", "me")]


@pytest.mark.parametrize("reader", ["me", "you"])
def test_what_one_side_forgot_stays_forgotten_whatever_the_other_changed(reader: str) -> None:
    base, changed = source("docs", reader), source("docs", reader, acl=("hr",))
    for mine, theirs in ((changed, ("x",)), (changed.model_copy(update={"forgotten": ("y",)}), ("x",))):
        found = merged([base], [mine], [source("docs", reader, exclude=("*.tmp",), forgotten=theirs)], "me")
        assert set(found[0].forgotten) == {*mine.forgotten, *theirs}
        assert found[0].acl == (("hr",) if reader == "me" else ())


def test_what_another_home_forgets_does_not_come_back_from_a_source_that_is_changed_here(
    tmp_path: Path, store_url: str
) -> None:
    left = member(tmp_path, "left", store_url, a="Walrus eats.", b="The xylophone secret.")
    right = member(tmp_path, "right", store_url, c="Badger digs.")
    left.run()
    right.run()
    catch_up(left)
    with writer_session(left.home, left.settings):
        known = load_sources(left.home)
        save_sources(left.home, [each.model_copy(update={"exclude": ("*.tmp",)}) for each in known])
    forget_in(right, "b.md")
    left.run()
    assert paths(left) == ["a.md", "c.md"]
    assert b"xylophone" not in everything(store_url)


def test_forgetting_that_is_overtaken_goes_on_at_the_next_call(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = member(tmp_path, "left", store_url, a="Walrus eats.", b="The xylophone secret.")
    right = member(tmp_path, "right", store_url, c="Badger digs.")
    left.run()
    right.run()
    real, overtaken = forget_module.publish, []

    def late(*arguments: object) -> object:
        if not overtaken:
            overtaken.append(True)
            (docs_of(right) / "c.md").write_text("Badger sleeps.")
            right.run()
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(forget_module, "publish", late)
    with pytest.raises(UpstreamMoved, match="run the same command again"):
        forget_in(left, "b.md")
    forget_in(left, "b.md")
    assert b"xylophone" not in everything(store_url)
    catch_up(right)
    kept = [path for path in right.home.root.rglob("*") if path.is_file()]
    assert not [path for path in kept if b"xylophone" in path.read_bytes()]
    left.run()
    assert paths(left) == ["a.md", "c.md"]


def test_entries_are_read_though_another_machine_keeps_its_own_at_the_same_path(
    tmp_path: Path, store_url: str
) -> None:
    left, right = pair(tmp_path, store_url)
    left.run()
    right.run()
    with writer_session(right.home, right.settings):
        theirs = Source(name="entries", root=right.home.entries, include=("*.md",), read_by="another machine")
        save_sources(right.home, [*load_sources(right.home), theirs])
    KnowledgeWriter(right.home, right.settings).create(
        KnowledgeEntry(id="x", title="Otter", content="The otter floats.")
    )
    ours = [each.name for each in load_sources(right.home) if reads(right.home)(each)]
    assert ours == ["entries-2", "right-docs"]
    right.run()
    assert "The otter floats." in right.search("otter")[0].text


def test_a_claim_reaches_the_other_home_though_no_document_changed(tmp_path: Path, store_url: str) -> None:
    left, right = pair(tmp_path, store_url)
    left.run()
    right.run()
    right.home.config.write_text(f'store = "{store_url}"\n')
    result = CliRunner().invoke(app, ["source", "claim", "left-docs", "--home", str(right.home.root)])
    assert result.exit_code == 0, result.output
    catch_up(right)
    due = stale_index(right.context)
    assert due is not None
    assert due.reason == "other homes do not know these sources yet"
    assert right.run().published.release.release == 3
    assert stale_index(right.context) is None
    catch_up(left)
    assert not any(map(reads(left.home), load_sources(left.home)))
    assert [right.run().published.new for _ in range(2)] == [False, False]


def ingest(line: Line) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["ingest", "--json", "--home", str(line.home.root)])
    assert result.exit_code == 0, result.output
    return dict(orjson.loads(result.stdout))


def test_a_run_is_done_again_where_another_command_took_over_a_release_between_its_steps(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch, engines: LoadedEngines
) -> None:
    """The lock of a home is free between two steps, and `omni ask` brings it to the newest release."""
    left, right = pair(tmp_path, store_url)
    for line in (left, right):
        line.home.config.write_text(f'store = "{store_url}"\n')
        line.settings = load_settings(line.home)
        ingest(line)
    (docs_of(left) / "c.md").write_text("Candle burns.")
    overtaken = []

    writer_session_of = KnowledgeHome.writer_session

    @contextmanager
    def late(knowledge: KnowledgeHome, log: Any, *, sync: bool = False) -> Iterator[Home]:
        if not sync and knowledge.home == left.home and not overtaken:
            overtaken.append(True)
            (docs_of(right) / "b.md").write_text("Badger sleeps.")
            run_pipeline(new_run(right.home, right.settings, engines, "right"))
            assert refresh(left.home, left.settings) == ""
        with writer_session_of(knowledge, log, sync=sync) as home:
            yield home

    monkeypatch.setattr(KnowledgeHome, "writer_session", late)
    report = ingest(left)
    assert (report["release"], report["documents"]["added"]) == (4, 1)
    assert paths(left) == ["a.md", "b.md", "c.md"]
