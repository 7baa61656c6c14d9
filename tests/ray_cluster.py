"""A Ray cluster of several nodes on this machine for tests: each node has processes of its own, and can be killed."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest

NODES = 3
TOKEN = secrets.token_hex(32)
"""Of all clusters of this process, because Ray reads its token only once in a process."""


@contextlib.contextmanager
def ray_cluster(nodes: int = NODES) -> Iterator[Any]:
    """Start a cluster with one processor for each node, give it, and stop it at the end."""
    if find_spec("ray") is None:
        pytest.skip("needs the extra ray")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")  # it reports nothing to anyone
        patch.setenv("RAY_raylet_start_wait_time_s", "180")  # the machine may be busy
        patch.setenv("RAY_AUTH_MODE", "token")  # its ports are open to the network: it knows no other way
        patch.setenv("RAY_AUTH_TOKEN", TOKEN)
        import ray
        from ray.cluster_utils import Cluster

        node = {"num_cpus": 1, "object_store_memory": 80 << 20}
        cluster = Cluster(initialize_head=True, head_node_args=node)
        try:
            for _ in range(nodes - 1):
                cluster.add_node(**node)
            yield cluster
        finally:
            ray.shutdown()
            cluster.shutdown()


def kill_a_worker_node(cluster: Any) -> None:
    """Kill the processes of a node other than the head."""
    cluster.remove_node(cluster.worker_nodes.copy().pop(), allow_graceful=False)
