"""A vector index in segments: each worker indexes some fragments of a table, and one commit joins what they made.

The workers open the folder of the table, so it must be on a disk that they share with this process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa
    from lance import LanceDataset
    from lance.dataset import Index

KINDS = ("ivf_sq", "ivf_flat")
"""The kinds whose segments share the partitions and nothing else, so that they can be joined."""
Fragments = Sequence[int]
"""Ids of fragments."""
Apply = Callable[
    [Callable[[Fragments], "list[Index]"], Sequence[Fragments]], Iterator[tuple[Fragments, "Iterable[Index]"]]
]
"""Applies a function to items on workers, and gives each item with its results."""


@dataclass(frozen=True)
class Segments:
    """How workers train an index."""

    apply: Apply
    rows: int = 500_000
    """Least number of rows of a segment: 20 seconds of work for a processor."""


def train_in_segments(
    dataset: LanceDataset, column: str, name: str, kind: str, partitions: int, segments: Segments
) -> bool:
    """Build an index of a kind of `KINDS` on the workers; one that has this name is replaced.

    Returns whether it was built: not if there is only one segment to build, or if a worker does not see the table.
    """
    from lance.indices import IndicesBuilder

    groups = _groups(dataset, segments.rows)
    if kind not in KINDS or len(groups) < 2:
        return False
    centroids = IndicesBuilder(dataset, column).train_ivf(partitions, distance_type="cosine").centroids
    work = partial(_index_fragments, dataset.uri, dataset.version, column, name, kind, centroids)
    made = [list(found) for _, found in segments.apply(work, groups)]
    if not all(made):
        return False
    dataset.commit_existing_index_segments(
        name, column, [dataset.merge_existing_index_segments([segment for each in made for segment in each])]
    )
    return True


def _groups(dataset: LanceDataset, rows: int) -> list[list[int]]:
    """Ids of fragments that have so many rows together, the last group perhaps fewer."""
    groups: list[list[int]] = []
    count = rows
    for fragment in dataset.get_fragments():
        if count >= rows:
            groups.append([])
            count = 0
        groups[-1].append(fragment.fragment_id)
        count += fragment.count_rows()
    return groups


def _index_fragments(
    address: str, version: int, column: str, name: str, kind: str, centroids: pa.Array, fragments: Fragments
) -> list[Any]:
    """Run by a worker: a segment that is not committed; none if the worker does not see the table."""
    import lance

    try:
        dataset = lance.dataset(address, version=version)
    except (OSError, ValueError):
        return []
    return [
        dataset.create_index_uncommitted(
            column,
            kind.upper(),
            name=name,
            metric="cosine",
            num_partitions=len(centroids),
            ivf_centroids=centroids,
            fragment_ids=list(fragments),
            replace=True,
        )
    ]
