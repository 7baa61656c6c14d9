"""Recovery: what the next writer repairs after a crash, before it changes anything."""

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime

from native import lance_files, lance_recovery
from native.durable import drop_parts
from native.errors import TableCorrupt, TableMissing
from native.lance_tables import LanceTable, TableVersion
from omni_pipelines import schemas
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.metrics import drop_unfinished
from omni_pipelines.knowledge.state.recovery_notes import RecoveryNote, write_recovery_note
from omni_pipelines.knowledge.state.releases import list_releases
from omni_pipelines.records import Release
from omni_pipelines.steps.retention import TAG
from omni_pipelines.steps.step_records import GENERATION, UNFINISHED, read_step_record, reset_steps


def recover(home: Home) -> None:
    """Remove half-built generations, and heads that cannot be read. Hold the writer lock.

    A readable head that no release names is kept: every step compares against the head, so the next run continues
    from there.
    """
    folders = (home.tables, home.step_records, home.releases, home.journal, home.erasure_plans, home.certificates)
    for folder in folders:
        drop_parts(folder)  # unfinished files here were left by a killed writer; those of an erasure quote what went
    drop_unfinished(home)
    _drop_generations(home)
    releases = list_releases(home)
    for name in schemas.TABLES:
        table = LanceTable(home.table(name))
        _recover_table(home, table, _newest_released(releases, name))
        lance_recovery.restore_tags(table, _tags(releases, name))


def _drop_generations(home: Home) -> None:
    kept = {release.keyword.generation for release in list_releases(home)}
    record = read_step_record(home, "keyword_index")
    if record is not None:
        kept.add(record.output)
    for folder in home.keyword.iterdir():
        if folder.name.startswith(UNFINISHED) or (folder.name.startswith(GENERATION) and folder.name not in kept):
            shutil.rmtree(folder, ignore_errors=True)


def _newest_released(releases: Sequence[Release], name: str) -> int:
    """The newest version of a table that any release names, 0 if none does: after a rollback an older release."""
    versions = [TableVersion.parse(release.tables[name]) for release in releases if name in release.tables]
    return max((each.version for each in versions if each.uuid == versions[0].uuid), default=0)


def _tags(releases: Sequence[Release], name: str) -> dict[str, TableVersion]:
    """The tags of a table that keep what releases name."""
    return {
        f"{TAG}{release.release}": TableVersion.parse(release.tables[name])
        for release in releases
        if name in release.tables
    }


def _recover_table(home: Home, table: LanceTable, released: int) -> None:
    torn = lance_recovery.set_aside_incomplete(table, released, home.quarantine)
    if torn:
        _note(home, table, torn, released, "its manifest is torn")
    if not table.exists():
        shutil.rmtree(table.path, ignore_errors=True)
        return
    try:
        head = table.head()
        if head.version <= released:
            return
        broken = [name for name in lance_files.broken_files(table) if not name.startswith("_indices/")]
    except (TableCorrupt, TableMissing) as error:
        broken = [str(error)]
    if broken:
        moved = lance_recovery.set_aside_after(table, released, home.quarantine)
        _note(home, table, moved, released, broken[0])


def _note(home: Home, table: LanceTable, moved: list[str], after: int, why: str) -> None:
    write_recovery_note(home, RecoveryNote(table=table.name, moved=moved, after=after, why=why, at=datetime.now(UTC)))
    reset_steps(home)
