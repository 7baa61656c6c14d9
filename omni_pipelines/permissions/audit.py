"""The audit log: one JSON line for every decision and every outcome, each with the hash of the line before.

The place and hash of the last line are also kept outside the home, in the anchor. So a line that was changed, moved
or cut out is seen, and so is an end that was cut off. Who can write both files can forge both.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import filelock
import orjson
from pydantic import ValidationError

from native.durable import sync_file, write_whole
from omni_pipelines.error_codes import CoreErrorCode
from omni_pipelines.errors import OmniError
from omni_pipelines.record_fields import Count, Moment, Sha256, now
from omni_pipelines.records import Record, strictly

FIRST = "0" * 64
"""The hash before the first line."""
LOCK_SECONDS = 10.0
_SEAL = b',"hash":"'
_SEAL_BYTES = len(_SEAL) + 64 + len(b'"}\n')


class AuditFailed(OmniError, code=CoreErrorCode.STORAGE_WRITE_ERROR):
    """A line cannot be written, so what it is about must not happen."""


class AuditBroken(OmniError, code=CoreErrorCode.STORAGE_CORRUPTION):
    """The log is not what was written."""


class AuditEntry(Record):
    """What is written down of a call: before it the decision, after it the outcome."""

    event: Literal["decision", "outcome"]
    session: str
    call: str
    """The id of the call, the same for its decision and its outcome."""
    tool: str
    capability: str = ""
    effect: str = ""
    arguments: str = ""
    """The canonical arguments, shortened, secrets masked."""
    digest: str = ""
    """The sha256 of the tool and its exact arguments."""
    is_allowed: bool = True
    rule: str = ""
    """What decided: a grant, an approval, or why it was refused."""
    is_tainted: bool = False
    """Whether the session had read text that somebody else wrote."""
    status: str = ""
    error_code: str = ""


class AuditLine(Record):
    """One line of the log."""

    line: Count
    """From 1."""
    at: Moment
    before: Sha256
    """The hash of the line before; zeros for the first one."""
    entry: AuditEntry

    @property
    def answer(self) -> str:
        """What was decided, or how the call ended, in a word or two."""
        decided = "allowed" if self.entry.is_allowed else "refused"
        return " ".join(filter(None, (self.entry.status or decided, self.entry.error_code)))


@dataclass(frozen=True)
class LinePlace:
    """Where a line is in the log."""

    lines: int
    """Its number."""
    start: int
    """Its first byte."""
    end: int
    """The byte after it."""
    hash: str


NOTHING = LinePlace(0, 0, 0, FIRST)


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
    problems: tuple[str, ...] = ()
    """Empty if the log is whole."""
    is_anchored: bool = True
    """Whether this user's anchor knows the log."""
    began_after: str = ""
    """The hash of the last line of an earlier log that was moved away; "" if there was none."""


class AuditLog:
    """The log in one file, written by any number of processes."""

    def __init__(self, file: Path, anchor: Path, clock: Callable[[], datetime] = now) -> None:
        self.file, self.anchor, self._clock = file, anchor, clock

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
                return self._append(entry)
        except filelock.Timeout as error:
            raise AuditFailed(f"another process holds {self.file}", cure="try again in a moment") from error
        except OSError as error:
            raise AuditFailed(
                f"the audit log {self.file} cannot be written: {error.strerror}", cure="free space, or fix its owner"
            ) from error

    def lines(self) -> Iterator[AuditLine]:
        """The lines, oldest first.

        Raises:
            AuditBroken: a line is not the one that was written; those before it were given.
        """
        for _, line in _chained(self._raw()):
            yield line

    def verify(self) -> AuditReport:
        """Whether every line is as it was written, in its place, and none is missing.

        Raises:
            OSError: the log cannot be read.
        """
        anchor, last, problems, began_after = self._anchor(), NOTHING, list[str](), FIRST
        is_seen = anchor is None
        try:
            for place, line in _chained(self._raw()):
                last, is_seen = place, is_seen or place == anchor
                began_after = line.before if line.line == 1 else began_after
        except AuditBroken as error:
            problems.append(error.message)
        if not is_seen and anchor is not None and not problems:
            problems.append(f"it has {last.lines} lines that fit together, but not line {anchor.lines} as written")
        is_anchored, earlier = anchor is not None or last.lines == 0, "" if began_after == FIRST else began_after
        return AuditReport(last.lines, tuple(problems), is_anchored, earlier)

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
            raw = _sealed(line)
            _write_or_undo(handle, raw, last.end)
            if last.lines == 0:
                sync_file(self.file.parent)
        finally:
            os.close(handle)
        self._write_anchor(LinePlace(line.line, last.end, last.end + len(raw), _hash_of(raw)))
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
            if _hash_of(os.pread(handle, anchor.end - anchor.start, anchor.start)) != anchor.hash:
                raise broken(f"line {anchor.lines} is not as it was written", self.file)
            tail = os.pread(handle, size - anchor.end, anchor.end)
        after = [place for place, _ in _chained(tail, last)]
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


def broken(problem: str, log: Path | str = "the log") -> AuditBroken:
    """The error of a log that was changed."""
    return AuditBroken(
        f"the audit log was changed: {problem}",
        cure=f"keep a copy of {log} and move it away: the next call begins a new one that names its end",
    )


def _sealed(line: AuditLine) -> bytes:
    body = orjson.dumps(line.model_dump(mode="json"))
    return body[:-1] + _SEAL + hashlib.sha256(body).hexdigest().encode() + b'"}\n'


def _hash_of(raw: bytes) -> str:
    """The hash of a line as it stands; "" if it is not what its own hash says."""
    body, seal = raw[:-_SEAL_BYTES] + b"}", raw[-_SEAL_BYTES:]
    digest = hashlib.sha256(body).hexdigest()
    return digest if seal == _SEAL + digest.encode() + b'"}\n' else ""


def _chained(raw: bytes, last: LinePlace | None = None) -> Iterator[tuple[LinePlace, AuditLine]]:
    """Each whole line after `last`, with its place; without `last`, from the beginning of a log.

    Raises:
        AuditBroken: a line is not what its hash says, or does not continue the one before.
    """
    lines = raw.split(b"\n")[:-1]  # the rest is half a line, or nothing
    for text in lines:
        number, start = (last.lines + 1, last.end) if last else (1, 0)
        digest = _hash_of(text + b"\n")
        if not digest:
            raise broken(f"line {number} is not as it was written")
        line = _parsed(text)
        if line is None or line.line != number or (last is not None and line.before != last.hash):
            raise broken(f"line {number} does not continue the line before it")
        last = LinePlace(number, start, start + len(text) + 1, digest)
        yield last, line


def _parsed(text: bytes) -> AuditLine | None:
    try:
        return strictly(text[: -_SEAL_BYTES + 1] + b"}", AuditLine)
    except ValidationError:
        return None


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
