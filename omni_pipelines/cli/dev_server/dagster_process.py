"""A process of Dagster that asks seldom whether the code server is still there; Dagster asks every second.

    python -m omni_pipelines.cli.dev_server.dagster_process MODULE ARGUMENT…

Each question opens a connection, through two processes. That was half of what an idle `omni dev` costs.
"""

import runpy
import sys

from dagster._grpc import client, server_watcher

WATCH_SECONDS = 10
"""For so long after code is loaded again from the page, the daemon may go on with what it knew of it."""
HEARTBEAT_SECONDS = 5
"""Between signs of life to the process that has the code, which ends after 30 seconds without one."""


def ask_seldom() -> None:
    """Lengthen the intervals of this process."""
    server_watcher.WATCH_INTERVAL = WATCH_SECONDS
    client.CLIENT_HEARTBEAT_INTERVAL = HEARTBEAT_SECONDS


if __name__ == "__main__":
    ask_seldom()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
