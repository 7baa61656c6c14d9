"""Only what changed is done again, and what is gone is gone everywhere."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from native.lance_maintenance import MAX_FRAGMENTS
from native.lance_tables import LanceTable
from native.tantivy_index import KeywordIndex
from omni_pipelines import schemas
from omni_pipelines.home import Home
from omni_pipelines.knowledge.search.options import Mode
from omni_pipelines.knowledge.state.releases import release_numbers
from omni_pipelines.pipeline.staleness import stale_index
from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.settings import Settings
from omni_pipelines.sources.kinds import list_source
from omni_pipelines.sources.model.limits import SourceLimits
from omni_pipelines.sources.model.listing import FileContent, ReadFile, SourceFile
from omni_pipelines.sources.model.source import Source
from omni_pipelines.sources.registry import load_sources, save_sources
from omni_pipelines.steps import checks
from omni_pipelines.steps.document_plan import plan_source
from omni_pipelines.steps.step import BatchSizes
from omni_pipelines.steps.step_records import read_step_record, write_step_record
from omni_pipelines.testing.fakes import FakeEmbedder
from omni_pipelines.text.embedding import TextKind
from tests.integration.line import Line, paragraph, settle, write

TOPICS = ("apple", "badger", "candle")


@pytest.fixture
def filled(line: Line, docs: Path) -> Line:
    """Three files of one topic each, published."""
    write(docs, {f"{topic}.md": f"# {topic}\n\n{paragraph(topic)}\n" for topic in TOPICS})
    line.add(docs)
    line.run()
    return line


def chunk_ids(line: Line, path: str) -> set[str]:
    return {row["chunk_id"] for row in line.rows("chunks", "chunk_id", "path") if row["path"] == path}


def paths(line: Line, name: str) -> set[str]:
    return {row["path"] for row in line.rows(name, "path")}


# --- nothing changed


def test_a_second_pass_reads_no_file_and_embeds_nothing(filled: Line, reads: list[str]) -> None:
    again = filled.run()
    assert reads == []
    assert filled.embedder.embedded == []
    assert again.documents.unchanged == 3
    assert again.chunks.recut == 0


def test_a_second_pass_publishes_nothing_and_leaves_every_table_at_its_version(filled: Line) -> None:
    before = filled.versions()
    again = filled.run()
    assert not again.published.new
    assert filled.versions() == before
    assert release_numbers(filled.home) == [1]
    assert stale_index(filled.context) is None


def test_a_file_that_is_only_touched_makes_no_new_release(filled: Line, docs: Path, reads: list[str]) -> None:
    (docs / "apple.md").touch()
    again = filled.run()
    assert reads == ["apple.md"]
    assert (again.documents.changed, again.documents.unchanged) == (0, 3)
    assert not again.published.new


def test_a_file_dated_in_the_future_is_read_once(line: Line, docs: Path, reads: list[str]) -> None:
    write(docs, {"a.md": paragraph("apple")})
    os.utime(docs / "a.md", (4e9, 4e9))
    line.add(docs)
    line.run()
    line.run()
    assert reads == ["a.md"]


def test_a_file_written_just_before_it_is_read_is_looked_at_again(line: Line, docs: Path, reads: list[str]) -> None:
    line.limits = SourceLimits(racy_ns=10**12)
    write(docs, {"a.md": paragraph("apple")})
    line.add(docs)
    line.run()
    line.run()
    assert reads == ["a.md", "a.md"]


# --- edits


def test_an_edit_changes_only_the_chunks_of_its_file(filled: Line, docs: Path, reads: list[str]) -> None:
    others = chunk_ids(filled, "apple.md") | chunk_ids(filled, "candle.md")
    with (docs / "badger.md").open("a") as file:
        file.write("\n\nA sentence about a wholly new walrus.\n")
    done = filled.run()
    assert reads == ["badger.md"]
    assert (done.documents.changed, done.chunks.recut) == (1, 1)
    assert others == chunk_ids(filled, "apple.md") | chunk_ids(filled, "candle.md")
    assert filled.search("walrus", Mode.KEYWORD)[0].path == "badger.md"


def test_an_edit_embeds_only_the_texts_that_are_new(filled: Line, docs: Path) -> None:
    with (docs / "badger.md").open("a") as file:
        file.write("\n\nA sentence about a wholly new walrus.\n")
    done = filled.run()
    assert done.embeddings.embedded == len(filled.embedder.embedded) == 1
    assert "walrus" in filled.embedder.embedded[0]


def test_the_same_text_in_two_files_is_embedded_once(line: Line, docs: Path) -> None:
    write(docs, {"a.txt": "The same words stand in both.", "b.txt": "The same words stand in both."})
    line.add(docs)
    done = line.run()
    assert (done.embeddings.rows, done.embeddings.embedded, done.embeddings.reused) == (2, 1, 1)


def test_a_file_edited_back_and_forth_ends_where_it_began(filled: Line, docs: Path) -> None:
    before = filled.rows("chunks")
    apple = docs / "apple.md"
    original, written = apple.read_bytes(), apple.stat().st_mtime_ns
    apple.write_text("Something else for a while.\n")
    filled.run()
    apple.write_bytes(original)
    os.utime(apple, ns=(written, written))
    filled.run()
    assert filled.rows("chunks") == before


# --- deletions


@pytest.mark.parametrize("mode", list(Mode))
def test_a_deleted_file_is_never_found_again(filled: Line, docs: Path, mode: Mode) -> None:
    assert "apple.md" in {hit.path for hit in filled.search("apple keepers", mode, 100)}
    (docs / "apple.md").unlink()
    done = filled.run()
    assert done.documents.deleted == 1
    assert {hit.path for hit in filled.search("apple keepers", mode, 100)} <= {"badger.md", "candle.md"}


def test_a_deleted_file_is_gone_from_every_table_and_index(filled: Line, docs: Path) -> None:
    gone = chunk_ids(filled, "apple.md")
    (docs / "apple.md").unlink()
    filled.run()
    for name in ("documents", "chunks", "embeddings"):
        assert paths(filled, name) == {"badger.md", "candle.md"}
    assert gone
    assert not gone & filled.keyword_entries().keys()
    assert filled.keyword_entries().keys() == {row["chunk_id"] for row in filled.rows("chunks", "chunk_id")}


def test_when_the_last_file_goes_every_search_is_empty(filled: Line, docs: Path) -> None:
    for path in docs.iterdir():
        path.unlink()
    filled.run(allow_delete=True)
    for mode in Mode:
        assert filled.search("apple", mode) == []


def test_a_source_taken_out_of_the_registry_takes_its_rows_along(filled: Line, tmp_path: Path) -> None:
    other = write(tmp_path / "other", {"bad.md": b"\0\0\0", "good.md": "Some good words."})
    filled.add(other)
    filled.run()
    assert filled.rows("quarantine", "path") == [{"path": "bad.md"}]
    save_sources(filled.home, [source for source in load_sources(filled.home) if source.name == "docs"])
    done = filled.run()
    assert done.documents.deleted == 1
    assert filled.rows("quarantine", "path") == []
    assert filled.search("good words", Mode.KEYWORD) == []


def test_a_source_with_nothing_but_quarantined_files_leaves_nothing_behind(filled: Line, tmp_path: Path) -> None:
    filled.add(write(tmp_path / "other", {"bad.md": b"\0\0\0"}))
    filled.run()
    save_sources(filled.home, [source for source in load_sources(filled.home) if source.name == "docs"])
    filled.run()
    assert filled.rows("quarantine", "path") == []


# --- renames


def test_a_renamed_file_is_embedded_from_its_old_vectors(filled: Line, docs: Path) -> None:
    (docs / "apple.md").rename(docs / "pear.md")
    done = filled.run()
    assert (done.documents.added, done.documents.deleted) == (1, 1)
    assert filled.embedder.embedded == []
    assert {hit.path for hit in filled.search("apple", Mode.KEYWORD)} == {"pear.md"}
    assert paths(filled, "embeddings") == {"pear.md", "badger.md", "candle.md"}


def test_a_renamed_folder_is_embedded_from_its_old_vectors(line: Line, docs: Path) -> None:
    write(docs / "old", {f"{topic}.md": paragraph(topic) for topic in TOPICS})
    line.add(docs)
    line.run()
    (docs / "old").rename(docs / "new")
    done = line.run()
    assert done.documents.added == done.documents.deleted == 3
    assert line.embedder.embedded == []
    assert {hit.path for hit in line.search("badger", Mode.KEYWORD)} == {"new/badger.md"}


def test_a_source_that_moved_keeps_its_chunks(filled: Line, docs: Path, tmp_path: Path) -> None:
    before = {row["chunk_id"] for row in filled.rows("chunks", "chunk_id")}
    docs.rename(tmp_path / "moved")
    (source,) = load_sources(filled.home)
    save_sources(filled.home, [source.model_copy(update={"root": tmp_path / "moved"})])
    filled.run()
    assert {row["chunk_id"] for row in filled.rows("chunks", "chunk_id")} == before
    assert filled.embedder.embedded == []
    assert "/moved/" in filled.search("apple")[0].uri


# --- fingerprints


def test_another_chunk_size_cuts_all_again_and_reads_nothing(filled: Line, reads: list[str]) -> None:
    filled.settings = Settings(chunk_tokens=20, chunk_overlap=4)
    done = filled.run()
    assert reads == []
    assert done.chunks.recut == 3
    assert max(row["token_count"] for row in filled.rows("chunks", "token_count")) <= 20
    assert {row["chunk_id"] for row in filled.rows("embeddings", "chunk_id")} == filled.keyword_entries().keys()


def test_a_newer_reader_reads_its_own_files_again_and_no_others(line: Line, docs: Path, reads: list[str]) -> None:
    write(docs, {"a.md": paragraph("apple"), "b.txt": paragraph("badger")})
    line.add(docs)
    line.run()
    reads.clear()
    make_readers_older(line, "documents", "a.md")
    done = line.run()
    assert reads == ["a.md"]
    assert (done.documents.changed, done.chunks.recut, done.embeddings.embedded) == (1, 0, 0)


def test_another_model_embeds_every_text_again_and_cuts_nothing(filled: Line) -> None:
    filled.model = "fake/2"
    done = filled.run()
    assert done.chunks.recut == 0
    assert done.embeddings.embedded == done.embeddings.rows
    assert {row["model"] for row in filled.rows("embeddings", "model")} == {"fake/2"}
    assert done.published.new


class OtherEmbedder(FakeEmbedder):
    """Another model: every vector points the other way."""

    def embed(
        self,
        texts: Sequence[str],
        on_batch: Callable[[int], None] | None = None,
        *,
        kind: TextKind = "document",
    ) -> np.ndarray:
        return -super().embed(texts, on_batch, kind=kind)


def test_a_vector_of_another_model_is_never_reused(line: Line, docs: Path) -> None:
    """The rows of both models stand side by side where a pass was killed before the old ones went."""
    write(docs, {"a.txt": "The same words.", "b.txt": "The same words.", "c.txt": "The same words."})
    line.add(docs)
    line.run()
    wanted = OtherEmbedder().embed(["The same words."])[0].astype(np.float16).tolist()
    table = LanceTable(line.home.table("embeddings"))
    rows = table.read().slice(1, 1).to_pylist()
    table.upsert(
        "chunk_id", pa.Table.from_pylist([{**rows[0], "model": "fake/2", "vector": wanted}], table.open().schema)
    )
    line.embedder, line.model = OtherEmbedder(), "fake/2"
    done = line.run()
    assert (done.embeddings.embedded, done.embeddings.reused) == (0, 2)
    assert [row["vector"] for row in line.rows("embeddings", "chunk_id", "vector")] == [wanted] * 3


def test_a_pass_over_one_source_leaves_the_others_due_for_a_newer_reader(filled: Line, tmp_path: Path) -> None:
    (other,) = filled.add(write(tmp_path / "other", {"a.md": "Some words."}))
    filled.run()
    make_readers_older(filled, "documents", "a.md")
    filled.ingest(other)
    built = read_step_record(filled.home, "documents")
    assert built is not None
    assert built.inputs["docs"] == ""
    assert built.inputs["other"] != ""


def make_readers_older(line: Line, name: str, path: str) -> None:
    """Change what is stored as if an older version of the reader had read `path`."""
    definition, table = schemas.TABLES[name], LanceTable(line.home.table(name))
    rows = [row for row in table.read().to_pylist() if row["path"] == path]
    assert rows
    older = [{**row, "parser": "older/0", "revision": "older"} for row in rows]
    table.upsert(definition.key, pa.Table.from_pylist(older, schema=definition.schema))
    record = read_step_record(line.home, "documents")
    assert record is not None
    write_step_record(line.home, "documents", str(table.head()), record.inputs, "older readers", record.seen)


# --- large passes, and looking without touching


def test_a_pass_of_several_commits_gives_every_document_once(line: Line, docs: Path) -> None:
    write(docs, {f"{number}.md": paragraph(f"topic{number}", 2) for number in range(10)})
    line.add(docs)
    done = line.run(batches=BatchSizes(files=3, documents=3, texts=3, entries=3))
    assert done.documents.added == 10
    assert len(paths(line, "documents")) == len(line.rows("documents")) == 10
    assert done.embeddings.rows == done.keyword.rows == len(line.rows("chunks"))


def test_many_small_runs_leave_few_fragments(filled: Line, docs: Path) -> None:
    for number in range(10):
        write(docs, {f"{number}.md": f"Words about number{number}."})
        filled.run()
    for name in ("documents", "chunks", "embeddings"):
        assert len(LanceTable(filled.home.table(name)).open().get_fragments()) <= 9
    assert len(filled.search("words about", Mode.VECTOR, 100)) == len(filled.rows("chunks", "chunk_id"))
    assert filled.search("number3", Mode.KEYWORD)[0].path == "3.md"
    assert not filled.run().published.new


def test_a_plan_makes_no_table(tmp_path: Path, docs: Path) -> None:
    write(docs, {"a.md": "Some words."})
    settle()
    plan = plan_source(Home(tmp_path / "none"), Settings(), list_source(Source(name="docs", root=docs)))
    assert [found.path for found in plan.to_read] == ["a.md"]
    assert not (tmp_path / "none").exists()


def test_every_check_passes_after_a_pass(filled: Line) -> None:
    verdicts = [
        *checks.check_documents(filled.home),
        *checks.check_chunks(filled.home, filled.settings),
        *checks.check_embeddings(filled.home),
        checks.keyword_coverage(filled.home),
        checks.vector_coverage(filled.home),
    ]
    assert [verdict for verdict in verdicts if not verdict.passed] == []
    assert len(verdicts) == 12


def test_coverage_fails_as_soon_as_the_keyword_index_lacks_a_chunk(filled: Line) -> None:
    record = read_step_record(filled.home, "keyword_index")
    assert record is not None
    assert checks.keyword_coverage(filled.home).passed
    with KeywordIndex.open(filled.home.keyword / record.output, schemas.FILTERS).writer() as writer:
        writer.delete([filled.rows("chunks", "chunk_id")[0]["chunk_id"]])
        writer.commit()
    assert checks.keyword_coverage(filled.home).numbers == {"missing": 1, "surplus": 0}


def test_many_small_runs_leave_few_fragments_and_a_line_that_chains(line: Line, docs: Path) -> None:
    write(docs, {"a.md": paragraph("anchor")})
    line.add(docs)
    line.run()
    for number in range(MAX_FRAGMENTS + 3):
        write(docs, {f"n{number}.md": f"Note {number} about the lantern."})
        assert line.run().published.new
    fragments = [len(LanceTable(line.home.table(name)).open().get_fragments()) for name in ("chunks", "embeddings")]
    assert max(fragments) <= MAX_FRAGMENTS
    before = line.versions()
    assert not line.run().published.new
    assert line.versions() == before
    assert len(line.search("lantern", k=50)) >= MAX_FRAGMENTS


def test_a_moved_file_is_told_as_moved_and_not_embedded_again(filled: Line, docs: Path) -> None:
    (docs / "far").mkdir()
    (docs / "apple.md").rename(docs / "far" / "pear.md")
    (docs / "new.md").write_text("Something that was never here.\n")
    done = filled.run()
    assert (done.documents.added, done.documents.deleted, done.documents.moved) == (
        2,
        1,
        1,
    )
    assert not any("apple number" in text for text in filled.embedder.embedded)


def test_a_file_that_changes_while_it_is_read_is_read_again(filled: Line, docs: Path) -> None:
    attempts: list[str] = []

    def changing(read: ReadFile, file: SourceFile, limit: int) -> FileContent:
        attempts.append(file.path)
        if len(attempts) < 3:
            raise Unreadable(RefusalCode.CHANGED, "it changed while it was read")
        return read(file, limit)

    filled.read_hook = changing
    (docs / "busy.md").write_text("Written to all the time.\n")
    assert filled.run().documents.added == 1
    assert attempts == ["busy.md"] * 3
