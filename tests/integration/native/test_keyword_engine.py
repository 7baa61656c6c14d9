"""The kept writer: opened once, committed by size or time, given back, healed after a kill, never corrupting."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from native.errors import WriteConflict
from native.keyword_engine import AT_THE_END, CommitPolicy, KeywordEngine
from native.tantivy_index import KeywordEntry, KeywordIndex

FILTERS = ("source",)
NEVER = CommitPolicy(entries=1_000_000, seconds=1e6, idle_seconds=1e6, wait_seconds=0.2)
ROOT = Path(__file__).parents[3]


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def entry(key: str, text: str = "apple") -> KeywordEntry:
    return KeywordEntry(key, f"mark of {text}", text, "", {"source": "docs"})


def engine(folder: Path, policy: CommitPolicy = NEVER, clock: Clock | None = None) -> KeywordEngine:
    exists = (folder / "meta.json").exists()
    index = KeywordIndex.open(folder, FILTERS) if exists else KeywordIndex.create(folder, FILTERS)
    return KeywordEngine(index, policy, clock or Clock())


def keys(folder: Path) -> set[str]:
    return set(KeywordIndex.open(folder, FILTERS).fingerprints())


def test_a_thousand_batches_open_one_writer_and_commit_by_size(tmp_path: Path) -> None:
    with engine(tmp_path, CommitPolicy(entries=500, seconds=1e6, idle_seconds=1e6)) as kept:
        for number in range(100):
            kept.bulk_upsert(entry(f"k{number}-{each}") for each in range(10))
    assert (kept.counters.opens, kept.counters.reuses, kept.counters.commits) == (1, 99, 2)
    assert len(keys(tmp_path)) == kept.counters.upserts == 1_000


def test_an_entry_is_found_after_the_commit_and_not_before(tmp_path: Path) -> None:
    with engine(tmp_path) as kept:
        kept.upsert(entry("a"))
        assert kept.index.search("apple", 5) == []
        kept.flush()
        assert [key for key, _ in kept.index.search("apple", 5)] == ["a"]


def test_a_batch_that_was_indexed_is_found_at_once(tmp_path: Path) -> None:
    with engine(tmp_path) as kept:
        assert kept.index_batch([entry("a"), entry("b")]) == 2
        assert {key for key, _ in kept.index.search("apple", 5)} == {"a", "b"}


@pytest.mark.parametrize("key", ["git.commit", "a b", "A", "日本", "x'y", "git"])
def test_upserting_a_key_again_and_again_leaves_one_entry_and_no_other_is_touched(tmp_path: Path, key: str) -> None:
    with engine(tmp_path) as kept:
        kept.bulk_upsert([entry("git commit"), entry("commit"), entry("b")])
        for number in range(3):
            kept.bulk_upsert([entry(key, f"text {number}"), entry(key, f"last {number}")])
            kept.flush()
    found = KeywordIndex.open(tmp_path, FILTERS).fingerprints()
    assert found == {each: "mark of apple" for each in ("git commit", "commit", "b")} | {key: "mark of last 2"}


def test_a_delete_takes_exactly_its_key(tmp_path: Path) -> None:
    with engine(tmp_path) as kept:
        kept.bulk_upsert([entry("git.commit"), entry("git"), entry("commit")])
        assert kept.delete(["git.commit", "unknown"]) == 2
    assert keys(tmp_path) == {"git", "commit"}


def test_what_is_old_enough_is_committed_without_another_write(tmp_path: Path) -> None:
    clock = Clock()
    kept = engine(tmp_path, CommitPolicy(entries=1_000, seconds=5, idle_seconds=60), clock)
    kept.upsert(entry("a"))
    clock.now += 4
    kept.tend()
    assert keys(tmp_path) == set()
    clock.now += 1
    kept.tend()
    assert keys(tmp_path) == {"a"}
    kept.close()


def test_an_idle_writer_commits_and_gives_the_lock_back(tmp_path: Path) -> None:
    clock = Clock()
    kept = engine(tmp_path, CommitPolicy(seconds=1e6, idle_seconds=30), clock)
    kept.upsert(entry("a"))
    clock.now += 30
    kept.tend()
    assert not kept.holds_the_lock
    with engine(tmp_path) as other:
        other.upsert(entry("b"))
    kept.upsert(entry("c"))
    kept.close()
    assert (kept.counters.opens, kept.counters.idle_closes) == (2, 1)
    assert keys(tmp_path) == {"a", "b", "c"}


def test_its_thread_tends_it_and_ends_with_it(tmp_path: Path) -> None:
    index = KeywordIndex.create(tmp_path, FILTERS)
    kept = KeywordEngine(index, CommitPolicy(seconds=0.01, idle_seconds=0.02))
    kept.upsert(entry("a"))
    for thread in [each for each in threading.enumerate() if each.name == "keyword-writer"]:
        thread.join(30)
        assert not thread.is_alive()
    assert not kept.holds_the_lock
    assert keys(tmp_path) == {"a"}


def test_leaving_by_an_exception_drops_what_was_not_committed(tmp_path: Path) -> None:
    def fail() -> None:
        with engine(tmp_path) as kept:
            kept.index_batch([entry("a")])
            kept.upsert(entry("b"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert keys(tmp_path) == {"a"}
    with engine(tmp_path) as again:
        again.upsert(entry("c"))
    assert keys(tmp_path) == {"a", "c"}


def test_entries_that_cannot_all_be_made_are_not_written_at_all(tmp_path: Path) -> None:
    with engine(tmp_path) as kept:
        with pytest.raises(ZeroDivisionError):
            kept.bulk_upsert(entry(str(1 // (2 - number))) for number in range(4))
        kept.upsert(entry("a"))
    assert keys(tmp_path) == {"a"}


def test_a_second_engine_waits_and_then_says_that_the_lock_is_taken(tmp_path: Path) -> None:
    with engine(tmp_path) as kept:
        kept.upsert(entry("a"))
        with pytest.raises(WriteConflict, match="LockBusy"):
            engine(tmp_path).upsert(entry("b"))


def test_many_processes_write_at_once_and_every_entry_is_there_once(tmp_path: Path) -> None:
    engine(tmp_path).close()
    code = textwrap.dedent("""
        import sys
        from pathlib import Path
        from native.keyword_engine import CommitPolicy, KeywordEngine
        from native.tantivy_index import KeywordEntry, KeywordIndex
        index = KeywordIndex.open(Path(sys.argv[1]), ("source",))
        for batch in range(5):
            with KeywordEngine(index, CommitPolicy(wait_seconds=120)) as engine:
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
            threading.Thread(target=kept.bulk_upsert, args=([entry(f"{name}{n}") for n in range(50)],))
            for name in "abcd"
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert kept.counters.opens == 1
    assert len(keys(tmp_path)) == 200


