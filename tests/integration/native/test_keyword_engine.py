"""The kept writer of the keyword index: opened once, closed with its lock released, recovered after a kill."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from native.errors import WriteConflict
from native.keyword_engine import KeywordEngine
from native.tantivy_entries import KeywordEntry
from native.tantivy_index import KeywordIndex

FILTERS = ("source",)
ROOT = Path(__file__).parents[3]


def entry(key: str, text: str = "apple") -> KeywordEntry:
    return KeywordEntry(key, f"mark of {text}", text, "", {"source": "docs"})


def engine(folder: Path, wait_seconds: float = 0.2) -> KeywordEngine:
    exists = (folder / "meta.json").exists()
    index = KeywordIndex.open(folder, FILTERS) if exists else KeywordIndex.create(folder, FILTERS)
    return KeywordEngine(index, wait_seconds)


def keys(folder: Path) -> set[str]:
    return set(KeywordIndex.open(folder, FILTERS).fingerprints())


def test_many_batches_use_one_writer_and_one_commit(tmp_path: Path) -> None:
    with engine(tmp_path) as kept:
        for number in range(100):
            kept.bulk_upsert(entry(f"k{number}-{position}") for position in range(10))
        assert keys(tmp_path) == set()
    assert kept.as_dict() == {"opens": 1, "reuses": 99, "commits": 1, "upserts": 1_000, "deletes": 0}
    assert len(keys(tmp_path)) == 1_000


def test_search_finds_an_entry_after_flush_and_not_before(tmp_path: Path) -> None:
    with engine(tmp_path) as kept:
        kept.bulk_upsert([entry("a")])
        assert kept.index.search("apple", 5) == []
        kept.flush()
        assert [key for key, _ in kept.index.search("apple", 5)] == ["a"]


def test_search_finds_an_indexed_batch_at_once(tmp_path: Path) -> None:
    with engine(tmp_path) as kept:
        assert kept.index_batch([entry("a"), entry("b")]) == 2
        assert {key for key, _ in kept.index.search("apple", 5)} == {"a", "b"}


def test_close_without_a_change_makes_no_commit(tmp_path: Path) -> None:
    with engine(tmp_path) as kept:
        kept.bulk_upsert([])
        kept.delete([])
    assert (kept.counters.opens, kept.counters.commits) == (1, 0)


@pytest.mark.parametrize("key", ["git.commit", "a b", "A", "日本", "x'y", "git"])
def test_repeated_upserts_of_a_key_leave_one_entry_and_change_no_other(tmp_path: Path, key: str) -> None:
    with engine(tmp_path) as kept:
        kept.bulk_upsert([entry("git commit"), entry("commit"), entry("b")])
        for number in range(3):
            kept.bulk_upsert([entry(key, f"text {number}"), entry(key, f"last {number}")])
            kept.flush()
    fingerprints = KeywordIndex.open(tmp_path, FILTERS).fingerprints()
    others = {name: "mark of apple" for name in ("git commit", "commit", "b")}
    assert fingerprints == {**others, key: "mark of last 2"}


def test_entries_replace_those_whose_keys_the_index_is_known_to_have(tmp_path: Path) -> None:
    with engine(tmp_path) as kept:
        kept.bulk_upsert([entry("a"), entry("b")], have={})
    with engine(tmp_path) as kept:
        kept.bulk_upsert([entry("a", "pear"), entry("c", "pear")], have={"a", "b"})
    assert KeywordIndex.open(tmp_path, FILTERS).fingerprints() == {
        "a": "mark of pear",
        "b": "mark of apple",
        "c": "mark of pear",
    }


def test_delete_removes_exactly_its_key(tmp_path: Path) -> None:
    with engine(tmp_path) as kept:
        kept.bulk_upsert([entry("git.commit"), entry("git"), entry("commit")])
        assert kept.delete(["git.commit", "unknown"]) == 2
    assert keys(tmp_path) == {"git", "commit"}


def test_close_releases_the_lock_and_the_next_write_opens_again(tmp_path: Path) -> None:
    kept = engine(tmp_path)
    kept.bulk_upsert([entry("a")])
    kept.close()
    with engine(tmp_path) as other:
        other.bulk_upsert([entry("b")])
    kept.bulk_upsert([entry("c")])
    kept.close()
    assert kept.counters.opens == 2
    assert keys(tmp_path) == {"a", "b", "c"}


def test_exception_inside_the_context_discards_uncommitted_writes(tmp_path: Path) -> None:
    def fail() -> None:
        with engine(tmp_path) as kept:
            kept.index_batch([entry("a")])
            kept.bulk_upsert([entry("b")])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert keys(tmp_path) == {"a"}
    with engine(tmp_path) as again:
        again.bulk_upsert([entry("c")])
    assert keys(tmp_path) == {"a", "c"}


def test_batch_with_an_entry_that_cannot_be_made_is_not_written(tmp_path: Path) -> None:
    with engine(tmp_path) as kept:
        with pytest.raises(ZeroDivisionError):
            kept.bulk_upsert(entry(str(1 // (2 - number))) for number in range(4))
        kept.bulk_upsert([entry("a")])
    assert keys(tmp_path) == {"a"}


def test_second_engine_raises_after_its_wait_if_the_first_stays_open(tmp_path: Path) -> None:
    with engine(tmp_path) as kept:
        kept.bulk_upsert([entry("a")])
        start = time.monotonic()
        with pytest.raises(WriteConflict, match="LockBusy"):
            engine(tmp_path, wait_seconds=0.2).bulk_upsert([entry("b")])
        assert time.monotonic() - start >= 0.1


def test_second_engine_writes_once_the_first_is_closed(tmp_path: Path) -> None:
    kept = engine(tmp_path)
    kept.bulk_upsert([entry("a")])
    waiting = threading.Thread(target=engine(tmp_path, wait_seconds=60).index_batch, args=([entry("b")],))
    waiting.start()
    kept.close()
    waiting.join(60)
    assert keys(tmp_path) == {"a", "b"}


def test_many_processes_writing_at_once_leave_every_entry_once(tmp_path: Path) -> None:
    engine(tmp_path).close()
    code = textwrap.dedent("""
        import sys
        from pathlib import Path
        from native.keyword_engine import KeywordEngine
        from native.tantivy_entries import KeywordEntry
        from native.tantivy_index import KeywordIndex
        index = KeywordIndex.open(Path(sys.argv[1]), ("source",))
        for batch in range(5):
            with KeywordEngine(index, wait_seconds=120) as engine:
                keys = [f"{sys.argv[2]}-{batch}-{number}" for number in range(9)]
                engine.bulk_upsert(KeywordEntry(key, "m", "apple", "", {"source": "d"}) for key in [*keys, "shared"])
    """)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(number)], env=environment)
        for number in range(3)
    ]
    assert [process.wait(120) for process in running] == [0, 0, 0]
    assert KeywordIndex.open(tmp_path, FILTERS).size == len(keys(tmp_path)) == 3 * 5 * 9 + 1


def test_threads_share_one_writer(tmp_path: Path) -> None:
    with engine(tmp_path) as kept:
        threads = [
            threading.Thread(target=kept.bulk_upsert, args=([entry(f"{name}{number}") for number in range(50)],))
            for name in "abcd"
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert kept.counters.opens == 1
    assert len(keys(tmp_path)) == 200


def test_index_with_leftovers_of_a_killed_commit_can_be_written(tmp_path: Path) -> None:
    """A kill between the file of deletions and meta.json leaves them; without a repair every later commit fails."""
    here, killed = tmp_path / "here", tmp_path / "killed"
    with engine(here) as kept:
        kept.bulk_upsert(entry(f"k{number}") for number in range(20))
    shutil.copytree(here, killed)
    with engine(killed) as kept:
        kept.delete(["k1"])
    leftovers = [path for path in killed.glob("*.del") if not (here / path.name).exists()]
    assert leftovers
    for path in [*leftovers, killed / ".managed.json"]:
        shutil.copyfile(path, here / path.name)
    with engine(here) as kept:
        kept.delete(["k2"])
    assert keys(here) == {f"k{number}" for number in range(20)} - {"k2"}
