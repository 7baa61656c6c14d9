"""Which passages of a release are nearly the same."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.knowledge.search.search import Place
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.text.near_duplicates import MIN_SIMILARITY, near_duplicates


class Duplicates(BaseModel):
    """Passages that are nearly the same."""

    model_config = ConfigDict(frozen=True)

    similarity: float
    """What the least alike of them has in common with the first, 0 to 1; 1 where all have the same words."""
    places: tuple[Place, ...]
    """By path and line."""
    beginning: str
    """Of the first one's text."""


_SHOWN = 120


def find_duplicates(snapshot: Snapshot, least: float = MIN_SIMILARITY) -> list[Duplicates]:
    """Groups of passages that are nearly the same, the largest first; see `text.near_duplicates`.

    Raises:
        ConfigurationError: `least` is not above 0 and at most 1.
    """
    if not 0 < least <= 1:
        raise ConfigurationError(f"least is {least}, but must be above 0 and at most 1")
    rows = sorted(
        snapshot.all_chunks([*Place.model_fields, "text"]),
        key=lambda row: (row["path"], row["start_line"], row["chunk_id"]),
    )
    groups = near_duplicates([row["text"] for row in rows], least)
    found = [
        Duplicates(
            similarity=round(group.similarity, 4),
            places=tuple(Place(**{name: rows[at][name] for name in Place.model_fields}) for at in group.members),
            beginning=" ".join(rows[group.members[0]]["text"].split())[:_SHOWN],
        )
        for group in groups
    ]
    return sorted(found, key=lambda each: -len(each.places))
