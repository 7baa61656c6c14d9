"""The checks that warn: old, unread, repeated and unreadable content."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from omni_pipelines.operations.content_checks import duplicate_share, freshness, quarantine_share, readability
from omni_pipelines.settings import Settings
from omni_pipelines.steps.step_records import amend_step_record, read_step_record
from omni_pipelines.testing.fakes import FakeEmbedder
from tests.integration.line import Line, paragraph, write

SETTINGS = Settings()


@pytest.fixture
def filled(line: Line, docs: Path) -> Line:
    topics = ("walrus", "heron", "otter", "crane", "bison", "lynx", "mole", "newt")
    write(docs, {f"{topic}.md": paragraph(topic, 2) for topic in topics})
    line.add(docs)
    line.run()
    return line


def see_sources_at(line: Line, moment: datetime) -> None:
    record = read_step_record(line.home, "documents")
    assert record is not None
    amend_step_record(line.home, record, seen=dict.fromkeys(record.seen, moment))


def test_freshness_passes_after_a_run_and_counts_listings_without_a_change(filled: Line) -> None:
    assert freshness(filled.home, SETTINGS).passed
    later = Settings(max_age_hours=1e-7)
    verdict = freshness(filled.home, later)
    assert (verdict.passed, verdict.is_error, verdict.numbers["late"]) == (False, False, 1)
    see_sources_at(filled, datetime.now(UTC) + timedelta(hours=1))
    assert freshness(filled.home, later).passed


def test_freshness_without_a_release_warns(line: Line) -> None:
    assert freshness(line.home, SETTINGS).detail == "there is no release with a source yet"


def test_quarantine_share_above_its_limit_warns_and_below_it_passes(filled: Line, docs: Path) -> None:
    assert quarantine_share(filled.home, SETTINGS).detail == "0 of 8 files could not be read, at most 10%"
    write(docs, {"noise.md": bytes(range(256))})
    filled.run()
    verdict = quarantine_share(filled.home, SETTINGS)
    assert (verdict.passed, verdict.numbers) == (False, {"unread": 1, "share": 0.1111})
    assert quarantine_share(filled.home, Settings(max_quarantine_share=0.12)).passed


@pytest.mark.parametrize("max_compared", [1_000, 12])
def test_duplicate_share_counts_copies_also_in_a_sample(filled: Line, docs: Path, max_compared: int) -> None:
    assert duplicate_share(filled.home, SETTINGS, max_compared).numbers["share"] == 0
    write(docs, {f"copy-{path.name}": path.read_bytes() for path in docs.iterdir()})
    filled.run()
    verdict = duplicate_share(filled.home, SETTINGS, max_compared)
    assert verdict.numbers["share"] == 0.5  # a sample has both texts of a pair, or none
    assert not verdict.passed
    assert (verdict.numbers["compared"] < 16) is (max_compared == 12)


class ReadsLatin(FakeEmbedder):
    """Reads ASCII only."""

    def readable(self, text: str) -> float:
        return sum(letter.isascii() for letter in text) / len(text)


def test_readability_warns_of_text_that_the_embedder_cannot_read(filled: Line, docs: Path) -> None:
    assert readability(filled.home, SETTINGS, ReadsLatin()).numbers == {"chunks": 8, "share": 1.0}
    write(docs, {f"{number}.md": f"狐狸跳过懒狗 {number} 只狐狸跳过懒狗" for number in range(8)})
    filled.run()
    verdict = readability(filled.home, SETTINGS, ReadsLatin())
    assert (verdict.passed, verdict.is_error, verdict.numbers["chunks"]) == (False, False, 16)
    assert "omni model list" in verdict.detail
    assert readability(filled.home, SETTINGS, ReadsLatin(), max_read=4).numbers["chunks"] == 4
