"""The audit log: one JSON line for every decision and every outcome, each with the hash of the line before.

The place and hash of the last line are also kept outside the home, in the anchor. So a line that was changed, moved
or cut out is seen, and so is an end that was cut off. Who can write both files can forge both.

A log that has grown large is kept under another name, and a new one begins that names its end. An erasure takes
arguments out of all of them, and says so in a line of its own.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import filelock
import orjson
from pydantic import ValidationError

from native.durable import sync_file, write_whole
from omni_pipelines.audit_lines import (
    FIRST,
    AuditBroken,
    AuditEntry,
    AuditLine,
    LinePlace,
    Redacted,
    broken,
    chained,
    hash_of,
    redacted,
    sealed,
    words_of,
)
from omni_pipelines.configuration import user_folder
from omni_pipelines.error_codes import CoreErrorCode
from omni_pipelines.errors import OmniError
from omni_pipelines.home import Home
from omni_pipelines.ids import text_hash
from omni_pipelines.record_fields import Count, Sha256, now
from omni_pipelines.records import Record, strictly

MAX_BYTES = 32 << 20
"""A log that is larger is put away before the next line."""
LOCK_SECONDS = 10.0


class AuditFailed(OmniError, code=CoreErrorCode.STORAGE_WRITE_ERROR):
    """A line cannot be written, so what it is about must not happen."""


class Anchor(Record):
    """The place of the last line of a log, kept in another folder."""

    log: str
    lines: Count
    start: Count
    end: Count
    hash: Sha256


@dataclass(frozen=True)
class AuditReport:
    """What `omni audit verify` found."""

    lines: int
    """Of all logs that are there."""
    problems: tuple[str, ...] = ()
    """Empty if the logs are whole."""
    is_anchored: bool = True
    """Whether this user's anchor knows the log."""
    began_after: str = ""
    """The hash of the last line of an earlier log that was moved away; "" if there was none."""


