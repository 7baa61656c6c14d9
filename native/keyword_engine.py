"""The keyword index with one writer kept across writes: opened once, committed by size or time, given back when idle.

A commit syncs about nine files; adding ten entries costs a twentieth of it. A writer for every batch pays both the
commit and the opening each time, a kept one neither.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Self

from native.errors import WriteConflict
from native.tantivy_index import Entry, KeywordIndex, KeywordWriter

_RETRY_SECONDS = 0.05


@dataclass(frozen=True)
class CommitPolicy:
    """When written entries become visible and durable by themselves, and when the lock is given back."""

    entries: int = 5_000
    """Commit once this many entries were written or deleted."""
    seconds: float = 5.0
    """Commit what is older than this."""
    idle_seconds: float = 30.0
    """Without a write for this long the writer is closed, and other processes may write."""
    wait_seconds: float = 60.0
    """How long to wait for another process's writer."""


AT_THE_END = CommitPolicy(entries=1 << 62, seconds=threading.TIMEOUT_MAX, idle_seconds=threading.TIMEOUT_MAX)
"""One commit, at the close: for a generation that nobody reads before it is whole."""


@dataclass
class EngineCounters:
    """What the writer did."""

    opens: int = 0
    reuses: int = 0
    """Writes that found the writer open."""
    commits: int = 0
    upserts: int = 0
    deletes: int = 0
    idle_closes: int = 0
    """Times the lock was given back because nobody wrote."""


class KeywordEngine:
    """Writes to an index through one kept writer. Safe to use from several threads.

    Written entries are found by searches after the next commit. Use it as a context manager: leaving it commits and
    closes; leaving it by an exception drops what was not committed.
    """

    def __init__(
        self,
        index: KeywordIndex,
        policy: CommitPolicy | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.index = index
        self.counters = EngineCounters()
        self._policy, self._clock = policy or CommitPolicy(), clock
        self._changed = threading.Condition(threading.RLock())
        self._writer: KeywordWriter | None = None
        self._pending = 0
        self._failed: Exception | None = None
        """What a commit by time ran into; the next call raises it."""
        self._oldest = self._used = 0.0
        """When the oldest entry that is not committed was written; when the writer was last used."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close(keep=kind is None)

    def upsert(self, entry: Entry) -> None:
        """Replace the entry with this key, or add it.

        Raises:
            WriteConflict: another process held the writer for all of `wait_seconds`.
        """
        self.bulk_upsert([entry])

    def bulk_upsert(self, entries: Iterable[Entry]) -> int:
        """Replace the entries with these keys, or add them; of two with one key the later stays. How many they were.

        Raises:
            WriteConflict: as for `upsert`.
        """
        batch = list(entries)  # if they cannot all be made, none is written
        with self._changed:
            written = self._opened().upsert(batch)
            self.counters.upserts += written
            self._wrote(written)
        return written

    def index_batch(self, entries: Iterable[Entry]) -> int:
        """`bulk_upsert`, and commit: the batch is found by the next search.

        Raises:
            WriteConflict: as for `upsert`.
        """
        with self._changed:
            written = self.bulk_upsert(entries)
            self.flush()
        return written

    def delete(self, keys: Iterable[str]) -> int:
        """Remove the entries with exactly these keys. How many keys they were.

        Raises:
            WriteConflict: as for `upsert`.
        """
        with self._changed:
            deleted = self._opened().delete(keys)
            self.counters.deletes += deleted
            self._wrote(deleted)
        return deleted

    def flush(self) -> None:
        """Commit what is pending, and let searches through `index` see it."""
        with self._changed:
            self._raise_what_failed()
            if self._writer is not None and self._pending:
                self._writer.commit()
                self.counters.commits += 1
                self._pending = 0
            self.index.reload()

    def close(self) -> None:
        """Commit and give the lock back; the next write opens a writer again."""
        self._close(keep=True)

    @property
    def holds_the_lock(self) -> bool:
        """Whether other processes are kept from writing."""
        return self._writer is not None

    def tend(self) -> None:
        """Commit what is old enough, close the writer if it is idle. A thread does this by itself."""
        with self._changed:
            now = self._clock()
            if self._writer is None:
                return
            if self._pending and now - self._oldest >= self._policy.seconds:
                self.flush()
            if now - self._used >= self._policy.idle_seconds:
                self.counters.idle_closes += 1
                self._close(keep=True)

    def as_dict(self) -> dict[str, int]:
        """The counters by name."""
        return asdict(self.counters)

    def _raise_what_failed(self) -> None:
        error, self._failed = self._failed, None
        if error is not None:
            raise error

    def _opened(self) -> KeywordWriter:
        self._raise_what_failed()
        self._used = self._clock()
        if self._writer is not None:
            self.counters.reuses += 1
            return self._writer
        self._writer = self._wait_for_writer()
        self.counters.opens += 1
        threading.Thread(target=self._keep, args=(self._writer,), name="keyword-writer", daemon=True).start()
        return self._writer

    def _wait_for_writer(self) -> KeywordWriter:
        deadline = time.monotonic() + self._policy.wait_seconds
        while True:
            try:
                return self.index.writer()
            except WriteConflict:
                if time.monotonic() >= deadline:
                    raise
            time.sleep(_RETRY_SECONDS)

    def _wrote(self, count: int) -> None:
        if count and not self._pending:
            self._oldest = self._clock()
        self._pending += count
        if self._pending >= self._policy.entries:
            self.flush()
        self._changed.notify_all()

    def _close(self, *, keep: bool) -> None:
        with self._changed:
            if keep:
                self._raise_what_failed()
            if self._writer is None:
                return
            try:
                if keep:
                    self.flush()
                else:
                    self._writer.rollback()
            finally:
                writer, self._writer, self._pending = self._writer, None, 0
                writer.close()
                self._changed.notify_all()

    def _keep(self, writer: KeywordWriter) -> None:
        """The thread that tends this writer, until it is closed."""
        with self._changed:
            while self._writer is writer:
                due = self._used + self._policy.idle_seconds
                if self._pending:
                    due = min(due, self._oldest + self._policy.seconds)
                self._changed.wait(max(0.0, min(due - self._clock(), threading.TIMEOUT_MAX)))
                if self._writer is writer:
                    try:
                        self.tend()
                    except Exception as error:  # noqa: BLE001  # nobody would see it here: the next caller does
                        self._failed = error
                        self._close(keep=False)
