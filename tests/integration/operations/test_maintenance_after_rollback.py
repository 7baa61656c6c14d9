"""Maintenance after a rollback publishes nothing: a rollback holds back rows, whatever version they have."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from native import lance_maintenance
from omni_pipelines.configuration import load_settings
from omni_pipelines.erasure.erase import erase
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.releases import newest_release
from omni_pipelines.operations import maintenance, user_columns
from omni_pipelines.operations.user_columns import Alteration, NewColumn
from omni_pipelines.pipeline.staleness import stale_index
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.publishing.rollback import roll_back
from omni_pipelines.schemas import CHUNKS, EMBEDDINGS, TABLES
from omni_pipelines.steps.keyword_index import build_keyword_index
from omni_pipelines.steps.step_records import read_step_records
from omni_pipelines.steps.step_table import STEPS, new_run
from omni_pipelines.steps.vector_index import build_vector_index
from omni_pipelines.tables import open_table
from tests.integration.line import Line, paragraph, write
from tests.integration.members import docs_of, pair, paths

NEW = [NewColumn(name="owner", data_type="Utf8")]
RENAMED = [Alteration(path="owner", rename="team")]


def _change_columns(home: Home) -> None:
    for table in (CHUNKS.name, EMBEDDINGS.name):
        user_columns.add_columns(home, table, NEW)
        user_columns.alter_columns(home, table, RENAMED)
        user_columns.drop_columns(home, table, ["team"])


def _migrate(home: Home) -> None:
    home.config.write_text('[codecs]\n"chunks.text" = "zstd:9"\n')
    assert maintenance.migrate(home, CHUNKS)


COMMANDS: dict[str, Callable[[Home], object]] = {
    "db compact": lambda home: [maintenance.compact(home, table) for table in TABLES.values()],
    "db migrate": _migrate,
    "db index create": lambda home: build_vector_index(new_run(home), "ivf_flat"),
    "db index create chunks": lambda home: build_keyword_index(new_run(home)),
    "db index optimize": lambda home: maintenance.optimize_vectors(home, retrain=True),
    "db add-columns, alter-columns, drop-columns": _change_columns,
    "db add-columns": lambda home: user_columns.add_columns(home, CHUNKS.name, NEW),
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Line:
    """A home with two releases; release 3 shows the first one again."""
    folder = tmp_path_factory.mktemp("base")
    line = Line(Home(folder / ".omni"))
    line.add(write(folder / "docs", {"apple.md": paragraph("apple")}))
    line.run()
    write(folder / "docs", {"badger.md": paragraph("badger")})
    line.run()
    with writer_session(line.home, line.settings):
        roll_back(line.home, line.settings, 1, "rollback")
    return line


@pytest.fixture
def rolled_back(base: Line, tmp_path: Path) -> Line:
    """A copy of the home, which reads the same files."""
    home = Home(tmp_path / "copy" / ".omni")
    shutil.copytree(base.home.root, home.root)
    return Line(home)


def maintain(line: Line, command: Callable[[Home], object]) -> None:
    """Do what a command of `omni db` does."""
    with writer_session(line.home, line.settings):
        command(line.home)
        maintenance.publish_if_consistent(line.home, load_settings(line.home), "omni db")


def shown(line: Line) -> tuple[int, list[str]]:
    """The number of the newest release, and the paths of its documents."""
    release = newest_release(line.home)
    assert release is not None
    return release.release, paths(line)


def test_no_maintenance_after_a_rollback_publishes_anything(rolled_back: Line) -> None:
    for name, command in COMMANDS.items():
        before = (rolled_back.versions(), read_step_records(rolled_back.home))
        maintain(rolled_back, command)
        assert (rolled_back.versions(), read_step_records(rolled_back.home)) != before, f"{name} did nothing"
        assert shown(rolled_back) == (3, ["apple.md"]), name
        assert stale_index(rolled_back.context) is None, name
    assert not rolled_back.run().published.new
    assert shown(rolled_back) == (3, ["apple.md"])


def test_a_restored_table_after_a_rollback_is_brought_up_to_date_and_not_published(rolled_back: Line) -> None:
    maintain(
        rolled_back, lambda home: user_columns.restore(home, CHUNKS.name, open_table(home, CHUNKS).versions()[0])
    )
    assert not rolled_back.run().published.new
    assert shown(rolled_back) == (3, ["apple.md"])


def test_maintenance_that_was_killed_after_a_rollback_publishes_nothing(rolled_back: Line) -> None:
    def killed(home: Home) -> None:
        with maintenance.rows_unchanged(home, CHUNKS) as table:
            lance_maintenance.merge_fragments(table)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        maintain(rolled_back, killed)
    assert not rolled_back.run().published.new
    assert shown(rolled_back) == (3, ["apple.md"])


def test_a_run_that_was_killed_before_a_rollback_is_published_by_the_next_one_and_not_by_maintenance(
    line: Line, docs: Path
) -> None:
    line.add(write(docs, {"apple.md": paragraph("apple")}))
    line.run()
    write(docs, {"badger.md": paragraph("badger")})
    line.run()
    write(docs, {"candle.md": paragraph("candle")})
    with writer_session(line.home, line.settings):
        for step in STEPS:  # a run that is killed before it publishes
            step.run(line.context)
        roll_back(line.home, line.settings, 1, "rollback")
    maintain(line, COMMANDS["db compact"])
    assert shown(line) == (3, ["apple.md"])
    assert line.run().published.new
    assert shown(line) == (4, ["apple.md", "badger.md", "candle.md"])


def test_a_changed_source_ends_a_rollback_after_maintenance(base: Line, rolled_back: Line) -> None:
    maintain(rolled_back, COMMANDS["db compact"])
    docs = base.home.root.parent / "docs"
    write(docs, {"candle.md": paragraph("candle")})
    try:
        assert rolled_back.run().published.new
    finally:
        (docs / "candle.md").unlink()
    assert shown(rolled_back) == (4, ["apple.md", "badger.md", "candle.md"])


def test_maintenance_after_an_undone_rollback_is_published(rolled_back: Line) -> None:
    with writer_session(rolled_back.home, rolled_back.settings):
        roll_back(rolled_back.home, rolled_back.settings, 2, "rollback")
    maintain(rolled_back, COMMANDS["db compact"])
    assert shown(rolled_back) == (5, ["apple.md", "badger.md"])


def test_a_document_that_only_the_rolled_back_state_has_can_be_forgotten(line: Line, docs: Path) -> None:
    line.add(write(docs, {"apple.md": paragraph("apple"), "badger.md": paragraph("badger")}))
    line.run()
    (docs / "apple.md").unlink()
    line.run(allow_delete=True)
    with writer_session(line.home, line.settings):
        roll_back(line.home, line.settings, 1, "rollback")
        certificate, _ = erase(line.context, "apple.md")
    assert certificate.dropped_releases == [1, 2, 3]
    assert shown(line) == (4, ["badger.md"])


def test_homes_that_share_a_store_keep_a_rollback_through_maintenance(tmp_path: Path, store_url: str) -> None:
    left, right = pair(tmp_path, store_url)
    left.run()
    right.run()
    with writer_session(left.home, left.settings, sync=True):
        roll_back(left.home, left.settings, 1, "rollback")
    for line in (left, right):
        with writer_session(line.home, line.settings, sync=True):
            maintenance.compact(line.home, CHUNKS)
            maintenance.publish_if_consistent(line.home, line.settings, "omni db")
        assert not line.run().published.new
        assert shown(line) == (3, ["a.md"])
    (docs_of(right) / "b.md").write_text("Badger digs deeper.")
    assert right.run().published.new
    assert shown(right) == (4, ["a.md", "b.md"])
