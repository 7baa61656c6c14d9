"""A day of a knowledge base with everything that goes wrong, in this process: sensors, jobs and alerts, no person.

A round is what the daemon does within a minute. Each round begins with a new instance, as after a restart.
"""

from __future__ import annotations

import errno
import json
import os
import random
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest

from omni_pipelines.cli.dagster_jobs import QUIET
from omni_pipelines.configuration import load_settings, trust_settings
from omni_pipelines.definitions import defs
from omni_pipelines.home import Home
from omni_pipelines.knowledge.quality.golden_questions import GoldenLabel, save_golden
from omni_pipelines.knowledge.state.releases import release_numbers
from omni_pipelines.operations.alerts import read_ledger
from omni_pipelines.pipeline.staleness import stale_index, stale_ingest
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.rows import DocumentRow
from omni_pipelines.schemas import DOCUMENTS
from omni_pipelines.sources.registry import register, save_sources
from omni_pipelines.steps.documents import reconcile_documents
from omni_pipelines.steps.step_table import new_run
from omni_pipelines.steps.writer_lock import writer_lock
from omni_pipelines.tables import read_rows
from resources.instance import open_instance
from resources.knowledge import KnowledgeHome
from resources.runs import PID_TAG, tags_of_this_process
from sensors.alerts import alert_sensor
from sensors.changes import index_sensor, source_sensor
from sensors.run_requests import WANT_TAG
from tests.integration.line import settle

if TYPE_CHECKING:
    from omni_pipelines.steps.step import LoadedEngines

LONG = os.environ.get("OMNI_STRESS") == "long"
SEED = int(os.environ.get("OMNI_STRESS_SEED", "16"))
SOURCES, CHANGES, DAYS = 10, 25, (4 if LONG else 1)
S = dg.DagsterRunStatus
ANSWER = "The heron stands in cold water at dawn."


class FullDisk(KnowledgeHome):
    """Every write fails."""

    @contextmanager
    def writer_session(self, log: Any, *, sync: bool = False) -> Iterator[Home]:
        raise OSError(errno.ENOSPC, "No space left on device")
        yield self.home


