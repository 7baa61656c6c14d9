"""Forgetting leaves nothing: not in rows, versions, indexes, releases, histories or bytes; and it can be proved."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
import zipfile
from contextlib import closing
from pathlib import Path

import orjson
import pytest
from click.testing import Result
from typer.testing import CliRunner

from native.errors import EngineError
from native.lance_tables import LanceTable
from native.tantivy_index import KeywordIndex
from omni_pipelines import ids
from omni_pipelines.audit_lines import ERASED, AuditEntry
from omni_pipelines.audit_log import audit_log
from omni_pipelines.cli.main import app
from omni_pipelines.erasure import erase as forget_module
from omni_pipelines.erasure.certificates import find_certificate
from omni_pipelines.erasure.erase import erase, find_traces
from omni_pipelines.erasure.residue import search_bytes
from omni_pipelines.erasure.run_history import REDACTED
from omni_pipelines.errors import ConfigurationError, NotForgotten, NothingNamed
from omni_pipelines.home import Home
from omni_pipelines.knowledge.search.options import Mode
from omni_pipelines.knowledge.state import journal
from omni_pipelines.knowledge.state.pins import list_pins, pin
from omni_pipelines.knowledge.state.releases import newest_release, release_numbers
from omni_pipelines.knowledge.state.unread_files import read_unread
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.records import Certificate
from omni_pipelines.schemas import ANSWERS, FILTERS, QUESTIONS, TABLES
from omni_pipelines.sources.registry import load_sources
from omni_pipelines.steps.vector_index import build_vector_index
from tests.integration.line import Line, Original, paragraph, texts, write

SECRET = "# Plan\n\nThe moonlight casserole is cooked by Ottilie Brandenburger in March.\n\n" + paragraph(
    "casserole", 3
)


def forgotten(line: Line, target: str) -> Certificate:
    with writer_session(line.home, line.settings):
        return erase(line.context, target)[0]


def fill(line: Line, docs: Path) -> None:
    """Two releases: one with two documents, one with a secret as well."""
    write(docs, {"badger.md": paragraph("badger"), "sub/gecko.md": paragraph("gecko")})
    line.add(docs)
    line.run()
    write(docs, {"secret/plan.md": SECRET})
    line.run()


@pytest.fixture
def told(original: Original, home: Home) -> Line:
    return original.copy(home)


def everything(line: Line) -> str:
    """All texts in all files of all versions of all tables."""
    found = []
    for name in ("documents", "chunks"):
        each = LanceTable(line.home.table(name))
        for version in each.versions():
            found += [str(batch.column(0).to_pylist()) for batch in each.physical_batches(["text"], version)]
    return "\n".join(found)


def test_a_forgotten_document_is_in_no_row_of_any_version(told: Line) -> None:
    assert "moonlight casserole" in everything(told)
    forgotten(told, "secret/plan.md")
    assert "casserole" not in everything(told)
    assert "badger number 1" in everything(told)


def test_a_forgotten_document_is_not_found_and_all_else_is(told: Line) -> None:
    before = {hit.text for hit in told.search("badger shed keepers gecko", Mode.KEYWORD, 50)}
    forgotten(told, "secret/plan.md")
    for mode in Mode:
        assert all("casserole" not in hit.text for hit in told.search("moonlight casserole", mode, 50))
    after = {hit.text for hit in told.search("badger shed keepers gecko", Mode.KEYWORD, 50)}
    assert after == {text for text in before if "casserole" not in text}


def test_files_that_it_shares_with_others_are_written_anew(line: Line, tmp_path: Path) -> None:
    """All documents came with one commit: one data file a table, and one segment of the keyword index."""
    files = {"badger.md": paragraph("badger"), "secret.md": SECRET, "gecko.md": paragraph("gecko")}
    line.add(write(tmp_path / "docs", files))
    line.run()
    forgotten(line, "secret.md")
    for name in ("documents", "chunks", "embeddings"):
        dataset = LanceTable(line.home.table(name)).open()
        assert sum(fragment.physical_rows for fragment in dataset.get_fragments()) == dataset.count_rows() > 0
    release = newest_release(line.home)
    assert release is not None
    assert KeywordIndex.open(line.home.keyword / release.keyword.generation, FILTERS).erased
    assert release.keyword.entries == release.counts["chunks"]


def test_a_hidden_row_is_seen_as_long_as_it_lies_in_a_file(line: Line, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    line.add(write(docs, {"badger.md": paragraph("badger"), "secret.md": SECRET}))
    line.run()
    (docs / "secret.md").unlink()
    line.run()
    assert find_traces(line.context, "secret.md").releases == (2, 1)
    assert "casserole" in everything(line)
    forgotten(line, "secret.md")
    assert "casserole" not in everything(line)


def test_releases_that_hold_it_are_dropped_and_older_ones_stay(told: Line) -> None:
    certificate = forgotten(told, "secret/plan.md")
    assert certificate.dropped_releases == [2]
    assert release_numbers(told.home) == [1, 3]
    assert told.librarian(1).search("gecko")


def test_a_release_that_only_deleted_it_counts(told: Line, docs: Path) -> None:
    """No row of it is left in that release, but the filter that deleted it stands in the table's history."""
    (docs / "secret" / "plan.md").unlink()
    told.run()
    forgotten(told, "secret/plan.md")
    assert "casserole" not in everything(told)
    assert release_numbers(told.home) == [1, 4]


