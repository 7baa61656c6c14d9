"""Which releases stay on disk, and with them which table versions and keyword generations."""

import shutil
from collections.abc import Set

from native import lance_maintenance
from native.lance_tables import LanceTable
from omni_pipelines import schemas
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.releases import list_releases, release_file, release_numbers
from omni_pipelines.steps.step_records import read_step_record
from omni_pipelines.tables import open_table

TAG = "rel-"
"""Prefix of the tags that keep the table versions of a release from being cleaned up."""


def keep_only(home: Home, numbers: Set[int]) -> None:
    """Delete all releases but these, and what only the deleted releases name. The heads are kept."""
    tags = {f"{TAG}{number}" for number in numbers}
    pinned = {name for release in list_releases(home) for name in release.tables}
    for number in release_numbers(home):
        if number not in numbers:
            release_file(home, number).unlink()
    record = read_step_record(home, "keyword_index")
    generations = {release.keyword.generation for release in list_releases(home)}
    generations |= {record.output} if record is not None else set()  # the next build starts from it
    for name in sorted(pinned):
        table = LanceTable(home.table(name))
        lance_maintenance.untag(table, tags)
        lance_maintenance.clean_up(table)
    lance_maintenance.clean_up(open_table(home, schemas.QUARANTINE))
    for folder in home.keyword.iterdir():
        if folder.name not in generations:
            shutil.rmtree(folder, ignore_errors=True)
