"""The lines of the audit log: each has its own hash and that of the line before, so that a change is seen."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import orjson
from pydantic import ValidationError

from omni_pipelines.error_codes import CoreErrorCode
from omni_pipelines.errors import OmniError
from omni_pipelines.record_fields import Count, Moment, Sha256
from omni_pipelines.records import Record, strictly

ERASED = "[forgotten]"
FIRST = "0" * 64
"""The hash before the first line."""
_SEAL = b',"hash":"'
_SEAL_BYTES = len(_SEAL) + 64 + len(b'"}\n')


class AuditBroken(OmniError, code=CoreErrorCode.STORAGE_CORRUPTION):
    """The log is not what was written."""


class AuditEntry(Record):
    """What is written down of a call: before it the decision, after it the outcome."""

    event: Literal["decision", "outcome", "erasure"]
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


def broken(problem: str, log: Path | str = "the log") -> AuditBroken:
    """The error of a log that was changed."""
    return AuditBroken(
        f"the audit log was changed: {problem}",
        cure=f"keep a copy of {log} and move it away: the next call begins a new one that names its end",
    )


def sealed(line: AuditLine) -> bytes:
    """A line as it stands in the log, with its hash."""
    body = orjson.dumps(line.model_dump(mode="json"))
    return body[:-1] + _SEAL + hashlib.sha256(body).hexdigest().encode() + b'"}\n'


def hash_of(raw: bytes) -> str:
    """The hash of a line as it stands; "" if it is not what its own hash says."""
    body, seal = raw[:-_SEAL_BYTES] + b"}", raw[-_SEAL_BYTES:]
    digest = hashlib.sha256(body).hexdigest()
    return digest if seal == _SEAL + digest.encode() + b'"}\n' else ""


def chained(raw: bytes, last: LinePlace | None = None) -> Iterator[tuple[LinePlace, AuditLine]]:
    """Each whole line after `last`, with its place; without `last`, from the beginning of a log.

    Raises:
        AuditBroken: a line is not what its hash says, or does not continue the one before.
    """
    lines = raw.split(b"\n")[:-1]  # the rest is half a line, or nothing
    for text in lines:
        number, start = (last.lines + 1, last.end) if last else (1, 0)
        digest = hash_of(text + b"\n")
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


@dataclass(frozen=True)
class Redacted:
    """A log without what is erased."""

    raw: bytes
    end: LinePlace
    count: int
    """Lines that changed."""


def redacted(raw: bytes, is_erased: Callable[[str], bool], ends: dict[str, str]) -> Redacted:
    """A log without what is erased, chained anew. `ends` has the new hash of each log's end by the old one.

    Raises:
        AuditBroken: a line is not what its hash says.
    """
    last, old_hash, count, lines = NOTHING, FIRST, 0, list[bytes]()
    for place, line in chained(raw):
        entry = line.entry
        if is_erased(words_of(entry)):
            entry, count = entry.model_copy(update={"arguments": ERASED, "rule": ERASED}), count + 1
        before = last.hash if lines else ends.get(line.before, line.before)
        lines.append(sealed(line.model_copy(update={"entry": entry, "before": before})))
        last = LinePlace(place.lines, last.end, last.end + len(lines[-1]), hash_of(lines[-1]))
        old_hash = place.hash
    ends[old_hash] = last.hash
    return Redacted(b"".join(lines), last, count)


def words_of(entry: AuditEntry) -> str:
    """What an entry may quote."""
    return f"{entry.arguments} {entry.rule}"
