"""Apply a function to items on a Ray cluster.

Results come back in the order of the items. At most `IN_FLIGHT` items for each processor of the cluster are on their
way, which bounds the memory of this process and of the cluster. Ray repeats what a lost node was doing. If this
process is lost, Ray drops its work.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from native.errors import EngineError

INSTALL = 'pip install "omni-pipelines[ray]"'
IN_FLIGHT = 2
LEAST_ITEMS = 32
"""For fewer items the cluster is not asked: to connect to it takes seconds."""
MAX_LOST_WORKERS = 3
"""Workers that may die over an item before it is given up: the item itself may be what ends them."""

Item = TypeVar("Item")
Result = TypeVar("Result")
_loaded: dict[str, Callable[[Any], Iterable[Any]]] = {}
"""In a worker: the function that it applies, with what that has loaded, such as a model."""


class RayWorkers:
    """The workers of a cluster at `host:port`, or `auto` for the one that this machine belongs to."""

    on_cluster = True

    def __init__(self, address: str, least_items: int = LEAST_ITEMS) -> None:
        self._address, self._least_items = address, least_items

    def map(
        self,
        work: Callable[[Item], Iterable[Result]],
        items: Iterable[Item],
        *,
        total: int | None = None,
        least_items: int | None = None,
    ) -> Iterator[tuple[Item, Iterable[Result]]]:
        """Each item with its results, in order. Fewer than `least_items` are done here.

        Raises:
            Exception: what `work` raises.
            EngineError: Ray is not installed, the cluster does not answer, or an item ended several workers.
        """
        items = iter(items)
        least = self._least_items if least_items is None else least_items
        first = list(itertools.islice(items, least))
        if len(first) < least:
            return ((item, work(item)) for item in first)
        return self._map_on_cluster(work, itertools.chain(first, items))

    def _map_on_cluster(
        self, work: Callable[[Item], Iterable[Result]], items: Iterable[Item]
    ) -> Iterator[tuple[Item, Iterable[Result]]]:
        ray = self._connected()
        shared = ray.put(work)
        apply = ray.remote(num_cpus=1, max_retries=MAX_LOST_WORKERS)(_apply)
        limit = IN_FLIGHT * max(1, int(ray.cluster_resources().get("CPU", 1)))
        waiting: deque[tuple[Item, Any]] = deque()
        for item in items:
            waiting.append((item, apply.remote(shared.hex(), [shared], item)))
            if len(waiting) >= limit:
                yield _finished(ray, *waiting.popleft())
        while waiting:
            yield _finished(ray, *waiting.popleft())

    def _connected(self) -> Any:
        try:
            import ray
        except ImportError as error:
            raise EngineError("the engine is ray, but Ray is not installed", cure=INSTALL) from error
        if not ray.is_initialized():
            try:
                ray.init(address=self._address, log_to_driver=False, logging_level="ERROR")
            except (ConnectionError, RuntimeError, ValueError) as error:
                message = f"no Ray cluster answers at {self._address}: {error}"
                raise EngineError(message, cure="start one: ray start --head") from error
        return ray


def _apply(key: str, shared: list[Any], item: Any) -> list[Any]:
    """Run in a worker. The function is fetched once in each, because it may load a model."""
    import ray

    if key not in _loaded:
        _loaded.clear()
        _loaded[key] = ray.get(shared[0])
    return list(_loaded[key](item))


def _finished(ray: Any, item: Item, reference: Any) -> tuple[Item, list[Any]]:
    try:
        return item, ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from error
    except ray.exceptions.RayError as error:
        raise EngineError(f"the Ray cluster lost its work: {' '.join(str(error).split())[:300]}") from error
