"""A release is one knowledge state: whole or not there, and as it was for as long as it is kept."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import orjson
import pytest

from native import lance_maintenance
from native.durable import Barrier
from native.errors import EngineError, TableMissing
from native.lance_tables import LanceTable
from omni_pipelines.errors import ConfigurationError, TableBroken, UpstreamMoved
from omni_pipelines.home import Home
from omni_pipelines.knowledge.search.options import Mode
from omni_pipelines.knowledge.state import snapshot as snapshot_module
from omni_pipelines.knowledge.state.releases import (
    list_releases,
    newest_release,
    put_release,
    read_release,
    release_file,
    release_numbers,
)
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.knowledge.state.status import status
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.publishing import publish as publish_module
from omni_pipelines.publishing.publish import publish
from omni_pipelines.settings import Settings
from omni_pipelines.steps.documents import reconcile_documents
from omni_pipelines.steps.step_table import STEPS
from tests.integration.line import Line, Original, settle, write

ANIMALS = ("walrus", "badger", "dolphin", "ferret", "gecko", "heron")


def fill(line: Line, docs: Path) -> None:
    """Release 1: a document about the first animal."""
    line.add(write(docs, {"a.md": f"All about the {ANIMALS[0]} and its days."}))
    line.run()


@pytest.fixture
def published(original: Original, home: Home) -> Line:
    return original.copy(home)


def release_more(line: Line, docs: Path, *numbers: int) -> None:
    """Releases in which the document is about another animal."""
    for number in numbers:
        write(docs, {"a.md": f"All about the {ANIMALS[number - 1]} and its days."})
        line.run()


def told(line: Line, release: int | None = None) -> list[str]:
    return [hit.text for hit in line.librarian(release).search("all about its days")]


# --- records


def test_a_release_names_everything_a_reader_needs(published: Line) -> None:
    release = newest_release(published.home)
    assert release is not None
    assert release.counts == {"documents": 1, "chunks": 1, "embeddings": 1}
    assert release.tables == {name: each for name, each in published.versions().items() if name != "quarantine"}
    assert set(release.fingerprints) == {"readers", "chunker", "embedder", "keyword"}
    assert release.sources["docs"].documents == 1
    folder = published.home.keyword / release.keyword.generation
    assert set(release.keyword.files) == {path.name for path in folder.iterdir() if path.suffix != ".lock"}


@pytest.mark.parametrize("damage", ["empty", "half", "changed", "not JSON", "no body", "unknown field"])
def test_a_damaged_record_falls_back_to_the_older_one(published: Line, docs: Path, damage: str) -> None:
    release_more(published, docs, 2)
    file = release_file(published.home, 2)
    raw = file.read_bytes()
    document = orjson.loads(raw)
    file.write_bytes(
        {
            "empty": b"",
            "half": raw[: len(raw) // 2],
            "changed": raw.replace(b'"release": 2', b'"release": 9'),
            "not JSON": b"\xff\xfe",
            "no body": b"[]",
            "unknown field": orjson.dumps({**document, "body": {**document["body"], "extra": 1}}),
        }[damage]
    )
    assert read_release(published.home, 2) is None
    assert told(published) == ["All about the walrus and its days."]
    assert status(published.home).release == 1


def test_after_a_damaged_record_the_next_release_has_a_new_number(published: Line, docs: Path) -> None:
    release_more(published, docs, 2)
    release_file(published.home, 2).write_bytes(b"")
    done = published.run()
    assert (done.published.new, done.published.release.release) == (True, 3)
    assert told(published) == ["All about the badger and its days."]
    assert release_numbers(published.home) == [1, 3]


def test_a_release_is_never_overwritten(published: Line) -> None:
    release = newest_release(published.home)
    assert release is not None
    before = release_file(published.home, 1).read_bytes()
    assert not put_release(published.home, release.model_copy(update={"run_id": "another"}))
    assert release_file(published.home, 1).read_bytes() == before


def test_a_release_that_is_not_there_says_so(published: Line) -> None:
    with pytest.raises(ConfigurationError, match="no release 7"):
        published.librarian(7)


# --- keeping and collecting


def test_the_newest_three_are_kept_with_exactly_what_they_name(published: Line, docs: Path) -> None:
    release_more(published, docs, 2, 3, 4, 5)
    kept = list_releases(published.home)
    assert release_numbers(published.home) == [3, 4, 5]
    assert {path.name for path in published.home.keyword.iterdir()} == {each.keyword.generation for each in kept}
    for name in ("documents", "chunks", "embeddings"):
        table = LanceTable(published.home.table(name)).open()
        assert table.tags.list().keys() == {"rel-3", "rel-4", "rel-5"}
        pinned = {int(each.tables[name].rpartition(":")[2]) for each in kept}
        assert {version["version"] for version in table.versions()} == pinned


def test_a_kept_release_answers_as_it_did_then(published: Line, docs: Path) -> None:
    before = published.librarian(1).search("all about its days")
    release_more(published, docs, 2, 3)
    now = published.librarian(1).search("all about its days")
    assert [(hit.chunk_id, hit.text, hit.score) for hit in now] == [
        (hit.chunk_id, hit.text, hit.score) for hit in before
    ]
    assert [told(published, number) for number in (1, 2, 3)] == [
        [f"All about the {animal} and its days."] for animal in ANIMALS[:3]
    ]
    for mode in Mode:
        assert [hit.text for hit in published.librarian(2).search("badger", mode=mode)] == told(published, 2)


def test_a_release_that_was_collected_says_so(published: Line, docs: Path) -> None:
    published.settings = Settings(keep_releases=1)
    release_more(published, docs, 2)
    assert release_numbers(published.home) == [2]
    with pytest.raises(ConfigurationError, match="omni releases list"):
        published.librarian(1)


def test_a_reader_goes_on_reading_its_own_state(published: Line, docs: Path) -> None:
    reader = published.librarian()
    release_more(published, docs, 2)
    assert [hit.text for hit in reader.search("walrus", mode=Mode.KEYWORD)] == ["All about the walrus and its days."]
    assert reader.search("badger", mode=Mode.KEYWORD) == []
    assert reader.release == 1


def test_a_reader_whose_release_is_collected_is_told_to_open_the_newest(published: Line, docs: Path) -> None:
    reader = published.librarian()
    published.settings = Settings(keep_releases=1)
    release_more(published, docs, 2, 3)
    with pytest.raises(TableMissing, match="open the newest release"):
        reader.search("walrus")


def test_a_release_collected_while_it_is_opened_gives_way_to_the_newest(
    published: Line, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record was read, then its files went."""
    stale = newest_release(published.home)
    published.settings = Settings(keep_releases=1)
    release_more(published, docs, 2, 3)
    monkeypatch.setattr(snapshot_module, "require_release", lambda home, number: stale)
    assert Snapshot.open(published.home).release.release == 3
    with pytest.raises(EngineError):
        Snapshot.open(published.home, 1)