class AuditLog:
    """The log in one file, written by any number of processes."""

    def __init__(
        self, file: Path, anchor: Path, clock: Callable[[], datetime] = now, max_bytes: int = MAX_BYTES
    ) -> None:
        self.file, self.anchor, self._clock, self._max_bytes = file, anchor, clock, max_bytes

    def append(self, entry: AuditEntry) -> AuditLine:
        """Write an entry durably.

        Raises:
            AuditFailed: the disk is full or read-only, or another process held the log for ten seconds.
            AuditBroken: the log is not what was written; nothing is added to it.
        """
        if not self.file.parent.is_dir():
            problem = f"there is no knowledge base at {self.file.parent}, so no call can be written to its audit log"
            raise AuditFailed(problem, cure="create it: omni ingest PATH")
        try:
            with self._locked():
                self._finish_erasure()
                self._put_away()
                return self._append(entry)
        except filelock.Timeout as error:
            raise AuditFailed(f"another process holds {self.file}", cure="try again in a moment") from error
        except OSError as error:
            raise AuditFailed(
                f"the audit log {self.file} cannot be written: {error.strerror}", cure="free space, or fix its owner"
            ) from error

    def lines(self) -> Iterator[AuditLine]:
        """The lines of all logs, oldest first.

        Raises:
            AuditBroken: a line is not the one that was written; those before it were given.
        """
        for file in self.files():
            yield from (line for _, line in chained(file.read_bytes()))

    def erase(self, is_erased: Callable[[str], bool], *, write: bool) -> int:
        """The lines whose arguments or rule `is_erased`; with `write`, these are taken out of all logs.

        Raises:
            AuditBroken: a log is not what was written; it stays as it is.
            OSError: a log cannot be read or written.
        """
        if not any(self._holds(file, is_erased) for file in self.files()):
            return 0
        if not write:
            return sum(redacted(file.read_bytes(), is_erased, {}).count for file in self.files())
        with self._locked():
            self._finish_erasure()
            if (report := self.verify()).problems:
                raise broken(report.problems[0], self.file)
            ends: dict[str, str] = {}
            count = 0
            for file in self.files():
                new = redacted(file.read_bytes(), is_erased, ends)
                count += new.count
                if file != self.file and new.count:
                    write_whole(file, new.raw)
            self._replace(redacted(self._raw(), is_erased, ends), count)
        return count

    def files(self) -> list[Path]:
        """The logs that are there: those that were put away, oldest first, then the one that is written."""
        stem = self.file.stem
        files = (*sorted(self.file.parent.glob(f"{stem}.[0-9][0-9][0-9][0-9].jsonl")), self.file)
        return [file for file in files if file.is_file()]

    def _holds(self, file: Path, is_erased: Callable[[str], bool]) -> bool:
        return any(is_erased(words_of(line.entry)) for _, line in chained(file.read_bytes()))

    def _replace(self, new: Redacted, count: int) -> None:
        """Write a log without what is erased, and a line that says so. After a crash, the next call finishes it."""
        last = new.end
        entry = AuditEntry(event="erasure", session="", call="", tool="omni forget", rule=f"{count} lines: arguments")
        raw = sealed(AuditLine(line=last.lines + 1, at=self._clock(), before=last.hash, entry=entry))
        write_whole(self._part, new.raw + raw)
        self._write_anchor(LinePlace(last.lines + 1, last.end, last.end + len(raw), hash_of(raw)))
        self._finish_erasure()

    @property
    def _part(self) -> Path:
        return self.file.with_suffix(".erasing")

    def _finish_erasure(self) -> None:
        """Put the log that an erasure wrote in its place if the anchor names its end already, else drop it."""
        if not self._part.exists():
            return
        anchor = self._anchor()
        if any(place == anchor for place, _ in chained(self._part.read_bytes())):
            os.replace(self._part, self.file)
            sync_file(self.file.parent)
        else:
            self._part.unlink()

    def _put_away(self) -> None:
        """Give a large log another name; the next line begins a new one that names its end."""
        if self.file.is_file() and self.file.stat().st_size > self._max_bytes:
            earlier = [int(file.suffixes[0][1:]) for file in self.files() if file != self.file]
            number = max(earlier, default=0) + 1
            os.replace(self.file, self.file.with_name(f"{self.file.stem}.{number:04}.jsonl"))

    def verify(self) -> AuditReport:
        """Whether every line of every log is as it was written, in its place, and none is missing.

        Raises:
            OSError: a log cannot be read.
        """
        anchor, problems, began_after = self._anchor(), list[str](), ""
        is_seen, before, counts = anchor is None, FIRST, dict.fromkeys([*self.files(), self.file], 0)
        for file in self.files():
            try:
                for place, line in chained(file.read_bytes()):
                    is_seen = is_seen or place == anchor
                    if line.line == 1 and line.before != before:
                        began_after = line.before
                    before, counts[file] = place.hash, place.lines
            except AuditBroken as error:
                problems.append(f"{file.name}: {error.message}")
        if not is_seen and anchor is not None and not problems:
            found = f"it has {counts[self.file]} lines that fit together"
            problems.append(f"{found}, but not line {anchor.lines} as written")
        count = sum(counts.values())
        return AuditReport(count, tuple(problems), anchor is not None or count == 0, began_after)

    def _raw(self) -> bytes:
        try:
            return self.file.read_bytes()
        except FileNotFoundError:
            return b""

    def _append(self, entry: AuditEntry) -> AuditLine:
        handle = os.open(self.file, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            last = self._last(handle)
            line = AuditLine(line=last.lines + 1, at=self._clock(), before=last.hash, entry=entry)
            raw = sealed(line)
            _write_or_undo(handle, raw, last.end)
            if last.lines == 0:
                sync_file(self.file.parent)
        finally:
            os.close(handle)
        self._write_anchor(LinePlace(line.line, last.end, last.end + len(raw), hash_of(raw)))
        return line

    def _last(self, handle: int) -> LinePlace:
        """The last line. What follows the anchored one was written just before a crash; half a line is cut off.

        Raises:
            AuditBroken: the anchored line is not where it was written, or what follows does not continue it.
        """
        anchor, size = self._anchor(), os.fstat(handle).st_size
        if anchor is None or size == 0:  # a log that begins anew names the end of the one before
            last = LinePlace(0, 0, 0, anchor.hash if anchor else FIRST)
            tail = os.pread(handle, size, 0)
        else:
            last = anchor
            if hash_of(os.pread(handle, anchor.end - anchor.start, anchor.start)) != anchor.hash:
                raise broken(f"line {anchor.lines} is not as it was written", self.file)
            tail = os.pread(handle, size - anchor.end, anchor.end)
        after = [place for place, _ in chained(tail, last)]
        last = after[-1] if after else last
        if last.end < size:
            os.ftruncate(handle, last.end)
        return last

    def _anchor(self) -> LinePlace | None:
        try:
            anchor = strictly(self.anchor.read_bytes(), Anchor)
        except FileNotFoundError:
            return None
        except ValidationError as error:
            raise AuditBroken(f"the anchor {self.anchor} is damaged", cure="move it away with the log") from error
        return (
            LinePlace(anchor.lines, anchor.start, anchor.end, anchor.hash) if anchor.log == str(self.file) else None
        )

    def _write_anchor(self, place: LinePlace) -> None:
        self.anchor.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        anchor = Anchor(log=str(self.file), **asdict(place))
        # an older anchor after a power cut is no harm: the lines after it continue it
        write_whole(self.anchor, orjson.dumps(anchor.model_dump(mode="json")), sync_name=False)

    def _locked(self) -> filelock.BaseFileLock:
        return filelock.FileLock(self.file.with_suffix(".lock"), timeout=LOCK_SECONDS)


def audit_log(home: Home) -> AuditLog:
    """The audit log of a home."""
    log = home.audit.resolve()
    return AuditLog(log, user_folder() / "audit" / f"{text_hash('audit', str(log))}.json")


def _write_or_undo(handle: int, raw: bytes, end: int) -> None:
    """Write a line durably, or leave no part of it.

    Raises:
        OSError: the disk is full or failed.
    """
    try:
        if os.write(handle, raw) != len(raw):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(handle)
    except OSError:
        os.ftruncate(handle, end)
        raise
