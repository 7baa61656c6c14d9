"""What a crash or a power cut leaves behind is put right by the next writer."""

from __future__ import annotations

import os
from pathlib import Path

import filelock
import pytest
import tantivy

from native.lance_tables import LanceTable
from native.tantivy_index import KeywordIndex
from omni_pipelines.errors import HomeBusy
from omni_pipelines.home import Home
from omni_pipelines.knowledge.search.options import Mode
from omni_pipelines.knowledge.state.metrics import drop_unfinished
from omni_pipelines.pipeline.recovery import recover
from omni_pipelines.pipeline.staleness import list_sources, record_unchanged
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.schemas import FILTERS
from omni_pipelines.settings import Settings
from omni_pipelines.steps.chunks import reconcile_chunks
from omni_pipelines.steps.documents import reconcile_documents
from omni_pipelines.steps.embeddings import reconcile_embeddings
from omni_pipelines.steps.keyword_index import build_keyword_index
from omni_pipelines.steps.step_records import read_step_record
from omni_pipelines.steps.step_table import STEPS
from omni_pipelines.steps.vector_index import build_vector_index
from tests.integration.line import Line, paragraph, settle, write


@pytest.fixture
def published(line: Line, docs: Path) -> Line:
    line.add(write(docs, {"a.md": paragraph("walrus"), "b.md": paragraph("badger")}))
    line.run()
    return line


def state(line: Line) -> dict[str, object]:
    tables = {name: line.rows(name) for name in ("chunks", "embeddings")}
    documents = [{**row, "stat": "", "mtime_ns": 0} for row in line.rows("documents")]
    return {**tables, "documents": documents, "keyword": line.keyword_entries()}


def ingest_only(line: Line) -> None:
    settle()
    with writer_session(line.home, line.settings):
        reconcile_documents(line.context)


# --- heads that no release names


def test_a_good_head_rolls_forward(published: Line, docs: Path, reads: list[str]) -> None:
    write(docs, {"c.md": paragraph("candle")})
    ingest_only(published)
    reads.clear()
    done = published.run()
    assert reads == []
    assert done.chunks.recut == 1
    assert len(published.search("candle", k=1)) == 1


@pytest.mark.parametrize("damage", ["manifest", "data"])
@pytest.mark.parametrize("name", ["documents", "chunks", "embeddings"])
def test_a_broken_head_is_set_aside_and_built_again(published: Line, docs: Path, name: str, damage: str) -> None:
    table = LanceTable(published.home.table(name))
    released = table.head().version
    folder, pattern = ("_versions", "*.manifest") if damage == "manifest" else ("data", "*.lance")
    before = set((table.path / folder).glob(pattern))
    write(docs, {"c.md": paragraph("candle")})
    publish_nothing(published)
    assert table.head().version > released
    for path in set((table.path / folder).glob(pattern)) - before:
        os.truncate(path, 0)
    published.run()
    fresh = Line(Home(published.home.root.parent / "fresh"))
    fresh.add(docs)
    fresh.run()
    assert state(published) == state(fresh)
    assert any(published.home.quarantine.iterdir())


def publish_nothing(line: Line) -> None:
    """The line up to the vectors."""
    ingest_only(line)
    with writer_session(line.home, line.settings):
        reconcile_chunks(line.context)
        reconcile_embeddings(line.context)


def test_a_text_whose_deletion_was_lost_with_a_broken_head_is_deleted_again(published: Line, docs: Path) -> None:
    write(docs, {"b.md": b"\0 not text"})
    ingest_only(published)
    min((published.home.table("documents") / "_versions").glob("*.manifest")).write_bytes(b"")
    published.run()
    assert [row["path"] for row in published.rows("documents", "path")] == ["a.md"]
    assert [row["path"] for row in published.rows("quarantine", "path")] == ["b.md"]


@pytest.mark.parametrize("content", [b"", b'{"version": 1', b"{}}"])
def test_a_tag_that_a_power_cut_left_torn_does_not_stop_the_next_release(
    published: Line, docs: Path, content: bytes
) -> None:
    tag = published.home.table("chunks") / "_refs" / "tags" / "rel-2.json"
    tag.write_bytes(content)
    write(docs, {"c.md": paragraph("candle")})
    assert published.run().published.release.release == 2
    assert published.search("candle")


def test_before_the_first_release_a_broken_table_is_begun_anew(line: Line, docs: Path) -> None:
    line.add(write(docs, {"a.md": paragraph("walrus")}))
    ingest_only(line)
    for path in (line.home.table("documents") / "data").iterdir():
        os.truncate(path, 0)
    assert line.run().documents.added == 1
    assert line.search("walrus")