def test_an_older_text_of_the_document_goes_as_well(told: Line, docs: Path) -> None:
    write(docs, {"secret/plan.md": "# Plan\n\nNothing is planned for March, says the kitchen."})
    told.run()
    forgotten(told, "secret/plan.md")
    assert "casserole" not in everything(told)
    assert search_bytes(told.home, [b"moonlight casserole"]).found == ()


def test_an_older_name_of_the_same_text_goes_as_well(told: Line, docs: Path) -> None:
    (docs / "secret" / "plan.md").rename(docs / "renamed.md")
    told.run()
    forgotten(told, "renamed.md")
    assert "casserole" not in everything(told)


def test_no_byte_of_an_id_or_a_line_is_left(told: Line) -> None:
    key = ids.document_id("docs", "secret/plan.md").encode()
    assert search_bytes(told.home, [key]).found != ()
    forgotten(told, "secret/plan.md")
    assert search_bytes(told.home, [key, b"secret/plan", b"Ottilie"]).found == ()


def test_an_ingest_does_not_bring_it_back(told: Line, docs: Path) -> None:
    forgotten(told, "secret/plan.md")
    told.add(docs)
    told.run()
    write(docs, {"secret/plan.md": SECRET + "\n\nNow with onions.\n", "new.md": "A new one about herons."})
    told.run()
    assert "casserole" not in everything(told)
    assert {row["path"] for row in told.rows("documents", "path")} == {"badger.md", "sub/gecko.md", "new.md"}


