"""The writer's side of a home: one at a time, and each begins by putting right what a crash left behind."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from native import dataset_cache
from native.allocator import share_arenas
from native.durable import drop_parts
from native.errors import TableCorrupt, TableMissing
from native.lance_tables import LanceTable, TableVersion
from omni_pipelines import schemas
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.metrics import drop_unfinished
from omni_pipelines.knowledge.state.recovery_notes import write_recovery_note
from omni_pipelines.knowledge.state.releases import list_releases
from omni_pipelines.records import RecoveryNote, Release
from omni_pipelines.settings import Settings
from omni_pipelines.sharing.pull import catch_up
from omni_pipelines.steps.step_records import GENERATION, UNFINISHED, read_step_record, reset_steps
from omni_pipelines.steps.writer_lock import writer_lock


@contextmanager
def writer_session(home: Home, settings: Settings, *, sync: bool = False) -> Iterator[None]:
    """Hold the home's lock. The system gives it back when a process dies.

    With `sync`, begin from the newest release of the store that the home shares, if it does. That is for whoever
    begins something: in the middle of a line it would take away what the steps before have built.

    Raises:
        HomeBusy: another process held it for all of `lock_seconds`.
        StoreRefused, EngineError: as for `catch_up`.
    """
    home.create()
    share_arenas()
    dataset_cache.configure(settings.dataset_cache)
    with writer_lock(home, settings.lock_seconds):
        recover(home)
        if sync:
            catch_up(home, settings)
        yield


def recover(home: Home) -> None:
    """Remove half-built generations and heads that cannot be read.

    A good head that no release names is kept: every step computes its difference against the head, so it rolls
    forward.
    """
    for folder in (
        home.tables,
        home.step_records,
        home.releases,
    ):  # what is unfinished here belongs to a killed writer
        drop_parts(folder)
    drop_unfinished(home)
    _drop_generations(home)
    releases = list_releases(home)
    for name in schemas.TABLES:
        _heal(home, LanceTable(home.table(name)), _newest_named(releases, name))


def _drop_generations(home: Home) -> None:
    kept = {release.keyword.generation for release in list_releases(home)}
    built = read_step_record(home, "keyword_index")
    if built is not None:
        kept.add(built.output)
    for folder in home.keyword.iterdir():
        if folder.name.startswith(UNFINISHED) or (folder.name.startswith(GENERATION) and folder.name not in kept):
            shutil.rmtree(folder, ignore_errors=True)


def _newest_named(releases: Sequence[Release], name: str) -> int:
    """The newest version of a table that a release names; 0 if none does. After a rollback an older one names it."""
    named = [TableVersion.parse(release.tables[name]) for release in releases if name in release.tables]
    return max((each.version for each in named if each.uuid == named[0].uuid), default=0)


def _heal(home: Home, table: LanceTable, released: int) -> None:
    torn = table.set_aside_torn(released, home.quarantine)
    if torn:
        _note(home, table, torn, released, "its manifest is torn")
    if not table.exists():
        shutil.rmtree(table.path, ignore_errors=True)
        return
    table.drop_broken_tags()
    try:
        head = table.head()
        if head.version <= released:
            return
        broken = [name for name in table.broken_files() if not name.startswith("_indices/")]
    except (TableCorrupt, TableMissing) as error:
        broken = [str(error)]
    if broken:
        moved = table.set_aside_after(released, home.quarantine)
        _note(home, table, moved, released, broken[0])


def _note(home: Home, table: LanceTable, moved: list[str], after: int, why: str) -> None:
    write_recovery_note(home, RecoveryNote(table=table.name, moved=moved, after=after, why=why, at=datetime.now(UTC)))
    reset_steps(home)
