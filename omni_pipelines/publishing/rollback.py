"""Rollback: a new release with the contents of an old one. History only grows."""

from dataclasses import dataclass
from datetime import UTC, datetime

from native import lance_files
from native.lance_tables import LanceTable, TableVersion
from omni_pipelines.errors import TableBroken
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.releases import require_release
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.knowledge.state.table_files import with_checksums
from omni_pipelines.publishing.held_back import held_rows
from omni_pipelines.publishing.publish import collect, next_number, write_release
from omni_pipelines.records import Release, Rollback
from omni_pipelines.schemas import DOCUMENTS, TABLES
from omni_pipelines.settings import Settings


@dataclass(frozen=True)
class RollbackReport:
    """What searches see now."""

    release: Release
    before: int
    """The release they saw before."""
    new: bool
    """False if the contents were the same already."""


def roll_back(home: Home, settings: Settings, number: int, run_id: str) -> RollbackReport:
    """Publish a release with the contents of release `number`. Hold the writer lock.

    The heads of the tables stay where they are. After the next change of a source, an ingest updates
    these heads and publishes everything. Until then no sensor, no ingest and no maintenance publishes them.

    Raises:
        ConfigurationError: there is no such release.
        EngineError, TableBroken: files of the release are missing or damaged.
    """
    current = require_release(home)
    if current.rollback is not None and current.rollback.to == number:
        return RollbackReport(current, current.release, new=False)
    wanted = require_release(home, number)
    if _is_same(current, wanted):
        return RollbackReport(current, current.release, new=False)
    Snapshot(home, wanted)
    _verify(home, wanted)
    release = wanted.model_copy(
        update={
            "release": next_number(home),
            "created_at": datetime.now(UTC),
            "run_id": run_id,
            "rollback": _rollback(home, current, number),
        }
    )
    release = with_checksums(home, release)
    write_release(home, settings, release, repeats=number)
    collect(home, settings)
    return RollbackReport(release, current.release, new=True)


def _rollback(home: Home, current: Release, to: int) -> Rollback:
    """What the release of a rollback says: it holds back what was published, not what a killed run has written."""
    if current.rollback is not None:
        return current.rollback.model_copy(update={"to": to})
    rows = {
        name: held_rows(home, TABLES[name], TableVersion.parse(version).version)
        for name, version in current.tables.items()
        if name != DOCUMENTS.name  # its times change without a change of a source
    }
    return Rollback(to=to, heads=current.tables, rows=rows, keyword=current.keyword.generation)


def _is_same(a: Release, b: Release) -> bool:
    return a.tables == b.tables and a.keyword == b.keyword


def _verify(home: Home, release: Release) -> None:
    for name, pinned in release.tables.items():
        broken = lance_files.broken_files(LanceTable(home.table(name)), TableVersion.parse(pinned).version)
        if broken:
            raise TableBroken(
                f"table {name} of release {release.release}: the size of {broken[0]} differs from its manifest",
                cure="choose another release: omni releases list",
            )
