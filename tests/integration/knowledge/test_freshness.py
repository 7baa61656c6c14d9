"""Every hit, answer and receipt says when its source was last seen, and whether the file has changed since."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from omni_pipelines.knowledge.librarian import Librarian
from omni_pipelines.knowledge.search.hits import STALE, Hit, caveats
from omni_pipelines.knowledge.state.status import status
from omni_pipelines.settings import Settings
from omni_pipelines.steps.step_records import amend_step_record, read_step_record
from tests.integration.line import Line, paragraph, write


@pytest.fixture
def filled(line: Line, docs: Path) -> Line:
    write(docs, {"walrus.md": paragraph("walrus"), "heron.md": paragraph("heron")})
    line.add(docs)
    line.run()
    return line


def walrus(line: Line) -> Hit:
    """The best hit in the file about walruses."""
    return next(hit for hit in line.search("walrus keepers") if hit.path == "walrus.md")


def test_hit_names_the_last_listing_of_its_source_also_one_without_a_change(filled: Line) -> None:
    first = walrus(filled).source_seen
    assert first is not None
    assert datetime.now(UTC) - first < timedelta(minutes=5)
    later = first + timedelta(hours=1)
    record = read_step_record(filled.home, "documents")
    assert record is not None
    amend_step_record(filled.home, record, seen=dict.fromkeys(record.seen, later))
    assert walrus(filled).source_seen == later
    assert status(filled.home).oldest_seen == later


def test_hit_of_an_older_release_names_the_listing_of_that_release(filled: Line, docs: Path) -> None:
    before = walrus(filled).source_seen
    write(docs, {"otter.md": paragraph("otter")})
    filled.run()
    old = filled.librarian(release=1).search("walrus keepers")[0]
    assert old.source_seen == before
    assert walrus(filled).source_seen != before


@pytest.mark.parametrize(
    ("change", "stale"),
    [
        (lambda _: None, False),
        (lambda file: os.utime(file, (1, 1)), False),
        (lambda file: file.write_text("Something else."), True),
        (lambda file: file.unlink(), True),
        (lambda file: shutil.rmtree(file.parent), None),
        (lambda file: (file.unlink(), file.mkdir()), None),
    ],
    ids=["same", "other time", "other content", "gone", "folder gone", "a folder now"],
)
def test_hit_is_stale_if_its_file_has_another_content(
    filled: Line, docs: Path, change: object, stale: bool | None
) -> None:
    assert callable(change)
    change(docs / "walrus.md")
    assert walrus(filled).stale is stale
    assert caveats(walrus(filled)) == ([STALE] if stale else [])


def test_files_are_not_looked_at_if_the_setting_says_so(filled: Line, docs: Path) -> None:
    (docs / "walrus.md").unlink()
    snapshot = filled.librarian()._snapshot
    hits = Librarian(snapshot, Settings(check_files=False), filled.embedder).search("walrus keepers")
    assert {hit.stale for hit in hits} == {None}


def test_answer_and_receipt_say_when_the_sources_were_seen(filled: Line, docs: Path) -> None:
    librarian = filled.librarian()
    answer = librarian.ask("Where is the walrus number 2 kept?", generate=False)
    cited = [each for sentence in answer.sentences for each in sentence.citations]
    assert cited
    seen = walrus(filled).source_seen
    assert {each.source_seen for each in cited} == {seen}
    assert librarian.receipt(answer).sources_seen == {docs.name: seen}
