"""`omni gate`."""

from omni_pipelines.cli.command import command
from omni_pipelines.cli.dependencies import ExistingHome, HomeSettings
from omni_pipelines.cli.progress_bar import showing_progress
from omni_pipelines.cli.views.quality import ShownGate, show_bisection, show_gate
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.knowledge.quality.gate_results import last_gate
from omni_pipelines.publishing.bisection import Bisection, bisect_release
from omni_pipelines.steps.step_table import new_run


@command(show_gate)
def show(home: ExistingHome) -> ShownGate:
    """Show what the quality gate measured last."""
    gate = last_gate(home)
    if gate is None:
        raise ConfigurationError("the quality gate has not measured anything yet", cure="run: omni ingest PATH")
    return ShownGate(gate)


@command(show_bisection, around=showing_progress)
def bisect(home: ExistingHome, settings: HomeSettings) -> Bisection:
    """Name the documents that made golden questions worse.

    The documents of the last candidate are compared with the serving release.
    """
    return bisect_release(new_run(home, settings, run_id="omni gate bisect"))
