"""The wall clock jumps by years. Releases are kept by count, never by time."""

from __future__ import annotations

from native.lance_tables import LanceTable
from omni_pipelines import schemas
from omni_pipelines.knowledge.state.releases import list_releases
from tests.stress.conftest import BASE_STEP
from tests.stress.harness.figures import Figures
from tests.stress.harness.trial import Trial
from tests.stress.harness.workload import Workload

DAY = 86_400
JUMPS = (400 * DAY, -400 * DAY, 0, -DAY, 4_000 * DAY)


def test_releases_are_kept_by_count_when_the_clock_jumps(trial: Trial, faulty: Workload, figures: Figures) -> None:
    kept = [release.release for release in list_releases(trial.home)]
    for number, jump in enumerate(JUMPS):
        step = BASE_STEP + 1 + number
        assert faulty.run(trial.job("step", step, clock=jump)).code == 0
        seen = trial.newest()
        assert seen is not None
        assert seen.step == step
        trial.check_every_release()
        kept = [seen.release, *kept][:3]
        assert [release.release for release in list_releases(trial.home)] == kept
    figures.add(
        "jumps of the clock", "clock_gettime is moved", jumps=len(JUMPS), largest_jump_in_days=4000, failures=0
    )


def test_writer_clock_jumps_when_a_job_asks_for_it(trial: Trial, faulty: Workload) -> None:
    before = list_releases(trial.home)[0].created_at.timestamp()
    assert faulty.run(trial.job("step", BASE_STEP + 1, clock=400 * DAY)).code == 0
    after = list_releases(trial.home)[0].created_at.timestamp()
    assert abs(after - before - 400 * DAY) < DAY / 2


def test_versions_between_releases_are_deleted_when_their_time_is_in_the_future(
    trial: Trial, faulty: Workload
) -> None:
    for step, jump in ((BASE_STEP + 1, 400 * DAY), (BASE_STEP + 2, 0), (BASE_STEP + 3, -400 * DAY)):
        assert faulty.run(trial.job("step", step, clock=jump)).code == 0
    for name in schemas.TABLES.keys() - {"quarantine"}:
        table = LanceTable(trial.home.table(name))
        versions = {version["version"] for version in table.open().versions()}
        tagged = {tag["version"] for tag in table.open().tags.list().values()}
        assert versions <= tagged | {table.head().version}