def test_a_commit_that_was_killed_half_way_is_healed_at_the_next_opening(tmp_path: Path) -> None:
    """As a kill between the file of deletions and meta.json leaves it: without healing every later commit fails."""
    here, killed = tmp_path / "here", tmp_path / "killed"
    with engine(here) as kept:
        kept.bulk_upsert(entry(f"k{number}") for number in range(20))
    shutil.copytree(here, killed)
    with engine(killed) as kept:
        kept.delete(["k1"])
    half = [path for path in killed.glob("*.del") if not (here / path.name).exists()]
    assert half
    for path in [*half, killed / ".managed.json"]:
        shutil.copyfile(path, here / path.name)
    with engine(here) as kept:
        kept.delete(["k2"])
    assert keys(here) == {f"k{number}" for number in range(20)} - {"k2"}


def test_a_generation_is_committed_once_at_its_end(tmp_path: Path) -> None:
    with engine(tmp_path, AT_THE_END) as kept:
        for number in range(30):
            kept.bulk_upsert(entry(f"{number}-{each}") for each in range(10))
        assert kept.counters.commits == 0
    assert kept.as_dict() | {"reuses": 0} == {
        "opens": 1, "reuses": 0, "commits": 1, "upserts": 300, "deletes": 0, "idle_closes": 0
    }  # fmt: skip


class FullDisk:
    """An index whose commits fail."""

    def writer(self) -> FullDisk:
        return self

    def upsert(self, entries: list[KeywordEntry]) -> int:
        return len(entries)

    def commit(self) -> None:
        raise OSError(28, "No space left on device")

    def rollback(self) -> None:
        pass

    def close(self) -> None:
        pass


def test_a_commit_by_time_that_fails_is_told_to_the_next_caller_once() -> None:
    kept = KeywordEngine(FullDisk(), CommitPolicy(seconds=0.0, idle_seconds=1e6))  # type: ignore[arg-type]
    kept.upsert(entry("a"))
    for thread in [each for each in threading.enumerate() if each.name == "keyword-writer"]:
        thread.join(30)
    assert not kept.holds_the_lock
    with pytest.raises(OSError, match="No space left"):
        kept.upsert(entry("b"))
    kept.upsert(entry("c"))
