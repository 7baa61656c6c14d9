"""Writes to the keyword index through one writer, opened at the first write and kept until `close`.

A commit syncs about nine files, and to add ten entries costs a twentieth of it. A writer per batch would pay for the
commit and the opening each time; a kept writer pays once.
"""

import threading
from collections.abc import Container, Iterable
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Self

from tenacity import Retrying, retry_if_exception_type, stop_before_delay, wait_fixed

from native.errors import WriteConflict
from native.tantivy_entries import KeywordEntry
from native.tantivy_index import KeywordIndex, KeywordWriter

WAIT_SECONDS = 60.0
_RETRY_SECONDS = 0.05


@dataclass
class WriterCounters:
    """What the writer did."""

    opens: int = 0
    reuses: int = 0
    """Writes that found the writer open."""
    commits: int = 0
    upserts: int = 0
    deletes: int = 0


class KeywordEngine:
    """Writes to an index, safe to use from several threads.

    Searches find written entries after the next `flush`. As a context manager it commits and closes at the end; after
    an exception it discards what was not committed.
    """

    def __init__(self, index: KeywordIndex, wait_seconds: float = WAIT_SECONDS) -> None:
        """`wait_seconds` is how long the first write waits for another process to release the writer."""
        self.index = index
        self.counters = WriterCounters()
        self._open = Retrying(
            retry=retry_if_exception_type(WriteConflict),
            stop=stop_before_delay(wait_seconds),
            wait=wait_fixed(_RETRY_SECONDS),
            reraise=True,
        )
        self._lock = threading.RLock()
        self._writer: KeywordWriter | None = None
        self._has_changes = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close(commit=kind is None)

    def bulk_upsert(self, entries: Iterable[KeywordEntry], have: Container[str] | None = None) -> int:
        """Replace the entries with these keys, or add them; of two with the same key the later one wins.

        Args:
            entries: what is written.
            have: the keys of the index, as for `KeywordWriter.upsert`.

        Returns:
            How many entries were given.

        Raises:
            WriteConflict: another process had the writer during all of `wait_seconds`.
        """
        batch = list(entries)  # if one of them cannot be made, none is written
        with self._lock:
            self._opened().upsert(batch, have)
            self.counters.upserts += len(batch)
            self._has_changes |= bool(batch)
        return len(batch)

    def index_batch(self, entries: Iterable[KeywordEntry]) -> int:
        """`bulk_upsert`, then `flush`: the next search finds the batch.

        Raises:
            WriteConflict: as for `bulk_upsert`.
        """
        with self._lock:
            written = self.bulk_upsert(entries)
            self.flush()
        return written

    def delete(self, keys: Iterable[str]) -> int:
        """Delete the entries with exactly these keys. Returns how many keys were given.

        Raises:
            WriteConflict: as for `bulk_upsert`.
        """
        with self._lock:
            deleted = self._opened().delete(keys)
            self.counters.deletes += deleted
            self._has_changes |= bool(deleted)
        return deleted

    def flush(self) -> None:
        """Commit, and let searches through `index` see the result."""
        with self._lock:
            if self._writer is not None and self._has_changes:
                self._writer.commit()
                self.counters.commits += 1
                self._has_changes = False
            self.index.reload()

    def close(self) -> None:
        """Commit and release the lock of the index. The next write opens a writer again."""
        self._close(commit=True)

    def as_dict(self) -> dict[str, int]:
        """The counters by name."""
        return asdict(self.counters)

    def _opened(self) -> KeywordWriter:
        if self._writer is not None:
            self.counters.reuses += 1
            return self._writer
        self._writer = self._open(self.index.writer)
        self.counters.opens += 1
        return self._writer

    def _close(self, *, commit: bool) -> None:
        with self._lock:
            if self._writer is None:
                return
            try:
                if commit:
                    self.flush()
                else:
                    self._writer.rollback()
            finally:
                writer, self._writer, self._has_changes = self._writer, None, False
                writer.close()
