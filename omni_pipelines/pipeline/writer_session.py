"""The writer session: one process at a time may write to a home, and each starts with a recovery."""

from collections.abc import Iterator
from contextlib import contextmanager

from native import dataset_cache
from native.allocator import share_arenas
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.home_key import make_key
from omni_pipelines.knowledge.state.table_files import note_quarantine, require_readable_heads
from omni_pipelines.pipeline.migration import migrate_tables
from omni_pipelines.pipeline.recovery import recover
from omni_pipelines.settings import Settings
from omni_pipelines.steps.writer_lock import writer_lock


@contextmanager
def writer_session(home: Home, settings: Settings, *, sync: bool = False, repairs: bool = False) -> Iterator[None]:
    """Hold the writer lock of a home, after a recovery. The system releases the lock when a process dies.

    Tables of an earlier version of omni have all columns of this one then.

    With `sync`, a home that shares a store first takes over its newest release. Use it where a run begins: in the
    middle of a run it would replace what the earlier steps have built.

    With `repairs`, tables may have files at which Lance would end the process; do not read those tables.

    Raises:
        HomeBusy: another process held the lock for all of `lock_seconds`.
        TableBroken: a table has such a file.
        StoreRefused, EngineError: as for `catch_up`.
    """
    home.create()
    share_arenas()
    dataset_cache.POOL.configure(settings.dataset_cache)
    with writer_lock(home, settings.lock_seconds):
        recover(home)
        if not repairs:
            require_readable_heads(home)
        make_key(home.key)
        if sync and settings.store:
            from omni_pipelines.sharing.pull import catch_up  # most homes share no store

            catch_up(home, settings)
        migrate_tables(home)
        try:
            yield
        finally:
            note_quarantine(home)