class Day:
    """Ten sources and a home, and what a daemon does with them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, Home(folder / ".omni")
        self.dice = random.Random(SEED)
        self.home.create()
        self.messages = folder / "messages.jsonl"
        command = json.dumps(["/bin/sh", "-c", f"cat >> {self.messages}; echo >> {self.messages}"])
        settings = "gate_cpu_ms = 60000\n"  # a busy machine is no red gate
        self.home.config.write_text(f"{settings}[alerts]\ncommand = {command}\n")
        trust_settings(self.home)
        for number in range(SOURCES):
            self.write(number, "first.md", f"# Source {number}\n\nWords of source {number}.\n")
        self.write(3, "heron.md", f"# Heron\n\n{ANSWER}\n")
        save_sources(self.home, register([], [self.source(number) for number in range(SOURCES)], [])[0])
        save_golden(self.home, [GoldenLabel(question="Where does the heron stand?", path="heron.md", quote=ANSWER)])
        self.cursors: dict[str, str | None] = {}
        """The daemon keeps them in the instance."""
        self.fate: dict[str, str] = {}
        """Job to what happens to its next run: `kill`, or `fill disk`."""
        self.restarts = 0

    def source(self, number: int) -> Path:
        return self.folder / f"source{number}"

    def write(self, number: int, name: str, text: str) -> None:
        self.source(number).mkdir(exist_ok=True)
        (self.source(number) / name).write_text(text)

    def change_files(self, count: int) -> None:
        """Add, change and delete files of the sources that are there."""
        for _ in range(count):
            number = self.dice.randrange(SOURCES)
            name = f"{self.dice.randrange(12)}.md"
            if not self.source(number).is_dir():
                continue
            if self.dice.random() < 0.15:
                (self.source(number) / name).unlink(missing_ok=True)
            else:
                self.write(number, name, f"# Note\n\nState {self.dice.random()} of {name} in source {number}.\n")

    def round(self) -> None:
        """What a daemon that has just started does: twice each sensor, the runs they ask for, and the alerts."""
        settle()
        self.restarts += 1
        with open_instance(self.home) as instance:
            for sensor in (source_sensor, source_sensor, index_sensor):
                for request in self._tick(sensor, instance):
                    self._run(instance, request)
            self._tell(instance)

    def rounds(self, count: int) -> None:
        for _ in range(count):
            self.round()

    def hour(self, *events: str) -> None:
        """Let something happen, and then the daemon do what it does."""
        for event in events:
            if event == "change":
                self.change_files(CHANGES)
            elif event == "unmount":
                self.source(9).rename(self.folder / "unmounted")
            elif event == "mount":
                (self.folder / "unmounted").rename(self.source(9))
            elif event == "spoil":
                self.write(3, "heron.md", "# Lorem\n\nLorem ipsum dolor sit amet.\n")
            elif event == "mend":
                self.write(3, "heron.md", f"# Heron\n\n{ANSWER}\n")
            elif event == "lock":
                with writer_lock(self.home, 0):
                    self.rounds(3)
            else:
                fate, _, job = event.rpartition(" ")
                self.fate[job] = fate
        self.round()

    def _tick(self, sensor: dg.SensorDefinition, instance: dg.DagsterInstance) -> list[dg.RunRequest]:
        resources = {"knowledge": KnowledgeHome(path=str(self.home.root))}
        cursor = self.cursors.get(sensor.name)
        result = sensor(dg.build_sensor_context(instance=instance, cursor=cursor, resources=resources))
        assert isinstance(result, dg.SensorResult)
        self.cursors[sensor.name] = result.cursor
        return list(result.run_requests or ())

    def _run(self, instance: dg.DagsterInstance, request: dg.RunRequest) -> None:
        fate = self.fate.pop(str(request.job_name), "")
        if fate == "kill":
            self._kill(instance, request)
            return
        kind = FullDisk if fate == "fill disk" else KnowledgeHome
        resources = {**(defs.resources or {}), "knowledge": kind(path=str(self.home.root), lock_seconds=0)}
        defs.resolve_job_def(str(request.job_name)).execute_in_process(
            {**request.run_config, **QUIET},
            instance=instance,
            tags=dict(request.tags),
            resources=resources,
            raise_on_error=False,
        )

    def _kill(self, instance: dg.DagsterInstance, request: dg.RunRequest) -> None:
        """What a run leaves that is killed after its first step: the step's work, and a record that it runs."""
        if request.job_name == "ingest_job":
            run = new_run(self.home)
            with writer_session(self.home, run.settings):
                reconcile_documents(run)
        gone = subprocess.Popen(["true"])
        gone.wait()
        tags = {**request.tags, **tags_of_this_process(), PID_TAG: str(gone.pid)}
        instance.create_run_for_job(defs.resolve_job_def(str(request.job_name)), tags=tags, status=S.STARTED)

    def _tell(self, instance: dg.DagsterInstance) -> None:
        resources = {"knowledge": KnowledgeHome(path=str(self.home.root))}
        repository = defs.get_repository_def()
        alert_sensor(dg.build_sensor_context(instance=instance, resources=resources, repository_def=repository))

    def files(self) -> dict[str, str]:
        """What the sources hold now."""
        return {str(path.relative_to(self.folder)): path.read_text() for path in self.folder.glob("source*/*.md")}

    def documents(self) -> dict[str, str]:
        """What the home holds."""
        rows = read_rows(self.home, DOCUMENTS, DocumentRow, ["source", "path", "text"])
        return {f"{row['source']}/{row['path']}": row["text"] for row in rows}

    def told(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.messages.read_text().splitlines() if line]


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory, engines: LoadedEngines) -> Iterator[Day]:
    """The day, over."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("day")
        patch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        day = Day(folder)
        run_the_day(day)
        yield day


EVENTS = (
    ("change",),
    ("change", "kill ingest_job"),
    (),
    ("change", "fill disk ingest_job", "kill index_job"),
    (),
    ("change", "lock"),
    ("unmount",),
    ("change", "fill disk index_job"),
    (),
    ("mount", "kill ingest_job"),
    ("kill index_job",),
    ("change", "spoil"),
    (),
    ("mend", "change", "lock"),
    ("change", "kill ingest_job"),
    (),
    ("change",),
)
"""What happens in a day: 200 changed files, five runs killed, two failed, a lock held twice, a gate that is red."""


def run_the_day(day: Day) -> None:
    for _ in range(DAYS):
        for events in EVENTS:
            day.hour(*events)
    day.rounds(2)  # then it is quiet


def test_it_ends_with_what_the_sources_hold_in_a_release(day: Day) -> None:
    assert day.documents() == day.files()
    run = new_run(day.home, load_settings(day.home))
    assert (stale_ingest(run), stale_index(run)) == (None, None), (
        "nothing is left to do, and nothing waits for a person"
    )
    assert release_numbers(day.home)
    assert day.restarts >= 20
    assert day.fate == {}, "all of it happened"


def test_no_state_was_built_twice(day: Day) -> None:
    with open_instance(day.home) as instance:
        runs = instance.get_runs()
    done = Counter((run.job_name, run.tags[WANT_TAG]) for run in runs if run.status is S.SUCCESS)
    assert set(done.values()) == {1}
    statuses = Counter(run.status for run in runs)
    assert set(statuses) == {S.SUCCESS, S.FAILURE}, "nothing hangs"
    assert statuses[S.FAILURE] >= 5 + 2 + 1


def test_every_alert_was_sent_once_and_closed_once(day: Day) -> None:
    told = day.told()
    counts = Counter((message["id"], message["state"]) for message in told)
    assert set(counts.values()) == {1}
    assert {each for each, state in counts if state == "open"} == {each for each, state in counts if state == "over"}
    assert read_ledger(day.home).open == {}
    keys = {message["key"] for message in told}
    assert {"run:ingest_job", "run:index_job", "check:documents.sources_present"} <= keys
    assert any(key.startswith("check:retrieval_quality.") for key in keys)
