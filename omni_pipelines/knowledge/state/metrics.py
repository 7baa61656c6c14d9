"""Counters that outlive a process: one small JSON file per kind, updated under a file lock.

They inform people and nothing depends on them, so a home that cannot be written to is not an error.
"""

import contextlib
import os
import threading
import time
import weakref
from collections.abc import Mapping
from datetime import UTC, datetime

import filelock
import orjson

from native.durable import PART, drop_parts
from omni_pipelines.home import Home

KEYWORD_WRITER = "keyword_writer"
QUERIES = "queries"
_FLUSH_SECONDS = 5.0
_LOCK_SECONDS = 1.0
_JSON_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2


def count(home: Home, kind: str, counts: Mapping[str, float], latest: Mapping[str, object] | None = None) -> None:
    """Add `counts` to the counters of a kind, and replace its `latest` values."""
    with contextlib.suppress(OSError, filelock.Timeout):
        home.metrics.mkdir(exist_ok=True)
        with filelock.FileLock(home.metrics / "LOCK", timeout=_LOCK_SECONDS):
            drop_parts(home.metrics)  # left by a process that was killed; under the lock nobody else writes
            before = read(home, kind)
            total = {name: before.get(name, 0) + value for name, value in counts.items()}
            part = home.metrics / f".{kind}{PART}"
            part.write_bytes(orjson.dumps({**before, **total, **(latest or {})}, option=_JSON_OPTIONS))
            os.replace(part, home.metrics / f"{kind}.json")  # not synced: counters are not worth the wait


def drop_unfinished(home: Home) -> None:
    """Remove the files of processes that were killed while they counted, unless a process is counting now."""
    with contextlib.suppress(OSError, filelock.Timeout):
        if any(home.metrics.glob(f".*{PART}")):
            with filelock.FileLock(home.metrics / "LOCK", timeout=_LOCK_SECONDS):
                drop_parts(home.metrics)


def read(home: Home, kind: str) -> dict[str, float]:
    """The counters of a kind; empty if nothing was counted yet or the file is damaged."""
    try:
        counters = orjson.loads((home.metrics / f"{kind}.json").read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return counters if isinstance(counters, dict) else {}


class QueryMetrics:
    """Counts the queries of one librarian. The counts are written every few seconds and when it is collected."""

    def __init__(self, home: Home) -> None:
        self._pending = _PendingCounts(home)
        weakref.finalize(self, self._pending.flush)

    def flush(self) -> None:
        """Write the counts."""
        self._pending.flush()

    def record(self, mode: str, seconds: float) -> None:
        """Count one query in a mode, and how long it took."""
        self._pending.add(mode, seconds)


class _PendingCounts:
    def __init__(self, home: Home) -> None:
        self._home, self._lock = home, threading.Lock()
        self._counts: dict[str, float] = {}
        self._latest: dict[str, object] = {}
        self._flushed = time.monotonic()

    def add(self, mode: str, seconds: float) -> None:
        milliseconds = round(seconds * 1e3, 3)
        with self._lock:
            for name, value in (("query_count", 1), ("total_ms", milliseconds), (f"{mode}_count", 1)):
                self._counts[name] = self._counts.get(name, 0) + value
            self._latest = {"last_query_ms": milliseconds, "last_query_at": datetime.now(UTC).isoformat()}
        if time.monotonic() - self._flushed > _FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        with self._lock:
            counts, self._counts, self._flushed = self._counts, {}, time.monotonic()
            latest = self._latest
        if counts:
            count(self._home, QUERIES, counts, latest)
