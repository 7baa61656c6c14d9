"""Jobs that the command line runs in its own process."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import dagster as dg
import pytest

from omni_pipelines.cli.dagster_jobs import run_job
from omni_pipelines.home import Home
from omni_pipelines.sources.model.limits import DEFAULT_LIMITS
from omni_pipelines.sources.model.listing import FileContent, ReadFile, SourceFile
from omni_pipelines.sources.web.network import SYSTEM_NETWORK
from resources.instance import open_instance
from tests.integration.hooked_session import HookedSession, ReadHook
from tests.integration.line import Line, write


def interrupted(_read: ReadFile, _file: SourceFile, _limit: int) -> FileContent:
    signal.raise_signal(signal.SIGINT)
    raise AssertionError("the signal was not delivered")


def test_ctrl_c_in_a_job_is_a_keyboard_interrupt_and_ends_the_run(line: Line, docs: Path) -> None:
    write(docs, {"a.md": "Words about walruses."})
    line.add(docs)
    session = HookedSession(interrupted, None, DEFAULT_LIMITS, SYSTEM_NETWORK)
    with pytest.raises(KeyboardInterrupt):
        run_job(line.home, "refresh_job", {}, session)
    with open_instance(line.home) as instance:
        assert [run.status for run in instance.get_runs()] == [dg.DagsterRunStatus.FAILURE]


def terminated_from_the_page(home: Home) -> ReadHook:
    def read(_read: ReadFile, _file: SourceFile, _limit: int) -> FileContent:
        with open_instance(home) as instance:
            (run,) = instance.get_runs()
            assert instance.run_coordinator is not None
            assert instance.run_coordinator.cancel_run(run.run_id), "what the page calls"
        time.sleep(60)
        raise AssertionError("the run was not stopped")

    return read


def test_a_run_of_omni_stops_when_a_person_terminates_it_from_the_page(
    line: Line, docs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(docs, {"a.md": "Words about walruses."})
    line.add(docs)
    session = HookedSession(terminated_from_the_page(line.home), None, DEFAULT_LIMITS, SYSTEM_NETWORK)
    with pytest.raises(KeyboardInterrupt):
        run_job(line.home, "refresh_job", {}, session)
    with open_instance(line.home) as instance:
        (run,) = instance.get_runs()
        assert run.status == dg.DagsterRunStatus.CANCELED
    assert f"run {run.run_id[:8]} was terminated in the Dagster UI" in capsys.readouterr().err
