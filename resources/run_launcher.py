"""Dagster's launcher of runs, which also terminates runs that `omni` executes in its own process."""

from dagster._core.launcher.default_run_launcher import DefaultRunLauncher

from resources.runs import HOST_TAG


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
