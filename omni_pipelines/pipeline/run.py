"""One run over all steps, from the sources to a release, without Dagster: what the refresh job does."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random

from omni_pipelines.errors import UpstreamMoved
from omni_pipelines.knowledge.quality.gate_results import GateResult, require_passed
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.publishing.early_releases import EarlyReleases
from omni_pipelines.publishing.publish import PublishReport, publish
from omni_pipelines.publishing.quality_gate import run_gate
from omni_pipelines.settings import Settings
from omni_pipelines.steps.step import OVERTAKEN_PAUSE_SECONDS, RunContext, StepReport

_MAX_ATTEMPTS = 10
Result = TypeVar("Result")


@dataclass(frozen=True)
class RunReport:
    """What one run did."""

    steps: dict[str, StepReport]
    """Step name to its report, in order."""
    gate: GateResult
    published: PublishReport


def run_pipeline(run: RunContext) -> RunReport:
    """Run all steps over the sources of `run`, then the quality gate, and publish a release.

    Raises:
        OmniError, EngineError: as its steps do.
    """
    return retry_when_overtaken(run.settings, lambda: _run_once(run), run.overtaken_pause_seconds)


def _run_once(run: RunContext) -> RunReport:
    run = replace(run, after_batch=run.after_batch or EarlyReleases())
    with writer_session(run.home, run.settings, sync=True):
        reports = {step.name: step.run(run) for step in run.steps}
        gate = run_gate(run)
        require_passed(gate)
        return RunReport(reports, gate, publish(run))


def retry_when_overtaken(
    settings: Settings, attempt: Callable[[], Result], pause_seconds: float = OVERTAKEN_PAUSE_SECONDS
) -> Result:
    """Call `attempt`; again if another home of the same store has published in the meantime.

    Raises:
        UpstreamMoved: another home was faster every time.
    """
    retrying = Retrying(
        retry=retry_if_exception_type(UpstreamMoved),
        stop=stop_after_attempt(_MAX_ATTEMPTS if settings.store else 1),
        wait=wait_random(0, pause_seconds),  # otherwise two homes would collide again
        reraise=True,
    )
    return retrying(attempt)
