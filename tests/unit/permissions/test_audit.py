"""The audit log: whatever is done to it is seen, and what cannot be written stops the call."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st

from omni_pipelines.audit_lines import ERASED, AuditBroken, AuditEntry
from omni_pipelines.audit_log import AuditFailed, AuditLog
from tests.cases import cases

MANY = cases(60, 2_000)
LINES = 6


def entry(number: int) -> AuditEntry:
    return AuditEntry(event="decision", session="s", call=f"c{number}", tool="files.read")


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    return AuditLog(tmp_path / "audit.jsonl", tmp_path / "user" / "anchor.json")


def filled(log: AuditLog, count: int = LINES) -> AuditLog:
    for number in range(count):
        log.append(entry(number))
    return log


def test_lines_are_read_back_in_their_order(log: AuditLog) -> None:
    assert [line.entry.call for line in filled(log).lines()] == [f"c{number}" for number in range(LINES)]
    report = log.verify()
    assert (report.lines, report.problems, report.is_anchored, report.began_after) == (LINES, (), True, "")


def test_log_that_was_never_written_is_whole(log: AuditLog) -> None:
    assert (log.verify().lines, log.verify().problems) == (0, ())


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[AuditLog, bytes]:
    folder = tmp_path_factory.mktemp("audit")
    log = filled(AuditLog(folder / "audit.jsonl", folder / "anchor.json"))
    return log, log.file.read_bytes()


@hypothesis.settings(max_examples=MANY)
@hypothesis.given(st.data())
def test_every_change_of_the_log_is_seen_and_stops_the_next_line(
    written: tuple[AuditLog, bytes], data: st.DataObject
) -> None:
    log, raw = written
    changed = data.draw(_flipped(raw) | _cut(raw) | _reordered(raw) | _dropped(raw) | _repeated(raw))
    hypothesis.assume(changed not in (raw, b""))
    log.file.write_bytes(changed)
    assert log.verify().problems != ()
    if not changed.endswith(raw.splitlines(keepends=True)[-1]):  # the end is compared at each call, all by verify
        with pytest.raises((AuditBroken, AuditFailed)):
            log.append(entry(99))
    assert log.file.read_bytes() == changed


def _flipped(raw: bytes) -> st.SearchStrategy[bytes]:
    def flip(bit: int) -> bytes:
        copy = bytearray(raw)
        copy[bit // 8] ^= 1 << bit % 8
        return bytes(copy)

    return st.integers(0, 8 * len(raw) - 1).map(flip)


def _cut(raw: bytes) -> st.SearchStrategy[bytes]:
    return st.integers(1, len(raw) - 1).map(lambda length: raw[:length])


def _joined(lines: list[bytes]) -> bytes:
    return b"".join(lines)


def _reordered(raw: bytes) -> st.SearchStrategy[bytes]:
    return st.permutations(raw.splitlines(keepends=True)).map(_joined)


def _dropped(raw: bytes) -> st.SearchStrategy[bytes]:
    lines = raw.splitlines(keepends=True)
    return st.integers(0, len(lines) - 1).map(lambda n: _joined(lines[:n] + lines[n + 1 :]))


def _repeated(raw: bytes) -> st.SearchStrategy[bytes]:
    lines = raw.splitlines(keepends=True)
    return st.integers(0, len(lines) - 1).map(lambda n: _joined(lines[: n + 1] + lines[n:]))


def test_end_that_a_crash_left_half_written_is_cut_off_by_the_next_line(log: AuditLog) -> None:
    whole = filled(log).file.read_bytes()
    log.file.write_bytes(whole + b'{"line":7,"at":')
    assert log.verify().problems == ()
    log.append(entry(7))
    assert log.file.read_bytes().startswith(whole + b'{"line":7')
    assert (log.verify().lines, log.verify().problems) == (LINES + 1, ())


def test_line_whose_anchor_a_crash_prevented_is_kept(log: AuditLog) -> None:
    filled(log)
    anchor = log.anchor.read_bytes()
    log.append(entry(7))
    log.anchor.write_bytes(anchor)
    log.append(entry(8))
    assert (log.verify().lines, log.verify().problems) == (LINES + 2, ())


def test_log_that_begins_anew_names_the_end_of_the_one_that_was_moved_away(log: AuditLog, tmp_path: Path) -> None:
    last = list(filled(log).lines())[-1]
    log.file.rename(tmp_path / "old.jsonl")
    assert log.verify().problems == (f"it has 0 lines that fit together, but not line {LINES} as written",)
    log.append(entry(1))
    assert log.verify().problems == ()
    assert log.verify().began_after not in ("", last.before)


def test_log_from_another_machine_is_continued_and_reported_as_not_anchored(log: AuditLog) -> None:
    filled(log)
    log.anchor.unlink()
    assert log.verify().is_anchored is False
    log.append(entry(7))
    assert (log.verify().lines, log.verify().is_anchored) == (LINES + 1, True)


@contextmanager
def disk_with_room_for(size: int) -> Iterator[None]:
    """Let every write beyond `size` bytes of a file fail, as on a full disk: the first part of it is written."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("room", [0, 40], ids=["none", "part of a line"])
