"""A source may be cut in a way of its own, and changing it touches this source alone."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from omni_pipelines.configuration import load_settings
from omni_pipelines.pipeline.staleness import stale_ingest
from omni_pipelines.steps import checks
from omni_pipelines.steps.preview import chunks_preview
from omni_pipelines.text.chunking import CHUNKER
from tests.integration.line import Line, paragraph, write


@pytest.fixture
def two(line: Line, tmp_path: Path) -> Line:
    """Sources `apples` and `boats`, ingested with the same settings."""
    write(tmp_path / "apples", {"a.md": "# Apples\n\n" + paragraph("apple") + "\n\n# Note\n\nA short one.\n"})
    write(tmp_path / "boats", {"b.md": paragraph("boat"), "c.md": paragraph("canoe")})
    line.add(tmp_path / "apples")
    line.add(tmp_path / "boats")
    _set(line, "")
    line.run()
    assert stale_ingest(line.context) is None
    return line


def _set(line: Line, of_apples: str) -> None:
    rest = f"[sources.apples]\n{of_apples}\n" if of_apples else ""
    line.home.config.write_text(f"chunk_tokens = 60\nchunk_overlap = 8\n{rest}")
    line.settings = load_settings(line.home)


def _chunks(line: Line, source: str) -> dict[str, str]:
    rows = line.rows("chunks", "chunk_id", "source", "text_hash")
    return {row["chunk_id"]: row["text_hash"] for row in rows if row["source"] == source}


def test_another_size_cuts_one_source_again_and_embeds_what_is_new(two: Line, reads: list[str]) -> None:
    apples, boats = _chunks(two, "apples"), _chunks(two, "boats")
    _set(two, "chunk_tokens = 30")
    due = stale_ingest(two.context)
    assert due is not None
    assert due.reason == "chunker changed"
    done = two.run()
    assert (reads, done.chunks.recut) == ([], 1)
    assert _chunks(two, "boats") == boats
    assert not _chunks(two, "apples").keys() & apples.keys()
    new = set(_chunks(two, "apples").values()) - set(apples.values())
    assert 0 < len(new) < len(_chunks(two, "apples"))  # the short section is the same text as before
    assert len(two.embedder.embedded) == len(new)
    assert stale_ingest(two.context) is None
    assert two.run().chunks.recut == 0


def test_the_release_names_every_way_its_chunks_were_cut(two: Line) -> None:
    _set(two, 'chunk_mode = "text"\nchunk_tokens = 30')
    release = two.run().published.release
    assert release.fingerprints["chunker"].startswith(f"{CHUNKER}/auto/cl100k_base/60/8; apples={CHUNKER}/text/")
    named = {part.rpartition("=")[2] for part in release.fingerprints["chunker"].split("; ")}
    assert {row["chunker"] for row in two.rows("chunks", "chunker")} == named


def test_settings_of_a_source_that_is_not_here_change_nothing(two: Line) -> None:
    two.home.config.write_text("chunk_tokens = 60\nchunk_overlap = 8\n[sources.cars]\nchunk_tokens = 30\n")
    two.settings = load_settings(two.home)
    assert stale_ingest(two.context) is None


def test_a_chunk_is_held_against_the_budget_of_its_source(two: Line) -> None:
    _set(two, "chunk_tokens = 30")
    assert not checks.token_budget(two.home, two.settings).passed
    two.run()
    verdict = checks.token_budget(two.home, two.settings)
    assert (verdict.passed, "budget 30, 60" in verdict.detail) == (True, True)
    assert chunks_preview(two.home, two.settings)["Lengths"][-1]["tokens"] == "53-60"


def test_back_to_the_common_size_is_back_to_the_same_chunks(two: Line) -> None:
    before = _chunks(two, "apples")
    _set(two, "chunk_tokens = 30")
    two.run()
    _set(two, "")
    two.run()
    assert _chunks(two, "apples") == before


def test_a_chunk_knows_the_section_it_stands_in(two: Line) -> None:
    text = next(row["text"] for row in two.rows("documents", "doc_id", "path", "text") if row["path"] == "a.md")
    rows = [row for row in two.rows("chunks", "chunk_id", "path", "heading", "metadata") if row["path"] == "a.md"]
    for row in rows:
        start, end = orjson.loads(row["metadata"])["section"]
        assert text[start:end].startswith(f"# {row['heading']}" if row["heading"] else "# Apples")
