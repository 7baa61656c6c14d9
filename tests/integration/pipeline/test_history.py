"""Releases as history: pinned, shown again, compared, and found by date."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from native.lance_tables import LanceTable, TableVersion
from native.tantivy_index import KeywordIndex
from omni_pipelines.errors import ConfigurationError, TableBroken
from omni_pipelines.home import Home
from omni_pipelines.knowledge.search.options import Mode
from omni_pipelines.knowledge.state.changes import MAX_DIFF_LINES, compare_releases, text_diff
from omni_pipelines.knowledge.state.pins import list_pins, pin, unpin
from omni_pipelines.knowledge.state.releases import (
    list_releases,
    parse_moment,
    release_as_of,
    release_numbers,
    require_release,
)
from omni_pipelines.knowledge.state.status import status
from omni_pipelines.pipeline.staleness import stale_index
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.publishing.rollback import RollbackReport, roll_back
from omni_pipelines.records import Release
from omni_pipelines.schemas import FILTERS, TABLES
from omni_pipelines.settings import Settings
from tests.integration.line import Line, Original, paragraph, write

DAYS: tuple[dict[str, str | None], ...] = (
    {"walrus.md": paragraph("walrus"), "badger.md": paragraph("badger"), "sub/gecko.md": paragraph("gecko", 2)},
    {"walrus.md": paragraph("walrus", 3) + "\n\nThe walrus moved to the harbour.", "heron.md": paragraph("heron")},
    {"badger.md": None, "sub/gecko.md": paragraph("lizard", 4)},
    {"badger.md": paragraph("badger"), "heron.md": "# Heron\n\nOnly one heron is left.", "walrus.md": None},
)
"""Edits of four days: content, or None where the file is deleted."""
Rows = dict[str, list[Any]]
Place = tuple[str, str, int, str]
"""Mode, path, first line and text of a hit."""
QUERIES = ("walrus keepers", "badger shed", "gecko number 1", "heron", "lizard every day", "harbour")


def edit(docs: Path, day: dict[str, str | None]) -> None:
    write(docs, {name: text for name, text in day.items() if text is not None})
    for name in [name for name, text in day.items() if text is None]:
        (docs / name).unlink()


def note(docs: Path, line: Line, *texts: str) -> None:
    """A release for each text of the one note."""
    for text in texts:
        write(docs, {"note.md": text})
        line.run(allow_delete=True)


def rolled_back(line: Line, number: int) -> RollbackReport:
    with writer_session(line.home, line.settings):
        return roll_back(line.home, line.settings, number, "by hand")


def told(line: Line, release: int | None = None) -> list[str]:
    return sorted(hit.text for hit in line.librarian(release).search("note", mode=Mode.KEYWORD))


def fill(line: Line, docs: Path) -> None:
    """Three releases of one note."""
    write(docs, {"note.md": "The first note."})
    line.add(docs)
    note(docs, line, "The first note.", "The second note.", "The third note.")


@pytest.fixture
def three(original: Original, home: Home) -> Line:
    return original.copy(home)


# --- pins


def test_a_pinned_release_stays_beyond_the_newest_three(three: Line, docs: Path) -> None:
    pin(three.home, 1, "the audit")
    note(docs, three, *(f"A note of {number}." for number in range(4)))
    assert release_numbers(three.home) == [1, 5, 6, 7]
    assert told(three, 1) == ["The first note."]
    assert list_pins(three.home)[1].reason == "the audit"


def test_an_unpinned_release_goes_with_the_next_publish(three: Line, docs: Path) -> None:
    pin(three.home, 1)
    note(docs, three, "A fourth note.")
    unpin(three.home, 1)
    assert release_numbers(three.home) == [1, 2, 3, 4]
    note(docs, three, "A fifth note.")
    assert release_numbers(three.home) == [3, 4, 5]


def test_a_damaged_pin_still_keeps_its_release(three: Line, docs: Path) -> None:
    pin(three.home, 1)
    (three.home.pins / "1.json").write_bytes(b"{")
    note(docs, three, "A fourth note.", "A fifth note.")
    assert told(three, 1) == ["The first note."]


def test_only_what_is_there_can_be_pinned_and_unpinned(three: Line) -> None:
    with pytest.raises(ConfigurationError, match="no release 9"):
        pin(three.home, 9)
    with pytest.raises(ConfigurationError, match="release 2 is not pinned"):
        unpin(three.home, 2)
    assert list_pins(three.home) == {}


# --- rollback


def test_a_rollback_is_a_new_release_that_answers_as_the_old_one(three: Line) -> None:
    report = rolled_back(three, 1)
    assert (report.release.release, report.before, report.new) == (4, 3, True)
    assert told(three) == ["The first note."]
    assert told(three, 3) == ["The third note."]
    assert status(three.home).shows == 1


def test_a_rollback_is_not_undone_by_an_ingest_that_finds_nothing(three: Line) -> None:
    rolled_back(three, 1)
    assert stale_index(three.context) is None
    assert three.run().published.new is False
    assert told(three) == ["The first note."]


def test_a_touched_file_does_not_undo_a_rollback(three: Line, docs: Path) -> None:
    rolled_back(three, 1)
    (docs / "note.md").touch()
    assert three.run().published.new is False
    assert told(three) == ["The first note."]


def test_the_first_change_after_a_rollback_publishes_what_the_sources_hold(three: Line, docs: Path) -> None:
    rolled_back(three, 1)
    write(docs, {"other.md": "Another note."})
    assert three.run().published.new is True
    assert told(three) == ["Another note.", "The third note."]


def test_a_rollback_outlives_the_collection_of_what_it_shows(three: Line, docs: Path) -> None:
    three.settings = three.settings.model_copy(update={"keep_releases": 1})
    rolled_back(three, 1)
    assert release_numbers(three.home) == [4]
    assert told(three) == ["The first note."]
    note(docs, three, "A fourth note.")
    assert told(three) == ["A fourth note."]


def test_a_rollback_can_be_rolled_back(three: Line) -> None:
    rolled_back(three, 1)
    assert rolled_back(three, 3).release.release == 5
    assert told(three) == ["The third note."]
    assert stale_index(three.context) is None


def test_a_rollback_to_what_readers_see_does_nothing(three: Line) -> None:
    assert rolled_back(three, 3).new is False
    rolled_back(three, 1)
    assert rolled_back(three, 1).new is False
    assert release_numbers(three.home) == [2, 3, 4]


def test_a_damaged_release_is_not_shown_again(three: Line) -> None:
    release = require_release(three.home, 1)
    file = next((three.home.table("documents") / "data").glob("*.lance"))
    for path in (three.home.table("documents") / "data").glob("*.lance"):
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(TableBroken, match=f"of release {release.release}: the size of data/"):
        rolled_back(three, 1)
    assert file.exists()
    assert release_numbers(three.home) == [1, 2, 3]


def test_a_broken_head_after_a_rollback_costs_no_release(three: Line, docs: Path) -> None:
    """The newest record names an old version then: what lies between it and the broken head is still named."""
    rolled_back(three, 1)
    write(docs, {"note.md": "A fourth note."})
    three.ingest()
    newest = min((three.home.table("documents") / "_versions").glob("*.manifest"), key=lambda path: path.name)
    newest.write_bytes(b"")
    with writer_session(three.home, three.settings):
        pass
    assert told(three, 3) == ["The third note."]
    assert [found.table for found in status(three.home).set_aside] == ["documents"]
    three.run()
    assert told(three) == ["A fourth note."]


def test_a_record_of_before_rollbacks_is_still_read(three: Line) -> None:
    body = require_release(three.home).model_dump(mode="json")
    del body["rollback"]
    assert Release.model_validate(body) == require_release(three.home)


# --- changes


def test_changes_name_what_was_added_changed_and_removed(line: Line, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    edit(docs, DAYS[0])
    line.add(docs)
    line.run()
    edit(docs, {**DAYS[1], "badger.md": None})
    line.run()
    found = compare_releases(line.home, 1)
    assert [(change.kind, change.path) for change in found.changes] == [
        ("removed", "badger.md"),
        ("added", "heron.md"),
        ("changed", "walrus.md"),
    ]
    assert found.summary == {"added": 1, "changed": 1, "removed": 1}
    assert "+The walrus moved to the harbour." in found.changes[2].diff
    assert compare_releases(line.home, 1, diffs=False).changes[2].diff == ()


def test_nothing_changed_between_a_release_and_itself(three: Line) -> None:
    assert compare_releases(three.home, 3).changes == ()


def test_changes_tell_that_documents_were_read_in_another_way(three: Line) -> None:
    three.model = "fake/2"
    three.run()
    assert compare_releases(three.home, 3).fingerprints == {"embedder": ("fake/1", "fake/2")}


def test_a_diff_is_bounded_in_lines_and_in_their_length() -> None:
    lines, cut = text_diff("a\n" * 900, "b" * 5_000 + "\n" + "c\n" * 900, "x")
    assert (len(lines), cut) == (MAX_DIFF_LINES, True)
    assert max(len(line) for line in lines) <= 400
    lines, cut = text_diff("a\n" * 100_000, "b", "x")
    assert (len(lines), cut) == (1, True)


# --- as of


def test_every_kept_day_answers_as_a_base_built_from_that_days_files(line: Line, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    line.settings = line.settings.model_copy(update={"keep_releases": 20})
    line.add(docs)
    then: list[tuple[datetime, dict[str, list[Place]], Rows]] = []
    for number, day in enumerate(DAYS):
        edit(docs, day)
        made = line.run(allow_delete=True).published.release.created_at
        fresh = rebuilt(docs, tmp_path / f"day-{number}", line.settings)
        then.append((made, {query: found(fresh, None, query) for query in QUERIES}, rows_of(fresh, None)))
    assert len({str(answers) for _, answers, _ in then}) == len(DAYS)
    for number, (made, answers, rows) in enumerate(then, 1):
        release = release_as_of(line.home, made).release
        assert release == number
        assert {query: found(line, release, query) for query in QUERIES} == answers
        assert rows_of(line, release) == rows


def rows_of(line: Line, release: int | None) -> Rows:
    """All rows of a release, without the times at which files were read, and the keys of its keyword index."""
    pinned = require_release(line.home, release)
    found: Rows = {}
    for name, version in pinned.tables.items():
        columns = [each for each in TABLES[name].schema.names if each not in ("stat", "mtime_ns")]
        rows = LanceTable(line.home.table(name)).read(columns, version=TableVersion.parse(version).version)
        found[name] = rows.sort_by(TABLES[name].key).to_pylist()
    keyword = KeywordIndex.open(line.home.keyword / pinned.keyword.generation, FILTERS)
    return {**found, "keyword": sorted(keyword.fingerprints().items())}


def rebuilt(docs: Path, place: Path, settings: Settings) -> Line:
    fresh = Line(Home(place / ".omni"), settings)
    fresh.add(docs)
    fresh.run()
    return fresh


def found(line: Line, release: int | None, query: str) -> list[Place]:
    """Hits in every mode; BM25 counts what deleted entries left behind until they are merged away, so no scores."""
    hits = [
        (mode.value, hit.path, hit.start_line, hit.text)
        for mode in (Mode.KEYWORD, Mode.VECTOR)
        for hit in line.librarian(release).search(query, 100, mode)
    ]
    return sorted(hits)


def test_as_of_takes_the_newest_at_or_before_a_moment(three: Line) -> None:
    times = {release.release: release.created_at for release in list_releases(three.home)}
    assert release_as_of(three.home, times[2]).release == 2
    assert release_as_of(three.home, times[3] - timedelta(microseconds=1)).release == 2
    assert release_as_of(three.home, datetime.now(UTC)).release == 3


def test_a_moment_before_every_kept_release_is_refused_with_what_there_is(three: Line) -> None:
    with pytest.raises(ConfigurationError, match="the oldest is release 1 of ") as refused:
        release_as_of(three.home, parse_moment("2001-01-01"))
    assert "releases list" in refused.value.cure


def test_a_date_means_its_last_moment_in_local_time() -> None:
    assert parse_moment("2026-11-25").astimezone().isoformat().startswith("2026-11-25T23:59:59.999999")
    assert parse_moment("2026-11-25T14:30").astimezone().isoformat().startswith("2026-11-25T14:30:00")
    assert parse_moment("2026-11-25T14:30+05:00") == datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
    assert parse_moment("20261125") == parse_moment("2026-11-25")


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "12:30", "9999-12-31T23:59-23:00"])
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is not a date"):
        parse_moment(text)