def test_a_release_that_is_half_collected_gives_way_to_the_newest(
    published: Line, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = newest_release(published.home)
    assert stale is not None
    release_more(published, docs, 2)
    next((published.home.keyword / stale.keyword.generation).glob("*.store")).unlink()
    monkeypatch.setattr(snapshot_module, "require_release", lambda home, number: stale)
    assert Snapshot.open(published.home).release.release == 2


def test_readers_never_fail_while_releases_come_and_go(published: Line, docs: Path) -> None:
    published.settings = Settings(keep_releases=2)
    stop, wrong, seen = threading.Event(), [], set()

    def read() -> None:
        while not stop.is_set():
            reader = published.librarian()
            texts = [hit.text for hit in reader.search("all about its days")]
            seen.add(reader.release)
            if texts != [f"All about the {ANIMALS[(reader.release - 1) % len(ANIMALS)]} and its days."]:
                wrong.append((reader.release, texts))

    thread = threading.Thread(target=read)
    thread.start()
    for number in range(2, 8):
        write(docs, {"a.md": f"All about the {ANIMALS[(number - 1) % len(ANIMALS)]} and its days."})
        published.run()
    stop.set()
    thread.join()
    assert wrong == []
    assert len(seen) > 1


def test_a_table_that_was_made_anew_is_not_taken_for_the_old_one(published: Line) -> None:
    path = published.home.table("chunks")
    shutil.rmtree(path)
    published.run()
    with pytest.raises((TableMissing, ConfigurationError)):
        published.librarian(1)
    assert told(published) == ["All about the walrus and its days."]


# --- publishing


def test_nothing_is_named_before_it_is_on_disk(line: Line, docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []

    class Recorded(Barrier):
        def sync_tree(self, root: Path) -> None:
            order.append(f"sync {root.name}")
            super().sync_tree(root)

    def put(home: object, release: object) -> bool:
        order.append("record")
        return put_release(home, release)  # type: ignore[arg-type]

    def verify(tables: dict[str, LanceTable]) -> None:
        order.append("verify")

    tag = lance_maintenance.tag

    def tagged(table: LanceTable, name: str, version: int) -> None:
        order.append(f"tag {table.name}")
        tag(table, name, version)

    monkeypatch.setattr(publish_module, "Barrier", Recorded)
    monkeypatch.setattr(publish_module, "put_release", put)
    monkeypatch.setattr(publish_module, "_verify", verify)
    monkeypatch.setattr(lance_maintenance, "tag", tagged)
    line.add(write(docs, {"a.md": "Words."}))
    line.run()
    tags = ["tag documents", "tag chunks", "tag embeddings"]
    assert order == ["verify", *tags, "sync tables", "sync keyword", "record"]


def test_a_disk_that_cannot_sync_publishes_nothing(
    published: Line, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(barrier: Barrier, root: Path) -> None:
        raise OSError(5, "I/O error")

    with monkeypatch.context() as patch:
        patch.setattr(Barrier, "sync_tree", refuse)
        with pytest.raises(OSError, match="I/O error"):
            release_more(published, docs, 2)
    assert told(published) == ["All about the walrus and its days."]
    published.run()
    assert told(published) == ["All about the badger and its days."]


def test_a_table_with_a_truncated_data_file_is_not_published(published: Line, docs: Path) -> None:
    write(docs, {"a.md": "All about the badger and its days."})
    settle()
    with writer_session(published.home, published.settings):
        for step in STEPS:
            step.run(published.context)
        newest = max((published.home.table("chunks") / "data").iterdir(), key=lambda path: path.stat().st_mtime_ns)
        os.truncate(newest, newest.stat().st_size - 1)
        with pytest.raises(TableBroken, match=newest.name):
            publish(published.context)
    assert release_numbers(published.home) == [1]


def test_tables_that_moved_since_their_indexes_are_not_published(published: Line, docs: Path) -> None:
    write(docs, {"a.md": "All about the badger and its days."})
    settle()
    with writer_session(published.home, published.settings):
        reconcile_documents(published.context)
        with pytest.raises(UpstreamMoved, match="omni ingest"):
            publish(published.context)
    assert release_numbers(published.home) == [1]


def test_a_home_without_a_release_says_how_to_make_one(line: Line) -> None:
    with pytest.raises(ConfigurationError, match="omni ingest PATH"):
        line.librarian()
