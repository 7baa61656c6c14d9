"""Dagster's launcher of runs, which also terminates runs of `omni`, and notices runs whose server is gone."""

import json
import socket

from dagster import DagsterRun
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus
from dagster._core.launcher.default_run_launcher import DefaultRunLauncher
from dagster._core.storage.tags import GRPC_INFO_TAG

from resources.runs import HOST_TAG, is_orphaned


class RunLauncher(DefaultRunLauncher):
    """The launcher that Dagster uses by default, for an instance that also has runs of `omni ingest`.

    An instance names this class in its `dagster.yaml`.
    """

    def terminate(self, run_id: str) -> bool:
        """Ask a run to stop. A run of `omni` looks every second whether it was asked: `resources.runs.terminable`."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished or HOST_TAG not in run.tags:
            return bool(super().terminate(run_id))  # type: ignore[no-untyped-call]
        self._instance.report_run_canceling(run)
        return True

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Dagster's own launcher does not: after a power cut, its runs seem to go on for ever."""
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Whether a run can still be at work. Its code server watches its process; nobody watches the code server."""
        if is_orphaned(run) or _is_server_gone(run):
            return CheckRunHealthResult(WorkerStatus.FAILED, "its process ended without a word")
        return CheckRunHealthResult(WorkerStatus.RUNNING)


def _is_server_gone(run: DagsterRun) -> bool:
    """Whether nobody listens any more on the socket file of the code server that started a run."""
    path = json.loads(run.tags.get(GRPC_INFO_TAG, "{}")).get("socket")
    if not path:
        return False
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            return True
        except OSError:
            return False  # it may be too busy to answer
    return False
