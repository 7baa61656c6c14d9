"""Where the work of the steps is done: in this process, in others of this machine, or on a Ray cluster.

Only this process writes to the home.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from omni_pipelines.settings import Settings

Item = TypeVar("Item")
Result = TypeVar("Result")


class Workers(Protocol):
    """What applies a function to items."""

    @property
    def on_cluster(self) -> bool:
        """Whether they belong to a cluster: it takes large batches, embeds texts and trains vector indexes."""
        ...

    def map(
        self,
        work: Callable[[Item], Iterable[Result]],
        items: Iterable[Item],
        *,
        total: int | None = None,
        least_items: int | None = None,
    ) -> Iterator[tuple[Item, Iterable[Result]]]:
        """Each item with its results, in the order of the items, which are taken only as fast as they are worked off.

        Args:
            work: it may be copied to other processes: what it cannot take along, such as a model, it must load there.
            items: what it is applied to.
            total: how many items there are.
            least_items: fewer items than this are done in this process; default: as it is worth for small items.

        Raises:
            Exception: what `work` raises.
            EngineError: the workers are not there, or an item ended several of them.
        """
        ...


class ThisProcess:
    """Does one item after the other, each while its results are read."""

    on_cluster = False

    def map(
        self,
        work: Callable[[Item], Iterable[Result]],
        items: Iterable[Item],
        *,
        total: int | None = None,
        least_items: int | None = None,
    ) -> Iterator[tuple[Item, Iterable[Result]]]:
        """Each item with its results."""
        return ((item, work(item)) for item in items)


def workers_of(settings: Settings) -> Workers:
    """The workers that the settings name. A cluster is connected to when there is enough work for it."""
    if settings.engine == "local" and settings.workers == 1:
        return ThisProcess()
    if settings.engine == "local":
        from native.worker_processes import WorkerProcesses

        return WorkerProcesses(settings.workers)
    from native.ray_workers import RayWorkers

    return RayWorkers(settings.ray_address)
