"""Which releases and table versions stay on disk."""

from __future__ import annotations

import shutil
from collections.abc import Set

from omni_pipelines import schemas
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.releases import list_releases, release_file, release_numbers
from omni_pipelines.steps.step_records import read_step_record
from omni_pipelines.tables import open_table

TAG = "rel-"


PINNED = (schemas.DOCUMENTS, schemas.CHUNKS, schemas.EMBEDDINGS)
"""Tables of which a release names a version."""


def keep_only(home: Home, numbers: Set[int]) -> None:
    """Delete all releases but these, and what only the deleted ones name. The heads stay."""
    tags = {f"{TAG}{number}" for number in numbers}
    for number in release_numbers(home):
        if number not in numbers:
            release_file(home, number).unlink()
    built = read_step_record(home, "keyword_index")
    generations = {release.keyword.generation for release in list_releases(home)}
    generations |= {built.output} if built is not None else set()  # what the next build begins with
    for definition in PINNED:
        each = open_table(home, definition)
        each.untag(tags)
        each.clean_up()
    open_table(home, schemas.QUARANTINE).clean_up()
    for folder in home.keyword.iterdir():
        if folder.name not in generations:
            shutil.rmtree(folder, ignore_errors=True)