def test_the_release_is_readable_while_its_head_is_broken(published: Line, docs: Path) -> None:
    before = [hit.text for hit in published.search("walrus")]
    write(docs, {"c.md": paragraph("candle")})
    publish_nothing(published)
    newest = min((published.home.table("chunks") / "_versions").glob("*.manifest"))
    newest.write_bytes(b"")
    assert [hit.text for hit in published.search("walrus")] == before


# --- things half done


def test_half_built_generations_and_files_go(published: Line) -> None:
    kept = sorted(path.name for path in published.home.keyword.iterdir())
    for name in ("tmp-gen-9", "gen-9"):
        (published.home.keyword / name).mkdir()
    for folder in (published.home.step_records, published.home.releases, published.home.erasure_plans):
        folder.mkdir(exist_ok=True)
        (folder / ".x.json.1.part").write_bytes(b"x")
    (published.home.tables / ".chunks.lance.1.part" / "data").mkdir(parents=True)
    recover(published.home)
    assert sorted(path.name for path in published.home.keyword.iterdir()) == kept
    assert list(published.home.root.rglob("*.part")) == []


def test_half_written_counters_of_a_killed_reader_go_but_not_those_of_one_at_work(published: Line) -> None:
    part = published.home.metrics / ".queries.part"
    part.write_bytes(b"{")
    with filelock.FileLock(published.home.metrics / "LOCK"):
        drop_unfinished(published.home)
        assert part.exists()
    with writer_session(published.home, published.settings):
        assert not part.exists()


def test_a_generation_that_no_release_names_yet_is_kept(published: Line, docs: Path) -> None:
    write(docs, {"c.md": paragraph("candle")})
    publish_nothing(published)
    with writer_session(published.home, published.settings):
        built = build_keyword_index(published.context)
    recover(published.home)
    again = published.run()
    assert built.written > 0
    assert (again.keyword.written, again.keyword.generation) == (0, built.generation)


@pytest.mark.parametrize("step", [step.name for step in STEPS])
def test_a_torn_record_of_a_step_is_made_again(published: Line, step: str) -> None:
    before = state(published)
    (published.home.step_records / f"{step}.json").write_bytes(b'{"step": "')
    assert read_step_record(published.home, step) is None
    published.run()
    assert state(published) == before
    assert read_step_record(published.home, step) is not None


@pytest.mark.parametrize("damage", ["torn", "gone", "doubled"])
def test_a_damaged_keyword_index_is_built_from_the_rows(published: Line, docs: Path, damage: str) -> None:
    built = read_step_record(published.home, "keyword_index")
    assert built is not None
    folder = published.home.keyword / built.output
    if damage == "torn":
        (folder / "meta.json").write_bytes(b"{")
    elif damage == "gone":
        next(folder.glob("*.store")).unlink()
    else:
        double_an_entry(KeywordIndex.open(folder, FILTERS))
    done = published.run()
    assert done.keyword.generation != built.output
    assert published.keyword_entries().keys() == {row["chunk_id"] for row in published.rows("chunks", "chunk_id")}
    assert published.search("walrus")


def double_an_entry(index: KeywordIndex) -> None:
    key = next(iter(index.fingerprints()))
    with index.writer() as writer:
        writer._writer.add_document(tantivy.Document(key=key, fingerprint="x", text="x", context=""))
        writer.commit()


def test_a_damaged_vector_index_is_built_again(line: Line, docs: Path) -> None:
    words = "\n\n".join(f"Paragraph {n} names word{n} and term{n} and more of item{n}. " * 4 for n in range(400))
    line.add(write(docs, {"a.txt": words}))
    line.run()
    with writer_session(line.home, line.settings):
        build_vector_index(line.context, "ivf_flat")
    (folder,) = (line.home.table("embeddings") / "_indices").iterdir()
    os.truncate(max(folder.iterdir(), key=lambda path: path.stat().st_size), 64)
    done = line.run()
    assert done.vectors.complete
    assert done.published.new
    assert "word7 " in line.search("word7 term7 item7", Mode.VECTOR, 1)[0].text


# --- one writer


def test_a_second_writer_waits_and_then_says_who_is_busy(published: Line) -> None:
    hasty = Settings(lock_seconds=0)
    with (
        filelock.FileLock(published.home.lock),
        pytest.raises(HomeBusy, match="omni status"),
        writer_session(published.home, hasty),
    ):
        pass
    with writer_session(published.home, hasty):
        pass


def test_what_was_seen_is_not_noted_while_another_process_writes(published: Line) -> None:
    listings = list_sources(published.context)
    with filelock.FileLock(published.home.lock), pytest.raises(HomeBusy):
        record_unchanged(published.home, Settings(lock_seconds=0), listings)
    before = read_step_record(published.home, "documents")
    record_unchanged(published.home, published.settings, listings)
    after = read_step_record(published.home, "documents")
    assert before is not None
    assert after is not None
    assert after.seen["docs"] > before.seen["docs"]
    assert after.output == before.output
