"""A reader without a tag never sees a document, whichever way is tried."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from native.tantivy_index import KeywordIndex
from omni_pipelines.cli.main import app
from omni_pipelines.errors import AccessRefused, CitationNotFound, ConfigurationError
from omni_pipelines.home import Home
from omni_pipelines.knowledge.answers.receipts import receipt_bytes
from omni_pipelines.knowledge.answers.verification import verify_receipt
from omni_pipelines.knowledge.librarian import Librarian
from omni_pipelines.knowledge.search.duplicates import find_duplicates
from omni_pipelines.knowledge.search.search import Mode
from omni_pipelines.knowledge.sql import run_sql
from omni_pipelines.knowledge.state.access import Reader
from omni_pipelines.knowledge.state.changes import changes
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.knowledge.state.status import status
from omni_pipelines.knowledge.tools import knowledge_catalog
from tests.integration.line import Line

SECRET = "Zanzibar salaries are ninety crowns a month, said the zebra."
SHARED = "The canteen serves soup on Mondays, and on Fridays there is fish."
PATH = "zanzibar.md"
NOBODY, STRANGER, INSIDER = Reader.of([]), Reader.of(["sales"]), Reader.of(["hr", "eu"])


@pytest.fixture
def split(line: Line, tmp_path: Path) -> Line:
    """Two sources: `private` with a tag, `docs` for everybody; one text stands in both."""
    for name, files in {
        "docs": {"menu.md": f"# Menu\n\n{SHARED}\n", "copy.txt": "The same words stand in both places here."},
        "private": {PATH: f"# Zanzibar\n\n{SECRET}\n", "copy.txt": "The same words stand in both places here."},
    }.items():
        (tmp_path / name).mkdir()
        for file, text in files.items():
            (tmp_path / name / file).write_text(text)
        line.add(tmp_path / name)
    tag(line, '["hr"]')
    line.run()
    return line


def tag(line: Line, tags: str) -> None:
    line.home.config.write_text(f"[sources.private]\nacl = {tags}\n")
    from omni_pipelines.configuration import load_settings

    line.settings = line.settings.model_copy(update={"sources": load_settings(line.home).sources})


def opened(line: Line, reader: Reader | None, release: int | None = None) -> Librarian:
    return Librarian.open(line.home, release, reader=reader, embedder=line.embedder)


def told(value: Any) -> str:
    return json.dumps(value, default=lambda each: each.model_dump() if hasattr(each, "model_dump") else str(each))


def found_by(mode: Mode) -> Callable[[Line, Reader | None], Any]:
    return lambda line, reader: opened(line, reader).search("zanzibar salaries same words", 50, mode)


def by_id(line: Line, reader: Reader | None) -> Any:
    (key,) = [row["chunk_id"] for row in line.rows("chunks") if row["path"] == PATH]
    return opened(line, reader).show(key).lines


def by_sql(statement: str) -> Callable[[Line, Reader | None], Any]:
    return lambda line, reader: run_sql(line.home, statement, reader=reader)[1].rows


def why(line: Line, reader: Reader | None) -> Any:
    return [step.says for step in opened(line, reader).why_not("crowns", PATH).steps]


def by_tool(name: str, **arguments: Any) -> Callable[[Line, Reader | None], Any]:
    def call(line: Line, reader: Reader | None) -> Any:
        tools = knowledge_catalog(line.home, reader=reader, embedder=line.embedder)
        return tools.call(name, arguments).data

    return call


WAYS: dict[str, Callable[[Line, Reader | None], Any]] = {
    "hybrid search": found_by(Mode.HYBRID),
    "keyword search": found_by(Mode.KEYWORD),
    "vector search": found_by(Mode.VECTOR),
    "search within the source": lambda line, reader: opened(line, reader).search(
        "salaries", where={"source": "private"}
    ),
    "query": lambda line, reader: opened(line, reader).query("zanzibar salaries"),
    "ask": lambda line, reader: opened(line, reader).ask("What are Zanzibar salaries a month?").sentences,
    "get_context": lambda line, reader: opened(line, reader).get_context("zanzibar salaries"),
    "show by path": lambda line, reader: opened(line, reader).show(f"{PATH}:1-3").lines,
    "show by chunk id": by_id,
    "sql over documents": by_sql("SELECT path, text FROM documents"),
    "sql over chunks": by_sql("SELECT path, text FROM chunks"),
    "sql over embeddings": by_sql("SELECT source, path FROM embeddings"),
    "sql over sources": by_sql("SELECT source, place FROM sources"),
    "status": lambda line, reader: status(line.home, reader=reader).model_dump(exclude={"home"}),
    "changes": lambda line, reader: changes(line.home, 1, reader=reader).changes,
    "duplicates": lambda line, reader: find_duplicates(Snapshot.open(line.home, reader=reader), 0.1),
    "the search tool": by_tool("knowledge.search", query="zanzibar salaries"),
    "the status tool": by_tool("knowledge.status"),
    "release 1": lambda line, reader: opened(line, reader, 1).search("zanzibar salaries", 50),
}
MARKS = ("anzibar", "private", "crowns")


@pytest.mark.parametrize("way", WAYS)
def test_no_way_leads_a_stranger_to_a_hidden_document(split: Line, tmp_path: Path, way: str) -> None:
    (tmp_path / "private" / "news.md").write_text("# Zanzibar\n\nNews of the zanzibar crowns.\n")
    split.run()  # so that release 1 is old, and there is a change to tell
    assert any(mark in told(WAYS[way](split, None)) for mark in MARKS)
    assert any(mark in told(WAYS[way](split, INSIDER)) for mark in MARKS)
    for reader in (NOBODY, STRANGER):
        try:
            seen = told(WAYS[way](split, reader))
        except CitationNotFound as error:
            seen = error.message.replace(PATH, "") if "id" not in way else ""
        assert not any(mark in seen for mark in MARKS), seen


def test_why_not_says_the_same_of_a_hidden_document_and_of_none(split: Line) -> None:
    (hidden,) = opened(split, STRANGER).why_not("crowns", PATH).steps
    (absent,) = opened(split, STRANGER).why_not("crowns", "nothere.md").steps
    assert hidden.says.replace(PATH, "") == absent.says.replace("nothere.md", "")


def test_what_everybody_sees_is_found_by_a_stranger(split: Line) -> None:
    (first, *_) = opened(split, STRANGER).search("canteen soup")
    assert first.path == "menu.md"


def test_a_repeat_in_a_hidden_source_is_not_told(split: Line) -> None:
    def repeats(reader: Reader | None) -> list[str]:
        (hit,) = (hit for hit in opened(split, reader).search("same words both places") if hit.path == "copy.txt")
        return [place.path for place in hit.also_in]

    assert repeats(INSIDER) == ["copy.txt"]
    assert repeats(STRANGER) == []


def test_counts_are_of_what_a_reader_sees(split: Line) -> None:
    assert opened(split, None).get_stats()["tracked_files"] == 4
    assert opened(split, STRANGER).get_stats()["tracked_files"] == 2
    assert opened(split, STRANGER).get_manifest_status()["tracked_files"] == 2
    seen = status(split.home, reader=STRANGER)
    assert (seen.counts["documents"], seen.counts["chunks"], list(seen.sources)) == (2, 2, ["docs"])
    assert run_sql(split.home, "SELECT count(*) FROM documents", reader=STRANGER)[1].rows == [(2,)]


@pytest.mark.parametrize("table", ["quarantine", "entries", "releases", "questions", "answers", "gate_results"])
def test_tables_that_tell_of_everybody_are_not_there_for_a_reader(split: Line, table: str) -> None:
    run_sql(split.home, f"SELECT * FROM {table}")
    with pytest.raises(ConfigurationError, match="no table"):
        run_sql(split.home, f"SELECT * FROM {table}", reader=INSIDER)


def test_gaps_are_refused_to_a_reader(split: Line) -> None:
    with pytest.raises(AccessRefused):
        opened(split, INSIDER).gaps()


def test_a_receipt_of_a_hidden_quote_does_not_verify_for_a_stranger(split: Line) -> None:
    insider = opened(split, INSIDER)
    raw = receipt_bytes(insider.receipt(insider.ask("What are Zanzibar salaries a month?")))
    assert verify_receipt(split.home, raw, INSIDER).verified
    found = verify_receipt(split.home, raw, STRANGER)
    assert not found.verified
    assert all("crowns" not in each.reason for each in found.failures)


def test_tags_tightened_later_hold_for_older_releases(split: Line) -> None:
    tag(split, "[]")
    split.run()
    assert "crowns" in told(opened(split, STRANGER).search("zanzibar"))
    open_to_all = opened(split, STRANGER).release
    tag(split, '["hr"]')
    assert "crowns" not in told(opened(split, STRANGER).search("zanzibar")), "before the next ingest"
    split.run()
    assert "crowns" not in told(opened(split, STRANGER, open_to_all).search("zanzibar"))
    assert "crowns" in told(opened(split, INSIDER, open_to_all).search("zanzibar"))


def test_tags_loosened_later_do_not_open_older_releases(split: Line) -> None:
    tag(split, "[]")
    split.run()
    assert "crowns" in told(opened(split, STRANGER).search("zanzibar"))
    assert "crowns" not in told(opened(split, STRANGER, 1).search("zanzibar"))


def test_hidden_sources_are_left_out_before_the_best_are_taken(
    split: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(150):
        (tmp_path / "private" / f"canteen{number}.md").write_text(f"canteen soup {number}, canteen soup\n")
    split.run()
    for mode in Mode:
        assert [hit.path for hit in opened(split, STRANGER).search("canteen soup", 1, mode)] == ["menu.md"]


def test_a_registry_that_cannot_be_read_shows_nothing_to_readers(split: Line) -> None:
    split.home.sources.write_text("{")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        opened(split, INSIDER)


@pytest.mark.parametrize(
    "command",
    [["search", "zanzibar", "--mode", "keyword"], ["status"], ["changes", "--since", "1"], ["duplicates"]],
)
def test_the_commands_read_as_somebody(split: Line, command: list[str]) -> None:
    done = CliRunner().invoke(app, [*command, "--home", str(split.home.root), "--json", "--as", "sales"])
    assert done.exit_code == 0, done.output
    assert not any(mark in done.stdout.replace(str(split.home.root), "") for mark in MARKS)


def test_a_tag_that_is_none_is_refused(home: Home) -> None:
    done = CliRunner().invoke(app, ["search", "x", "--home", str(home.root), "--as", "two words"])
    assert isinstance(done.exception, ConfigurationError)
    assert "is not a valid tag" in str(done.exception)


def test_a_set_of_values_narrows_a_keyword_search(split: Line) -> None:
    generation = split.home.keyword / Snapshot.open(split.home).release.keyword.generation
    index = KeywordIndex.open(generation, ("source", "path", "language", "kind"))
    assert index.search("zanzibar", 5, among={"source": []}) == []
    assert len(index.search("zanzibar", 5, among={"source": ["docs", "private"]})) == 1
