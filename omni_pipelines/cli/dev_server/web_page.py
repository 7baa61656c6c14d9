"""The process that serves the Dagster UI: Dagster's server behind the guard, on 127.0.0.1 only."""

import sys
from pathlib import Path

import uvicorn
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster_webserver.app import create_app_from_workspace_process_context

from omni_pipelines.cli.dev_server.dagster_process import ask_seldom
from omni_pipelines.cli.dev_server.origin_guard import Guard
from resources.instance import instance_in
from resources.served_page import HOST


def main(instance_folder: str, workspace: str, port: int) -> None:
    """Serve until a signal arrives."""
    ask_seldom()
    with (
        instance_in(Path(instance_folder)) as instance,
        WorkspaceProcessContext(instance, WorkspaceFileTarget([str(Path(workspace))])) as context,
    ):
        app = create_app_from_workspace_process_context(context)
        uvicorn.run(Guard(app, port), host=HOST, port=port, log_level="warning", timeout_graceful_shutdown=3)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
