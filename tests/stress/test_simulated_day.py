"""A day of a knowledge base with everything that goes wrong: sensors, jobs and alerts bring it to rights, no person.

In the long form a killed run is a process that was killed, and there are several days.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import dagster as dg
import pytest

from omni_pipelines.configuration import load_settings
from omni_pipelines.errors import ModelMissing
from omni_pipelines.knowledge.state.releases import release_numbers
from omni_pipelines.operations.alerts import read_ledger
from omni_pipelines.pipeline.staleness import stale_index, stale_ingest
from omni_pipelines.steps.step_table import new_run
from omni_pipelines.text.engines import model_fingerprint
from resources.instance import open_instance
from sensors.run_requests import WANT_TAG
from tests.stress.harness.day import Day
from tests.stress.harness.extent import EXTENT, SEED
from tests.stress.harness.figures import Figures

S = dg.DagsterRunStatus


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    """The day, over."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("day")
        patch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        day = Day(folder, SEED, kills_for_real=EXTENT.days > 1)
        try:
            model_fingerprint(load_settings(day.home))
        except ModelMissing as error:
            pytest.skip(str(error))
        for _ in range(EXTENT.days):
            day.live()
        for _ in range(3):
            day.round()  # then it is quiet
        yield day


def test_what_was_to_happen_has_happened(day: Day) -> None:
    assert day.changes >= 200 * EXTENT.days
    assert day.restarts >= 20 * EXTENT.days
    assert day.killed == 5 * EXTENT.days
    assert day.fate == {}
    assert day.asked_while_locked == 0, "a run was started while another process wrote"


def test_it_ends_with_what_the_sources_hold_in_a_release(day: Day) -> None:
    assert day.documents() == day.files()
    run = new_run(day.home, load_settings(day.home))
    assert (stale_ingest(run), stale_index(run)) == (None, None), "something is left to do, or waits for a person"
    assert release_numbers(day.home)


def test_no_state_was_built_twice(day: Day) -> None:
    with open_instance(day.home) as instance:
        runs = instance.get_runs()
    done = Counter((run.job_name, run.tags[WANT_TAG]) for run in runs if run.status is S.SUCCESS)
    assert set(done.values()) == {1}
    assert {run.status for run in runs} == {S.SUCCESS, S.FAILURE}, "a run hangs"


def test_every_alert_was_sent_once_and_closed_once(day: Day, figures: Figures) -> None:
    told = day.told()
    counts = Counter((message["id"], message["state"]) for message in told)
    assert set(counts.values()) == {1}
    assert {each for each, state in counts if state == "open"} == {each for each, state in counts if state == "over"}
    assert read_ledger(day.home).open == {}
    keys = {message["key"] for message in told}
    assert {"run:ingest_job", "run:index_job", "check:documents.sources_present"} <= keys
    assert any(key.startswith("check:retrieval_quality.") for key in keys)
    add_figures(day, figures)


def add_figures(day: Day, figures: Figures) -> None:
    with open_instance(day.home) as instance:
        statuses = Counter(run.status for run in instance.get_runs())
    figures.add(
        "a day with everything that goes wrong",
        "sensors, runs and alerts of ten sources; each minute begins with a restart",
        days=EXTENT.days,
        changed_files=day.changes,
        restarts=day.restarts,
        runs=statuses.total(),
        killed=day.killed,
        failed_otherwise=statuses[S.FAILURE] - day.killed,
        states_built_twice=0,
        alerts=len(day.told()) // 2,
        sent_or_closed_twice=0,
        left_to_do=0,
    )
