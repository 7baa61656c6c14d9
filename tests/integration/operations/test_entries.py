"""Knowledge entries: written, found by words, category and tags, and searched like every other document."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from omni_pipelines.cli.main import app
from omni_pipelines.errors import CitationNotFound, ConfigurationError
from omni_pipelines.home import HOME_NAME, Home
from omni_pipelines.knowledge.entries import (
    KnowledgeSearchQuery,
    KnowledgeStats,
    entry_fields,
    entry_stats,
    entry_text,
    list_entries,
    read_entry,
    search_entries,
)
from omni_pipelines.knowledge.legacy_librarian import LegacyLibrarian
from omni_pipelines.knowledge.librarian import Librarian
from omni_pipelines.knowledge.sql import run_sql
from omni_pipelines.operations.entry_writer import KnowledgeWriter
from omni_pipelines.records import KnowledgeCategory, KnowledgeEntry
from omni_pipelines.settings import Settings
from omni_pipelines.sources.registry import load_sources
from omni_pipelines.steps.step import LoadedEngines
from omni_pipelines.testing.fakes import FakeEmbedder, WordCounter

ENGINES = LoadedEngines(WordCounter(), FakeEmbedder(), "fake")
TYPED = KnowledgeEntry(
    id="id-a",
    title="Raise typed errors",
    content="A typed error says what happened. An error without a type says nothing.",
    category=KnowledgeCategory.PATTERN,
    tags=("Errors", "python"),
)
LOCKS = KnowledgeEntry(id="id-b", title="Retry locks", content="Take the lock again.", tags=("locks", "errors"))


@pytest.fixture
def writer(home: Home) -> KnowledgeWriter:
    return KnowledgeWriter(home, Settings())


def ids(home: Home, query: str = "", **conditions: object) -> list[str]:
    entries = search_entries(home, KnowledgeSearchQuery.model_validate({"query": query, **conditions}))
    return [entry.id for entry, _ in entries]


def test_an_entry_reads_back_as_it_was_written(home: Home, writer: KnowledgeWriter) -> None:
    entry = TYPED.model_copy(update={"metadata": {"a": [1, None]}, "source": "review"})
    assert writer.create(entry) == entry == read_entry(home, "id-a")
    with pytest.raises(ConfigurationError, match="already"):
        writer.create(entry)


@pytest.mark.parametrize("content", ["", " \n\t"])
def test_an_empty_entry_is_refused(home: Home, writer: KnowledgeWriter, content: str) -> None:
    entry = KnowledgeEntry(id="keys", title="Keys", content=content)
    for write in (writer.create, writer.upsert):
        with pytest.raises(ConfigurationError, match="the entry 'keys' is empty"):
            write(entry)
    assert list_entries(home) == []


def test_upserting_an_entry_increases_only_its_version(home: Home, writer: KnowledgeWriter) -> None:
    first = writer.upsert(TYPED)
    second = writer.upsert(TYPED.model_copy(update={"content": "Again."}).with_tags("x"))
    assert (second.created_at, second.version, second.content, second.tags) == (first.created_at, 2, "Again.", ("x",))
    assert second.updated_at > first.updated_at
    assert list_entries(home) == [second]


def test_a_deleted_entry_is_not_listed(home: Home, writer: KnowledgeWriter) -> None:
    writer.upsert(TYPED)
    writer.delete("id-a")
    assert list_entries(home) == []
    with pytest.raises(CitationNotFound, match="id-a"):
        writer.delete("id-a")


def test_searching_words_finds_the_entries_that_contain_them(home: Home, writer: KnowledgeWriter) -> None:
    for entry in (TYPED, LOCKS):
        writer.create(entry)
    assert ids(home, "typed error") == ["id-a"]
    assert ids(home, "errors") == ["id-b", "id-a"] or ids(home, "errors") == ["id-a", "id-b"]
    assert ids(home, "id-b") == ["id-b"]
    assert ids(home, "zebra stripes") == []
    assert ids(home) == ["id-b", "id-a"] or ids(home) == ["id-a", "id-b"]


def test_searching_a_category_or_tags_finds_only_their_entries(home: Home, writer: KnowledgeWriter) -> None:
    for entry in (TYPED, LOCKS):
        writer.create(entry)
    assert ids(home, tags=("PYTHON", "none")) == ["id-a"]
    assert set(ids(home, tags=("errors",))) == {"id-a", "id-b"}
    assert ids(home, category=KnowledgeCategory.NOTE) == ["id-b"]
    assert ids(home, "lock", category=KnowledgeCategory.PATTERN) == []
    assert len(ids(home, limit=1)) == 1


def test_entry_stats_count_entries_tags_and_categories(home: Home, writer: KnowledgeWriter) -> None:
    assert entry_stats(home) == KnowledgeStats()
    for entry in (TYPED, LOCKS):
        writer.create(entry)
    stats = entry_stats(home)
    assert (stats.total_entries, stats.total_tags) == (2, 3)
    assert stats.entries_by_category == {"notes": 1, "patterns": 1}
    assert stats.last_updated == max(TYPED.updated_at, LOCKS.updated_at)


def test_listing_entries_leaves_out_other_files(home: Home, writer: KnowledgeWriter) -> None:
    writer.create(TYPED)
    (home.entries / "note.md").write_text("# A note of somebody\n")
    (home.entries / "torn.md").write_text(entry_text(LOCKS)[:40])
    assert [entry.id for entry in list_entries(home)] == ["id-a"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    identity=st.text(min_size=1, max_size=80).filter(str.strip),
    title=st.text(min_size=1).filter(str.strip),
    content=st.text(min_size=1).filter(str.strip),
)
def test_an_entry_with_any_text_reads_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, identity: str, title: str, content: str
) -> None:
    home = Home(tmp_path_factory.mktemp("entries") / HOME_NAME)
    entry = KnowledgeEntry(id=identity, title=title, content=content)
    KnowledgeWriter(home, Settings()).create(entry)
    assert read_entry(home, identity) == entry
    assert {path.parent for path in home.entries.rglob("*.md")} == {home.entries}


def test_search_and_sql_find_an_entry_until_it_is_deleted(home: Home, writer: KnowledgeWriter) -> None:
    writer.create(TYPED)
    done = writer.ingest(ENGINES)
    assert done == {"files_processed": 1, "updated": 0, "chunks_indexed": 1, "errors": 0}
    librarian = Librarian.open(home, embedder=ENGINES.embedder)
    (hit,) = librarian.search("what does a typed error say", where={"source": "entries"})
    assert TYPED.content in hit.text
    sql = "select id, version, list_sort(tags) from entries join documents on entries.title = documents.title"
    assert run_sql(home, sql)[1].rows == [("id-a", 1, ["Errors", "python"])]
    writer.delete("id-a")
    writer.ingest(ENGINES)
    assert Librarian.open(home, embedder=ENGINES.embedder).search("typed error") == []


def test_upserting_a_file_returns_whether_it_changed(home: Home, writer: KnowledgeWriter, tmp_path: Path) -> None:
    writer.create(TYPED)
    writer.ingest(ENGINES)
    file = home.entries / "note.md"
    assert not writer.upsert_file(file, ENGINES)
    file.write_text("# Note\n\nThis is new.\n")
    assert writer.upsert_file(file, ENGINES)
    assert not writer.upsert_file(file, ENGINES)
    file.unlink()
    assert writer.upsert_file(file, ENGINES)
    with pytest.raises(ConfigurationError, match="is in no source"):
        writer.upsert_file(tmp_path / "elsewhere.md", ENGINES)


def test_the_legacy_librarian_has_the_old_method_names(home: Home, writer: KnowledgeWriter) -> None:
    writer.create(TYPED.model_copy(update={"content": "A typed error:\n\n````\nraise E\n````\n"}))
    writer.ingest(ENGINES)
    librarian = LegacyLibrarian.open(home, embedder=ENGINES.embedder)
    assert librarian.query("typed error", limit=1) == librarian.search("typed error", 1)
    block = librarian.get_context("typed error")
    assert block.startswith("[PROSE] id-a-")
    assert (block.count("`````"), block.endswith("\n`````")) == (2, True)
    assert librarian.get_stats() == {
        "table": "chunks",
        "record_count": 1,
        "tracked_files": 1,
        "entries_by_category": {"patterns": 1},
    }
    assert librarian.get_manifest_status()["manifest_exists"]


# --- the command


def omni(home: Home, *arguments: str, text: str | None = None) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["knowledge", *arguments, "--home", str(home.root)], input=text)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout


def test_omni_knowledge_writes_finds_and_deletes_entries(home: Home) -> None:
    assert omni(home, "add", "Retry locks", "Again.", "--category", "solution", "--tag", "a", "--tag", "a") == (
        0,
        "Retry locks, version 1\n",
    )
    assert omni(home, "add", "Retry locks", "--update", text="Twice.")[1] == "Retry locks, version 2\n"
    assert omni(home, "show", "Retry locks")[1].endswith("\n\nTwice.\n")
    assert omni(home, "search", "twice")[1] == "Retry locks  (notes, version 2)\n"
    found = json.loads(omni(home, "list", "--json")[1])
    assert (found["schema_version"], found["entries"][0]["content"]) == (1, "Twice.")
    assert omni(home, "stats")[1].startswith("1 entry, 0 tags, last changed ")
    assert omni(home, "delete", "Retry locks")[0] == 0
    assert omni(home, "list") == (0, "")
    assert [source.name for source in load_sources(home)] == ["entries"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("add", " ", "x"), "is not valid"),
        (("show", "nothing"), "no entry 'nothing'"),
        (("delete", "nothing"), "no entry 'nothing'"),
    ],
)
def test_omni_knowledge_refuses_wrong_arguments(home: Home, arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises((ConfigurationError, CitationNotFound), match=message):
        omni(home, *arguments)


def test_omni_knowledge_refuses_an_unknown_category(home: Home) -> None:
    assert omni(home, "add", "x", "y", "--category", "patern") == (2, "")
    assert omni(home, "list", "--category", "things") == (2, "")


def test_a_damaged_field_is_dropped_and_counted(home: Home, writer: KnowledgeWriter) -> None:
    writer.create(TYPED)
    (path,) = home.entries.glob("*.md")
    path.write_text(path.read_text().replace('"version":1', '"version":"first"').replace('"tags":["', '"tags":[5,"'))
    assert list_entries(home) == [TYPED.model_copy(update={"version": 1, "tags": ()})]
    assert entry_fields(home) == {
        "metadata read": 1, "metadata fallbacks": 0, "metadata unreadable": 0, "metadata fields dropped": 2
    }  # fmt: skip
