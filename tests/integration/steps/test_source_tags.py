"""Who may see a source stands in every row of it, and changes without anything being read or embedded again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from omni_pipelines.pipeline.staleness import stale_ingest
from omni_pipelines.record_fields import file_moment
from omni_pipelines.settings import SourceSettings
from omni_pipelines.sources.model.source import Source
from omni_pipelines.sources.registry import load_sources, save_sources
from tests.integration.line import Line

WHERE = ("documents", "chunks", "embeddings")


@pytest.fixture
def filled(line: Line, docs: Path) -> Line:
    (docs / "secret.md").write_text("# Payroll\n\nEverybody earns the same.\n")
    (docs / "open.md").write_text("# Menu\n\nThere is soup on Mondays.\n")
    line.add(docs)
    line.run()
    return line


def tag(line: Line, *tags: str) -> None:
    save_sources(line.home, [each.model_copy(update={"acl": tags}) for each in load_sources(line.home)])


def tags(line: Line) -> dict[str, list[Any]]:
    return {name: [row["acl"] for row in line.rows(name, "acl")] for name in WHERE}


def test_without_tags_every_row_is_for_everybody(filled: Line) -> None:
    assert tags(filled) == {name: [[], []] for name in WHERE}


def test_new_tags_reach_every_row_and_nothing_is_read_or_embedded_again(filled: Line, reads: list[str]) -> None:
    before = {name: filled.rows(name) for name in WHERE}
    tag(filled, "hr")
    done = filled.run()
    assert tags(filled) == {name: [["hr"], ["hr"]] for name in WHERE}
    assert (reads, filled.embedder.embedded, done.published.new) == ([], [], True)
    for name in WHERE:
        untagged = [{**row, "acl": []} for row in filled.rows(name)]
        assert untagged == before[name]


def test_tags_that_were_taken_away_leave_every_row(filled: Line) -> None:
    tag(filled, "hr")
    filled.run()
    tag(filled)
    filled.run()
    assert tags(filled) == {name: [[], []] for name in WHERE}


def test_a_redo_with_the_same_tags_changes_nothing(filled: Line) -> None:
    tag(filled, "hr")
    filled.run()
    before = filled.versions()
    assert not filled.run().published.new
    assert filled.versions() == before


def test_new_tags_are_due(filled: Line) -> None:
    assert stale_ingest(filled.context) is None
    tag(filled, "hr")
    assert stale_ingest(filled.context) is not None


def test_tags_in_the_settings_go_before_those_of_the_registry(filled: Line) -> None:
    tag(filled, "hr")
    filled.settings = filled.settings.model_copy(update={"sources": {"docs": SourceSettings(acl=("board", "all"))}})
    filled.run()
    assert tags(filled)["chunks"] == [["all", "board"]] * 2


def test_a_new_file_has_the_tags_of_its_source(filled: Line, docs: Path) -> None:
    tag(filled, "hr")
    filled.run()
    (docs / "new.md").write_text("# Bonus\n\nNobody gets one.\n")
    filled.run()
    assert tags(filled) == {name: [["hr"]] * 3 for name in WHERE}


def test_rows_tell_when_their_document_changed_last(filled: Line, docs: Path) -> None:
    moment = 1_700_000_000_123_456_000
    (docs / "new.md").write_text("# Bonus\n\nNobody gets one.\n")
    os.utime(docs / "new.md", ns=(moment, moment))
    filled.run()
    for name in ("chunks", "embeddings"):
        rows = {row["path"]: row["modified"] for row in filled.rows(name, "path", "modified")}
        assert rows["new.md"] == file_moment(moment)


def test_a_time_outside_the_calendar_is_moved_to_its_edge() -> None:
    assert (file_moment(2**63 - 1).year, file_moment(-(2**63)).year) == (2262, 1677)
    assert (file_moment(10**22).year, file_moment(-(10**22)).year) == (9999, 1)


@pytest.mark.parametrize("bad", ["", "two words", "a'b", "a,b", "x" * 101])
def test_a_tag_is_a_word(bad: str) -> None:
    with pytest.raises(ValidationError, match="is not a valid tag"):
        Source(name="docs", root=Path("/docs"), acl=(bad,))