def test_full_disk_stops_the_line_and_leaves_no_part_of_it(log: AuditLog, room: int) -> None:
    before = filled(log).file.read_bytes()
    with disk_with_room_for(len(before) + room), pytest.raises(AuditFailed, match="cannot be written"):
        log.append(entry(7))
    assert log.file.read_bytes() == before
    log.append(entry(8))
    assert (log.verify().lines, log.verify().problems) == (LINES + 1, ())


def test_log_whose_anchor_cannot_be_written_stops_the_line(log: AuditLog) -> None:
    log.anchor.parent.write_text("a file where the folder should be")
    with pytest.raises(AuditFailed):
        log.append(entry(1))


def test_log_in_a_folder_that_does_not_exist_creates_none(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "none" / "audit.jsonl", tmp_path / "anchor.json")
    with pytest.raises(AuditFailed, match="there is no knowledge base"):
        log.append(entry(1))
    assert not (tmp_path / "none").exists()


def test_log_that_is_a_link_is_not_written(log: AuditLog, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("")
    log.file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(AuditFailed):
        log.append(entry(1))
    assert (tmp_path / "elsewhere").read_text() == ""


def quoting(text: str) -> AuditEntry:
    return entry(0).model_copy(update={"arguments": text})


def test_erasure_takes_arguments_out_and_the_log_stays_whole(log: AuditLog) -> None:
    filled(log, 3).append(quoting("the badger sleeps"))
    filled(log, 2)
    assert log.erase(lambda text: "badger" in text, write=False) == 1
    assert b"badger" in log.file.read_bytes()
    assert log.erase(lambda text: "badger" in text, write=True) == 1
    assert b"badger" not in log.file.read_bytes()
    lines = list(log.lines())
    assert [line.entry.event for line in lines] == ["decision"] * 6 + ["erasure"]
    assert [line.entry.arguments for line in lines][3] == ERASED
    log.append(entry(7))
    report = log.verify()
    assert (report.lines, report.problems) == (8, ())
    assert log.erase(lambda text: "badger" in text, write=True) == 0


def test_erasure_in_a_changed_log_is_refused(log: AuditLog) -> None:
    filled(log).append(quoting("the badger sleeps"))
    log.file.write_bytes(log.file.read_bytes().replace(b'"c1"', b'"c9"'))
    with pytest.raises(AuditBroken):
        log.erase(lambda text: "badger" in text, write=True)


@pytest.mark.parametrize("is_anchored", [True, False])
def test_erasure_that_was_killed_is_finished_or_dropped_by_the_next_call(log: AuditLog, is_anchored: bool) -> None:
    filled(log).append(quoting("the badger sleeps"))
    old, anchor = log.file.read_bytes(), log.anchor.read_bytes()
    log.erase(lambda text: "badger" in text, write=True)
    log.file.replace(log.file.with_suffix(".erasing"))
    log.file.write_bytes(old)
    if not is_anchored:
        log.anchor.write_bytes(anchor)
    log.append(entry(9))
    assert log.verify().problems == ()
    assert (b"badger" not in log.file.read_bytes()) == is_anchored
    assert not log.file.with_suffix(".erasing").exists()


def test_large_log_is_put_away_and_the_next_names_its_end(log: AuditLog) -> None:
    small = AuditLog(log.file, log.anchor, max_bytes=1_500)
    small.append(quoting("the badger sleeps"))
    filled(small, 20)
    older, *_, newest = small.files()
    assert (older.name, newest) == ("audit.0001.jsonl", log.file)
    assert (small.verify().problems, small.verify().began_after) == ((), "")
    assert small.verify().lines == len(list(small.lines())) == 21
    assert small.erase(lambda text: "badger" in text, write=True) == 1
    assert not any(b"badger" in file.read_bytes() for file in small.files())
    assert small.verify().problems == ()


def test_change_of_a_log_that_was_put_away_is_seen_and_a_missing_one_is_named(log: AuditLog) -> None:
    small = filled(AuditLog(log.file, log.anchor, max_bytes=1_500), 20)
    first, second, *_ = small.files()
    whole = first.read_bytes()
    first.write_bytes(whole.replace(b"decision", b"outcome!", 1))
    (problem,) = small.verify().problems
    assert problem.startswith("audit.0001.jsonl: ")
    first.unlink()
    assert small.verify().problems == ()
    assert small.verify().began_after == next(iter(small.lines())).before
    kept = second.read_bytes()
    filled(small, 20)
    assert second.read_bytes() == kept
