"""Access tags: a viewer without the tag of a source sees nothing of it, in any search, table or command."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import BaseModel
from typer.testing import CliRunner

from native.tantivy_index import KeywordIndex
from omni_pipelines.cli.main import app
from omni_pipelines.configuration import load_settings
from omni_pipelines.errors import AccessRefused, CitationNotFound, ConfigurationError
from omni_pipelines.home import Home
from omni_pipelines.knowledge.answers.receipts import receipt_bytes
from omni_pipelines.knowledge.answers.verification import verify_receipt
from omni_pipelines.knowledge.legacy_librarian import LegacyLibrarian
from omni_pipelines.knowledge.librarian_tools import knowledge_catalog
from omni_pipelines.knowledge.search.duplicates import find_duplicates
from omni_pipelines.knowledge.search.options import Mode
from omni_pipelines.knowledge.sql import run_sql
from omni_pipelines.knowledge.state.access import Viewer
from omni_pipelines.knowledge.state.changes import compare_releases
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.knowledge.state.status import status
from omni_pipelines.operations.alerts import TroubleFound, tell
from tests.integration.line import Line, Original, write

SECRET = "Zanzibar salaries are ninety crowns a month, said the zebra."
SHARED = "The canteen serves soup on Mondays, and on Fridays there is fish."
PATH = "zanzibar.md"
Search = Callable[[Line, Viewer | None], object]
NOBODY, STRANGER, INSIDER = Viewer.of([]), Viewer.of(["sales"]), Viewer.of(["hr", "eu"])


pytestmark = pytest.mark.usefixtures("statements_in_this_process")


def fill(line: Line, docs: Path) -> None:
    """Two sources: `private` with a tag, `docs` without; one text is in both."""
    for name, files in {
        "docs": {"menu.md": f"# Menu\n\n{SHARED}\n", "copy.txt": "The same words stand in both places here."},
        "private": {PATH: f"# Zanzibar\n\n{SECRET}\n", "copy.txt": "The same words stand in both places here."},
    }.items():
        line.add(write(docs / name, files))
    set_tags(line, '["hr"]')
    line.run()


def fill_twice(line: Line, docs: Path) -> None:
    """A second release, so that release 1 is old, and there are changes to report."""
    fill(line, docs)
    write(docs, {"private/news.md": "# Zanzibar\n\nNews of the zanzibar crowns.\n"})
    line.run()


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Original:
    return Original.filled(tmp_path_factory.mktemp("access"), fill_twice)


@pytest.fixture
def split(original: Original, home: Home) -> Line:
    return original.copy(home)


def set_tags(line: Line, tags: str) -> None:
    line.home.config.write_text(f"[sources.private]\nacl = {tags}\n")
    line.settings = line.settings.model_copy(update={"sources": load_settings(line.home).sources})


def opened(line: Line, viewer: Viewer | None, release: int | None = None) -> LegacyLibrarian:
    return LegacyLibrarian.open(line.home, release, viewer=viewer, embedder=line.embedder)


def as_json(value: object) -> str:
    return json.dumps(value, default=lambda each: each.model_dump() if isinstance(each, BaseModel) else str(each))


def found_by(mode: Mode) -> Search:
    return lambda line, viewer: opened(line, viewer).search("zanzibar salaries same words", 50, mode)


def by_id(line: Line, viewer: Viewer | None) -> object:
    (key,) = [row["chunk_id"] for row in line.rows("chunks") if row["path"] == PATH]
    return opened(line, viewer).show(key).lines


def by_sql(statement: str) -> Search:
    return lambda line, viewer: run_sql(line.home, statement, viewer=viewer)[1].rows


def why(line: Line, viewer: Viewer | None) -> object:
    return [step.says for step in opened(line, viewer).why_not("crowns", PATH).steps]


def by_tool(name: str, **arguments: object) -> Search:
    def call(line: Line, viewer: Viewer | None) -> object:
        tools = knowledge_catalog(line.home, viewer=viewer, embedder=line.embedder)
        return tools.call(name, arguments).data

    return call


SEARCHES: dict[str, Search] = {
    "hybrid search": found_by(Mode.HYBRID),
    "keyword search": found_by(Mode.KEYWORD),
    "vector search": found_by(Mode.VECTOR),
    "search within the source": lambda line, viewer: opened(line, viewer).search(
        "salaries", where={"source": "private"}
    ),
    "query": lambda line, viewer: opened(line, viewer).query("zanzibar salaries"),
    "ask": lambda line, viewer: opened(line, viewer).ask("What are Zanzibar salaries a month?").sentences,
    "get_context": lambda line, viewer: opened(line, viewer).get_context("zanzibar salaries"),
    "show by path": lambda line, viewer: opened(line, viewer).show(f"{PATH}:1-3").lines,
    "show by chunk id": by_id,
    "sql over documents": by_sql("SELECT path, text FROM documents"),
    "sql over chunks": by_sql("SELECT path, text FROM chunks"),
    "sql over embeddings": by_sql("SELECT source, path FROM embeddings"),
    "sql over sources": by_sql("SELECT source, place FROM sources"),
    "status": lambda line, viewer: status(line.home, viewer=viewer).model_dump(exclude={"home"}),
    "changes": lambda line, viewer: compare_releases(line.home, 1, viewer=viewer).changes,
    "duplicates": lambda line, viewer: find_duplicates(Snapshot.open(line.home, viewer=viewer), 0.1),
    "the search tool": by_tool("knowledge.search", query="zanzibar salaries"),
    "the status tool": by_tool("knowledge.status"),
    "release 1": lambda line, viewer: opened(line, viewer, 1).search("zanzibar salaries", 50),
}
MARKS = ("anzibar", "private", "crowns")


@pytest.mark.parametrize("name", SEARCHES)
def test_no_search_shows_a_hidden_document_to_a_stranger(second: Original, home: Home, name: str) -> None:
    split = second.copy(home)
    assert any(mark in as_json(SEARCHES[name](split, None)) for mark in MARKS)
    assert any(mark in as_json(SEARCHES[name](split, INSIDER)) for mark in MARKS)
    for viewer in (NOBODY, STRANGER):
        try:
            seen = as_json(SEARCHES[name](split, viewer))
        except CitationNotFound as error:
            seen = error.message.replace(PATH, "") if "id" not in name else ""
        assert not any(mark in seen for mark in MARKS), seen


def test_why_not_describes_a_hidden_document_like_a_missing_one(split: Line) -> None:
    (hidden,) = opened(split, STRANGER).why_not("crowns", PATH).steps
    (absent,) = opened(split, STRANGER).why_not("crowns", "nothere.md").steps
    assert hidden.says.replace(PATH, "") == absent.says.replace("nothere.md", "")


def test_stranger_finds_documents_without_tags(split: Line) -> None:
    (first, *_) = opened(split, STRANGER).search("canteen soup")
    assert first.path == "menu.md"


def test_duplicate_in_a_hidden_source_is_not_shown(split: Line) -> None:
    def repeats(viewer: Viewer | None) -> list[str]:
        (hit,) = (hit for hit in opened(split, viewer).search("same words both places") if hit.path == "copy.txt")
        return [other.path for other in hit.also_in]

    assert repeats(INSIDER) == ["copy.txt"]
    assert repeats(STRANGER) == []


def test_counts_include_visible_documents_only(split: Line) -> None:
    assert opened(split, None).get_stats()["tracked_files"] == 4
    assert opened(split, STRANGER).get_stats()["tracked_files"] == 2
    assert opened(split, STRANGER).get_manifest_status()["tracked_files"] == 2
    seen = status(split.home, viewer=STRANGER)
    assert (seen.counts["documents"], seen.counts["chunks"], list(seen.sources)) == (2, 2, ["docs"])
    assert run_sql(split.home, "SELECT count(*) FROM documents", viewer=STRANGER)[1].rows == [(2,)]


@pytest.mark.parametrize("table", ["quarantine", "entries", "releases", "questions", "answers", "gate_results"])
def test_tables_about_all_viewers_do_not_exist_for_a_viewer(split: Line, table: str) -> None:
    run_sql(split.home, f"SELECT * FROM {table}")
    with pytest.raises(ConfigurationError, match="no table"):
        run_sql(split.home, f"SELECT * FROM {table}", viewer=INSIDER)


def test_gaps_are_refused_to_a_viewer(split: Line) -> None:
    with pytest.raises(AccessRefused):
        opened(split, INSIDER).gaps()


def test_receipt_of_a_hidden_quote_cannot_be_checked_by_a_stranger(split: Line) -> None:
    insider = opened(split, INSIDER)
    raw = receipt_bytes(insider.receipt(insider.ask("What are Zanzibar salaries a month?")))
    assert verify_receipt(split.home, raw, INSIDER).verified
    verification = verify_receipt(split.home, raw, STRANGER)
    assert (verification.verified, verification.failures) == (False, ())
    assert "this viewer may not see it" in verification.unproven[0]
    assert "crowns" not in verification.model_dump_json()


def test_tightened_tags_apply_to_older_releases(split: Line) -> None:
    set_tags(split, "[]")
    split.run()
    assert "crowns" in as_json(opened(split, STRANGER).search("zanzibar"))
    public_release = opened(split, STRANGER).release
    set_tags(split, '["hr"]')
    assert "crowns" not in as_json(opened(split, STRANGER).search("zanzibar")), "before the next ingest"
    split.run()
    assert "crowns" not in as_json(opened(split, STRANGER, public_release).search("zanzibar"))
    assert "crowns" in as_json(opened(split, INSIDER, public_release).search("zanzibar"))


def test_loosened_tags_do_not_open_older_releases(split: Line) -> None:
    set_tags(split, "[]")
    split.run()
    assert "crowns" in as_json(opened(split, STRANGER).search("zanzibar"))
    assert "crowns" not in as_json(opened(split, STRANGER, 1).search("zanzibar"))


def test_hidden_sources_are_excluded_before_the_best_are_chosen(split: Line, original: Original) -> None:
    for number in range(150):
        (original.docs / "private" / f"canteen{number}.md").write_text(f"canteen soup {number}, canteen soup\n")
    split.run()
    for mode in Mode:
        assert [hit.path for hit in opened(split, STRANGER).search("canteen soup", 1, mode)] == ["menu.md"]


def test_unreadable_registry_shows_nothing_to_viewers(split: Line) -> None:
    split.home.sources.write_text("{")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        opened(split, INSIDER)


@pytest.mark.parametrize(
    "command",
    [["search", "zanzibar", "--mode", "keyword"], ["status"], ["changes", "--since", "1"], ["duplicates"]],
)
def test_commands_with_as_hide_documents(split: Line, command: list[str]) -> None:
    done = CliRunner().invoke(app, [*command, "--home", str(split.home.root), "--json", "--as", "sales"])
    assert done.exit_code in (0, 1), done.output  # 1: a search without hits
    assert not any(mark in done.stdout.replace(str(split.home.root), "") for mark in MARKS)


def test_status_shows_alerts_to_the_owner_only(split: Line) -> None:
    tell(split.home, [TroubleFound(key="check:documents.schema", title="zanzibar is wrong")], [], [])
    command = ["status", "--home", str(split.home.root)]
    for viewer, is_shown in (([], True), (["--as", "sales"], False)):
        for form in ([], ["--json"]):
            done = CliRunner().invoke(app, [*command, *viewer, *form])
            assert ("zanzibar is wrong" in done.stdout) is is_shown


def test_invalid_tag_is_refused(home: Home) -> None:
    done = CliRunner().invoke(app, ["search", "x", "--home", str(home.root), "--as", "two words"])
    assert isinstance(done.exception, ConfigurationError)
    assert "is not a valid tag" in str(done.exception)


def test_keyword_search_is_limited_to_a_set_of_sources(split: Line) -> None:
    generation = split.home.keyword / Snapshot.open(split.home).release.keyword.generation
    index = KeywordIndex.open(generation, ("source", "path", "language", "kind"))
    assert index.search("zanzibar", 5, among={"source": []}) == []
    assert len(index.search("zanzibar", 5, among={"source": ["docs", "private"]})) == 1
