"""Nothing is deleted without proof that it is gone."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from omni_pipelines.errors import DeletionRefused, SourceMissing
from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.sources.kinds import list_source
from omni_pipelines.sources.model.listing import FileContent, Listing, ReadFile, SourceFile
from omni_pipelines.sources.model.source import Source
from omni_pipelines.sources.registry import load_sources
from tests.integration.hooked_session import read_unchanged
from tests.integration.line import Line, write


def stored(line: Line) -> set[str]:
    return {row["path"] for row in line.rows("documents", "path")}


def fill(line: Line, docs: Path, count: int) -> None:
    write(docs, {f"{number}.md": f"Words of {number}." for number in range(count)})
    line.add(docs)
    line.ingest()


def test_a_source_that_is_gone_deletes_nothing(line: Line, docs: Path, tmp_path: Path) -> None:
    fill(line, docs, 3)
    docs.rename(tmp_path / "unmounted")
    (warning,) = line.ingest(allow_delete=True).warnings
    assert "its documents are kept" in warning
    assert len(stored(line)) == 3


def test_a_single_file_that_is_gone_deletes_nothing(line: Line, docs: Path) -> None:
    write(docs, {"a.md": "Words."})
    line.add(docs / "a.md")
    line.ingest()
    (docs / "a.md").unlink()
    (warning,) = line.ingest().warnings
    assert "its documents are kept" in warning
    assert stored(line) == {"a.md"}


def test_an_empty_source_deletes_nothing_unless_it_is_allowed(line: Line, docs: Path) -> None:
    fill(line, docs, 3)
    for path in docs.iterdir():
        path.unlink()
    with pytest.raises(DeletionRefused, match="3 documents of it are stored"):
        line.ingest()
    assert len(stored(line)) == 3
    assert line.ingest(allow_delete=True).deleted == 3
    assert stored(line) == set()


@pytest.mark.parametrize(
    ("count", "gone", "refused"),
    [(50, 9, False), (50, 10, True), (15, 3, True), (16, 3, False), (3, 2, False), (4, 3, True)],
)
def test_three_documents_and_a_fifth_are_suspicious(
    line: Line, docs: Path, count: int, gone: int, refused: bool
) -> None:
    fill(line, docs, count)
    for number in range(gone):
        (docs / f"{number}.md").unlink()
    if refused:
        with pytest.raises(DeletionRefused, match=f"{gone} of {count} documents are gone"):
            line.ingest()
        assert len(stored(line)) == count
    assert line.ingest(allow_delete=refused).deleted == gone
    assert len(stored(line)) == count - gone


def test_files_that_moved_are_not_suspicious(line: Line, docs: Path) -> None:
    fill(line, docs, 6)
    (docs / "old").mkdir()
    for number in range(5):
        (docs / f"{number}.md").rename(docs / "old" / f"{number}.md")
    report = line.ingest()
    assert (report.deleted, report.added, report.moved) == (5, 5, 5)


def test_files_that_were_replaced_by_others_are_suspicious(line: Line, docs: Path) -> None:
    fill(line, docs, 6)
    for number in range(3):
        (docs / f"{number}.md").unlink()
        (docs / f"other{number}.md").write_text(f"Other words of {number}.")
    with pytest.raises(DeletionRefused, match="3 of 6 documents are gone"):
        line.ingest()


def test_every_source_that_lost_documents_is_named(line: Line, docs: Path, tmp_path: Path) -> None:
    fill(line, docs, 3)
    more = write(tmp_path / "more", {f"{number}.md": f"More of {number}." for number in range(4)})
    line.add(more)
    line.ingest()
    for path in [*docs.iterdir(), *more.glob("[012].md")]:
        path.unlink()
    with pytest.raises(DeletionRefused, match=r"source docs: .* is empty.*; source more: 3 of 4"):
        line.ingest()


def test_a_refusal_for_one_source_changes_no_other(line: Line, docs: Path, tmp_path: Path) -> None:
    fill(line, docs, 3)
    line.add(write(tmp_path / "more", {"new.md": "New words."}))
    for path in docs.iterdir():
        path.unlink()
    with pytest.raises(DeletionRefused):
        line.ingest()
    assert "new.md" not in stored(line)


def test_a_file_in_quarantine_too_counts_once(line: Line, docs: Path) -> None:
    """After a passing error a file stands in both tables."""
    fill(line, docs, 50)
    for number in range(9):
        (docs / f"{number}.md").write_text("Newer words.")
    with unreadable(line, "E_IO", 9):
        assert line.ingest().quarantined == 9
    for number in range(9):
        (docs / f"{number}.md").unlink()
    assert line.ingest().deleted == 9
    assert line.rows("quarantine") == []


@contextmanager
def unreadable(line: Line, code: str, count: int) -> Iterator[None]:
    left = list(range(count))

    def fail(read: ReadFile, file: SourceFile, limit: int) -> FileContent:
        left.pop()
        raise Unreadable(RefusalCode(code), "the disk did not answer")

    line.read_hook = fail
    yield
    line.read_hook = read_unchanged


# --- folders that cannot be looked into


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may look into every folder; another user may not."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that another user can reach; pytest's own are closed."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name) / "docs"


def listing_with(source: Source, closed: Path, mode: int) -> Listing:
    """What another user sees while a folder is closed."""
    closed.chmod(mode)
    try:
        with as_nobody():
            return list_source(source)
    finally:
        closed.chmod(0o755)


@pytest.mark.parametrize("mode", [0o000, 0o444], ids=["no names", "names and nothing else"])
def test_a_folder_that_cannot_be_looked_into_deletes_nothing(line: Line, shared: Path, mode: int) -> None:
    write(shared, {"a.md": "One.", "sub/b.md": "Two.", "sub/deep/c.md": "Three.", "gone.md": "Four."})
    line.add(shared)
    line.ingest()
    (shared / "gone.md").unlink()
    (source,) = load_sources(line.home)
    line.listing = listing_with(source, shared / "sub", mode)
    report = line.ingest()
    assert report.deleted == 1
    assert stored(line) == {"a.md", "sub/b.md", "sub/deep/c.md"}
    assert any("docs/sub" in warning and "cannot be read" in warning for warning in report.warnings)


def test_a_folder_that_opens_again_changes_the_listing(shared: Path) -> None:
    source = Source(name="docs", root=write(shared, {"a.md": "One.", "sub/b.md": "Two."}))
    closed = listing_with(source, shared / "sub", 0o000)
    assert list_source(source).fingerprint != closed.fingerprint


def test_a_root_that_cannot_be_looked_into_is_refused(shared: Path) -> None:
    source = Source(name="docs", root=write(shared, {"a.md": "One."}))
    for closed in (shared, shared.parent):
        with pytest.raises(SourceMissing):
            listing_with(source, closed, 0o000)