def test_what_is_inside_a_file_is_forgotten_with_it_or_alone(line: Line, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    for name in ("a.zip", "b.zip"):
        with zipfile.ZipFile(docs / name, "w") as archive:
            archive.writestr("one.md", "Words about walruses.")
            archive.writestr("two.md", "Words about otters.")
    line.add(docs)
    line.run()
    forgotten(line, "a.zip")
    forgotten(line, "b.zip/one.md")
    assert "one.md" not in everything(line)
    line.run()
    assert list(texts(line)) == ["b.zip", "b.zip/two.md"]
    (docs / "b.zip").touch()
    line.run()
    assert list(texts(line)) == ["b.zip", "b.zip/two.md"]
    assert "one.md" not in everything(line)


def test_a_folder_around_it_does_not_bring_it_back(told: Line, docs: Path) -> None:
    forgotten(told, "secret/plan.md")
    told.add(docs.parent)
    told.run(allow_delete=True)
    assert [source.root for source in load_sources(told.home)] == [docs.parent]
    assert "casserole" not in everything(told)
    assert "badger number 1" in everything(told)


def test_its_own_file_named_again_brings_it_back(told: Line, docs: Path) -> None:
    forgotten(told, "secret/plan.md")
    told.add(docs / "secret" / "plan.md")
    told.run()
    assert told.search("moonlight casserole", Mode.KEYWORD)


def test_a_source_is_forgotten_whole_until_it_is_named_again(told: Line, docs: Path) -> None:
    more = write(docs.parent / "more", {"otter.md": paragraph("otter")})
    told.add(more)
    told.run()
    certificate = forgotten(told, "more")
    assert (certificate.kind, [source.name for source in load_sources(told.home)]) == ("source", ["docs"])
    told.run()
    assert "otter" not in everything(told)
    told.add(more)
    told.run()
    assert "otter" in everything(told)


def test_the_last_source_leaves_an_empty_base(told: Line, docs: Path) -> None:
    forgotten(told, str(docs))
    release = newest_release(told.home)
    assert release is not None
    assert release.counts == {"documents": 0, "chunks": 0, "embeddings": 0}
    assert told.search("badger", Mode.KEYWORD) == []


def test_a_file_in_quarantine_is_forgotten(told: Line, docs: Path) -> None:
    write(docs, {"broken.md": b"\0\1\2 not a text"})
    told.run()
    assert told.rows("quarantine", "path") == [{"path": "broken.md"}]
    forgotten(told, "broken.md")
    told.run()
    assert told.rows("quarantine", "path") == []


def test_the_name_of_a_file_that_is_not_read_is_forgotten(told: Line, docs: Path) -> None:
    write(docs, {"Ottilie.bak": "x", "other.bak": "x", ".gitignore": "*.bak\nsecret/*.md\n"})
    told.run(allow_delete=True)
    assert {file.path for file in read_unread(told.home)["docs"]} >= {"Ottilie.bak", "secret/plan.md"}
    for target in ("docs/Ottilie.bak", "secret/plan.md"):
        certificate = forgotten(told, target)
        counts = {place.place: (place.before, place.after) for place in certificate.places}
        assert counts["list of unread files"] == (1, 0)
    told.run()
    assert [file.path for file in read_unread(told.home)["docs"]] == [".gitignore", "other.bak"]
    forgotten(told, "docs")
    assert b"other" not in told.home.unread_files.read_bytes()


def test_files_moved_aside_by_recovery_go(told: Line) -> None:
    aside = told.home.quarantine / "documents.lance.1"
    write(aside, {"data/x.lance": "moonlight casserole"})
    forgotten(told, "secret/plan.md")
    assert not aside.exists()


def test_a_pin_does_not_keep_what_is_forgotten(told: Line) -> None:
    pin(told.home, 2, "keep")
    forgotten(told, "secret/plan.md")
    assert (release_numbers(told.home), list_pins(told.home)) == ([1, 3], {})


def test_an_erasure_builds_the_vector_index_again(told: Line) -> None:
    with writer_session(told.home, told.settings):
        build_vector_index(told.context, "ivf_flat")
    told.run()
    indexes = told.home.table("embeddings") / "_indices"
    before = {path.name for path in indexes.iterdir()}
    assert before
    forgotten(told, "secret/plan.md")
    assert before.isdisjoint(path.name for path in indexes.iterdir())
    assert told.search("badger", Mode.VECTOR)


# --- histories and logs


def test_run_histories_are_blacked_out_and_stay_readable(told: Line) -> None:
    event = {"step_key": "documents", "number": 3, "preview": "| secret/plan\\.md:1-3 | The moonlight casserole |"}
    other = {"step_key": "chunks", "preview": "| badger.md:1-3 |"}
    database = told.home.dagster / "history" / "runs" / "index.db"
    database.parent.mkdir(parents=True)
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("CREATE TABLE event_logs (id INTEGER PRIMARY KEY, event TEXT)")
        connection.executemany(
            "INSERT INTO event_logs (event) VALUES (?)", [(json.dumps(event),), (json.dumps(other),)]
        )
    forgotten(told, "secret/plan.md")
    with closing(sqlite3.connect(database)) as connection:
        rows = [json.loads(row) for (row,) in connection.execute("SELECT event FROM event_logs")]
    assert rows == [{**event, "preview": REDACTED}, other]
    assert b"casserole" not in database.read_bytes()


def test_lines_of_logs_are_blacked_out_in_their_length(told: Line) -> None:
    lines = "reading\nfile:///x/secret/plan.md cannot be looked into\ndone\n"
    write(told.home.logs, {"dev.log": lines})
    forgotten(told, "secret/plan.md")
    text = (told.home.logs / "dev.log").read_text()
    assert text.splitlines()[::2] == ["reading", "done"]
    assert set(text.splitlines()[1]) == {"x"}
    assert len(text) == len(lines)


# --- the certificate


def test_the_certificate_counts_what_was_there_and_tells_no_name(told: Line) -> None:
    certificate = forgotten(told, "secret/plan.md")
    file = next(told.home.certificates.glob("*.json"))
    document = orjson.loads(file.read_bytes())
    assert (
        document["sha256"] == hashlib.sha256(orjson.dumps(document["body"], option=orjson.OPT_SORT_KEYS)).hexdigest()
    )
    assert Certificate.model_validate(document["body"]) == certificate
    assert {place.place for place in certificate.places} >= {f"table {name}" for name in TABLES}
    assert all(place.after == 0 for place in certificate.places)
    assert next(place for place in certificate.places if place.place == "table chunks").before > 0
    assert b"plan" not in file.read_bytes().replace(b"explan", b"")
    key = ids.document_id("docs", "secret/plan.md")
    assert hashlib.sha256(key.encode()).hexdigest() in {record.id_sha256 for record in certificate.records}


def test_who_forgets_again_gets_the_certificate(told: Line, docs: Path) -> None:
    forgotten(told, "secret/plan.md")
    told.run()  # the file is still there, and is left out
    (file,) = told.home.certificates.glob("*.json")
    key = ids.document_id("docs", "secret/plan.md")
    for name in ("secret/plan.md", "docs/secret/plan.md", str(docs / "secret/plan.md"), key):
        for how in ("--yes", "--dry-run"):
            done = forget_again(told, name, how)
            assert (done.exit_code, "it was already erased, at " in done.stdout) == (0, True), done.output
            assert str(file) in done.stdout
    assert isinstance(forget_again(told, "badger.md.old").exception, NothingNamed)

    told.add(docs / "secret" / "plan.md")  # it is a document of another source now
    told.run()
    assert isinstance(forget_again(told, "secret/plan.md").exception, NothingNamed)
    forgotten(told, str(docs / "secret/plan.md"))
    assert len(list(told.home.certificates.glob("*.json"))) == 2

    for file in told.home.certificates.glob("*.json"):
        file.write_bytes(file.read_bytes().replace(b'"document"', b'"source"', 1))
    assert find_certificate(told.home, "secret/plan.md") is None


def forget_again(line: Line, name: str, how: str = "--yes") -> Result:
    return CliRunner().invoke(app, ["forget", name, how, "--home", str(line.home.root.parent)])


def test_copies_in_other_documents_are_counted_and_stay(told: Line, docs: Path) -> None:
    write(docs, {"copy.md": SECRET})
    told.run()
    assert forgotten(told, "secret/plan.md").copies_left == 1
    assert {hit.path for hit in told.search("moonlight casserole", Mode.KEYWORD)} == {"copy.md"}


def test_looking_changes_nothing(told: Line) -> None:
    versions = told.versions()
    found = find_traces(told.context, "secret/plan.md")
    assert found.places["table documents", "rows of every version, deleted ones too"] >= 1
    assert found.releases == (2,)
    assert (told.versions(), release_numbers(told.home)) == (versions, [1, 2])


def test_what_is_found_afterwards_is_said_and_not_certified(told: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forget_module, "redact_history", lambda _home, _telltale, *, write: 0 if write else 7)
    with pytest.raises(NotForgotten, match="run history and logs: 7"):
        forgotten(told, "secret/plan.md")
    assert list(told.home.certificates.glob("*.json")) == []


@pytest.mark.parametrize("step", ["_rebuild", "publish", "_drop_releases", "_moved_aside", "_certificate"])
def test_a_forget_that_was_killed_is_finished_by_the_next(
    told: Line, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def dies(*_args: object, **_options: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(forget_module, step, dies)
        with pytest.raises(KeyboardInterrupt):
            forgotten(told, "secret/plan.md")
    assert told.librarian().search("badger", mode=Mode.KEYWORD)
    certificate = forgotten(told, "secret/plan.md")
    assert "casserole" not in everything(told)
    before = {place.place: place.before for place in certificate.places}
    assert (before["table documents"] > 0, certificate.dropped_releases) == (True, [2])
    assert {each.table for each in certificate.records} == {"documents", "chunks", "embeddings"}
    assert not told.home.erasure_plans.exists()


def test_questions_that_quote_or_cite_it_are_forgotten_with_their_answers(told: Line) -> None:
    for question in (
        "Who cooks the moonlight casserole?",  # its answer cites
        "Is it true that The moonlight casserole is cooked by Ottilie in May?",  # quotes
        "Where is the badger number 1 kept?",
    ):
        told.librarian().ask(question)
    assert len({row["question_id"] for row in journal.lines(told.home, ANSWERS)}) >= 2
    certificate = forgotten(told, "secret/plan.md")
    asked = [row["question"] for row in journal.lines(told.home, QUESTIONS)]
    assert asked == ["Where is the badger number 1 kept?"]
    (left,) = journal.lines(told.home, QUESTIONS)
    assert {row["question_id"] for row in journal.lines(told.home, ANSWERS)} == {left["question_id"]}
    (place,) = [each for each in certificate.places if each.place == "journal of questions"]
    assert (place.before >= 3, place.after) == (True, 0)


def test_audit_log_keeps_the_calls_and_loses_what_they_quote(told: Line) -> None:
    log = audit_log(told.home)
    for arguments in ('{"path":"secret/plan.md"}', '{"path":"other.md"}'):
        log.append(AuditEntry(event="decision", session="s", call="c", tool="files.read", arguments=arguments))
    certificate = forgotten(told, "secret/plan.md")
    place = next(each for each in certificate.places if each.place == "audit log")
    assert (place.before, place.after) == (1, 0)
    assert [line.entry.arguments for line in log.lines()] == [ERASED, '{"path":"other.md"}', ""]
    assert log.verify().problems == ()


def test_sessions_of_the_agent_that_quote_it_are_deleted_and_no_others(told: Line) -> None:
    for name, query in (("secret", "casserole"), ("other", "badger number 1")):
        [hit, *_] = told.librarian().search(query, k=1, mode=Mode.KEYWORD)
        texts = told.home.sessions / name / "texts"
        texts.mkdir(parents=True)
        (texts / "output").write_text(hit.chunk_id)
    certificate = forgotten(told, "secret/plan.md")
    assert [path.name for path in told.home.sessions.iterdir()] == ["other"]
    (place,) = [each for each in certificate.places if each.place == "sessions of the agent"]
    assert (place.before, place.after) == (1, 0)


# --- what is meant


@pytest.mark.parametrize(
    "name", ["secret/plan.md", "plan.md", "{docs}/secret/plan.md", "file://{docs}/secret/plan.md"]
)
def test_a_document_is_named_in_many_ways(told: Line, docs: Path, name: str) -> None:
    scope = find_traces(told.context, name.format(docs=docs)).scope
    assert [row.path for row in scope.documents] == ["secret/plan.md"]


def test_an_unknown_or_unclear_name_is_refused(told: Line, docs: Path) -> None:
    with pytest.raises(ConfigurationError, match="no source or document named"):
        find_traces(told.context, "nothing.md")
    write(docs, {"other/plan.md": "Another plan altogether."})
    told.run()
    with pytest.raises(ConfigurationError, match="matches 2 documents"):
        find_traces(told.context, "plan.md")


def test_librarians_answer_while_others_forget(told: Line) -> None:
    """One that was opened before may be told to open the newest release; that one answers, at every moment."""
    stop, wrong, answers = threading.Event(), [], 0

    def read() -> None:
        nonlocal answers
        while not stop.is_set():
            try:
                hits = _answer(told)
            except EngineError:
                hits = _answer(told)  # its release was dropped between opening and reading
            answers += 1
            if not any("gecko" in text for text in hits):
                wrong.append(hits)

    thread = threading.Thread(target=read)
    thread.start()
    forgotten(told, "secret/plan.md")
    forgotten(told, "badger.md")
    stop.set()
    thread.join()
    assert wrong == []
    assert answers > 2


def _answer(line: Line) -> list[str]:
    return [hit.text for mode in (Mode.KEYWORD, Mode.VECTOR) for hit in line.search("gecko keepers", mode)]
