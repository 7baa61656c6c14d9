"""Near duplicates: which passages of a release are nearly the same."""

from textwrap import shorten

from pydantic import BaseModel

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.knowledge.search.hits import HitLocation
from omni_pipelines.knowledge.search.retrieval import hit_location
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.text.near_duplicates import MIN_SIMILARITY, near_duplicates


class DuplicatePassages(BaseModel, frozen=True):
    """Passages that are nearly the same."""

    similarity: float
    """Similarity of the first passage to the least similar one, 0 to 1; 1 if all have the same words."""
    places: tuple[HitLocation, ...]
    """Sorted by path and line."""
    beginning: str
    """The beginning of the first passage."""


def find_duplicates(snapshot: Snapshot, least: float = MIN_SIMILARITY) -> list[DuplicatePassages]:
    """Groups of passages at least this similar, the largest group first; see `text.near_duplicates`.

    Raises:
        ConfigurationError: `least` is not above 0 and at most 1.
    """
    if not 0 < least <= 1:
        raise ConfigurationError(f"least is {least}, but must be above 0 and at most 1")
    rows = sorted(
        snapshot.all_chunks([*(name for name in HitLocation.model_fields if name != "citation"), "text", "metadata"]),
        key=lambda row: (row["path"], row["start_line"], row["chunk_id"]),
    )
    groups = [
        DuplicatePassages(
            similarity=round(group.similarity, 4),
            places=tuple(hit_location(rows[member]) for member in group.members),
            beginning=shorten(rows[group.members[0]]["text"], 120, placeholder=" …"),
        )
        for group in near_duplicates([row["text"] for row in rows], least)
    ]
    return sorted(groups, key=lambda group: -len(group.places))
