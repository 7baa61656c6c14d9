"""A knowledge base with ten sources, what a daemon does with it, and what goes wrong with it in a day."""

from __future__ import annotations

import errno
import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg

from omni_pipelines.cli.dagster_jobs import QUIET
from omni_pipelines.configuration import trust_settings
from omni_pipelines.definitions import defs
from omni_pipelines.home import Home
from omni_pipelines.knowledge.quality.golden_questions import GoldenLabel, save_golden
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
from tests.integration.line import settle

SOURCES = 10
CHANGES = 30
"""Files that one `change` adds, changes or deletes."""
LOCKED_MINUTES = 4
ANSWER = "The heron stands in cold water at dawn."
EVENTS = (
    ("change",),
    ("change", "kill ingest_job", "kill index_job"),
    (),
    ("unmount",),
    ("change", "lock"),
    ("change", "fill disk ingest_job"),
    (),
    ("mount", "kill ingest_job"),
    ("kill index_job",),
    ("change", "spoil"),
    (),
    ("mend", "change", "lock"),
    ("change", "kill ingest_job", "fill disk index_job"),
    (),
    (),
)
"""What happens in a day: 200 changed files, five runs killed, two failed, a lock held twice, a gate that is red."""


class FullDisk(KnowledgeHome):
    """Every write fails."""

    @contextmanager
    def writer_session(self, log: Any, *, sync: bool = False) -> Iterator[Home]:
        raise OSError(errno.ENOSPC, "No space left on device")
        yield self.home


class Day:
    """A round is what the daemon does within a minute. Each begins with a new instance, as after a restart."""

    def __init__(self, folder: Path, seed: int, *, kills_for_real: bool = False) -> None:
        self.folder, self.home = folder, Home(folder / ".omni")
        self.kills_for_real = kills_for_real
        """Whether a killed run is a process that was killed, or only what such a process leaves."""
        self.dice = random.Random(seed)
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
        self.changes = self.restarts = self.killed = self.asked_while_locked = 0

    def source(self, number: int) -> Path:
        return self.folder / f"source{number}"

    def write(self, number: int, name: str, text: str) -> None:
        self.source(number).mkdir(exist_ok=True)
        (self.source(number) / name).write_text(text)

    def change_file(self) -> None:
        """Add, change or delete a file of a source that is there."""
        number = self.dice.choice([number for number in range(SOURCES) if self.source(number).is_dir()])
        path = self.source(number) / f"{self.dice.randrange(12)}.md"
        if path.exists() and self.dice.random() < 0.2:
            path.unlink()
        else:
            path.write_text(f"# Note\n\nState {self.dice.random()} of {path.name} in source {number}.\n")
        self.changes += 1

    def live(self) -> None:
        """Let the events of a day happen, and the daemon do its work after each hour of them."""
        for events in EVENTS:
            for event in events:
                self._happen(event)
            self.round()

    def _happen(self, event: str) -> None:
        if event == "change":
            for _ in range(CHANGES):
                self.change_file()
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
                self.asked_while_locked += sum(self.round() for _ in range(LOCKED_MINUTES))
        else:
            fate, _, job = event.rpartition(" ")
            self.fate[job] = fate

    def round(self) -> int:
        """What a daemon that has just started does: each sensor, the runs they ask for, and the alerts.

        The source sensor comes twice, because a source has to hold still. Returns the number of runs.
        """
        settle()
        self.restarts += 1
        runs = 0
        with open_instance(self.home) as instance:
            for sensor in (source_sensor, source_sensor, index_sensor):
                for request in self._tick(sensor, instance):
                    self._run(instance, request)
                    runs += 1
            self._tell(instance)
        return runs

    def _tick(self, sensor: dg.SensorDefinition, instance: dg.DagsterInstance) -> list[dg.RunRequest]:
        resources = {"knowledge": KnowledgeHome(path=str(self.home.root))}
        cursor = self.cursors.get(sensor.name)
        result = sensor(dg.build_sensor_context(instance=instance, cursor=cursor, resources=resources))
        assert isinstance(result, dg.SensorResult)
        self.cursors[sensor.name] = result.cursor
        return list(result.run_requests or ())

    def _run(self, instance: dg.DagsterInstance, request: dg.RunRequest) -> None:
        job, fate = str(request.job_name), self.fate.pop(str(request.job_name), "")
        if fate == "kill":
            self.killed += 1
            (self._kill if self.kills_for_real else self._leave_as_killed)(instance, request)
            return
        kind = FullDisk if fate == "fill disk" else KnowledgeHome
        execute(instance, kind(path=str(self.home.root), lock_seconds=0), job, request.run_config, request.tags)

    def _leave_as_killed(self, instance: dg.DagsterInstance, request: dg.RunRequest) -> None:
        """What a run leaves that is killed after its first step: the step's work, and a record that it runs."""
        if request.job_name == "ingest_job":
            run = new_run(self.home)
            with writer_session(self.home, run.settings):
                reconcile_documents(run)
        gone = subprocess.Popen(["true"])
        gone.wait()
        tags = {**request.tags, **tags_of_this_process(), PID_TAG: str(gone.pid)}
        job = defs.resolve_job_def(str(request.job_name))
        instance.create_run_for_job(job, tags=tags, status=dg.DagsterRunStatus.STARTED)

    def _kill(self, instance: dg.DagsterInstance, request: dg.RunRequest) -> None:
        """Run in a process of its own, which is killed at a random moment after the run has started."""
        told = json.dumps([str(self.home.root), request.job_name, request.run_config, dict(request.tags)])
        with subprocess.Popen([sys.executable, "-m", "tests.stress.harness.day", told], cwd=Path.cwd()) as child:
            mine = dg.RunsFilter(tags={PID_TAG: str(child.pid)}, statuses=[dg.DagsterRunStatus.STARTED])
            while child.poll() is None and not instance.get_run_records(mine, limit=1):
                time.sleep(0.02)
            time.sleep(self.dice.random())
            child.send_signal(signal.SIGKILL)

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
        """The messages that were delivered."""
        return [json.loads(line) for line in self.messages.read_text().splitlines() if line]


def execute(
    instance: dg.DagsterInstance, knowledge: KnowledgeHome, job: str, config: Any, tags: Any
) -> dg.ExecuteInProcessResult:
    """Run a job in this process."""
    return defs.resolve_job_def(job).execute_in_process(
        {**config, **QUIET},
        instance=instance,
        tags=dict(tags),
        resources={**(defs.resources or {}), "knowledge": knowledge},
        raise_on_error=False,
    )


def main() -> None:
    """Run the job that the argument names, as a run of this process."""
    home, job, config, tags = json.loads(sys.argv[1])
    with open_instance(Home(Path(home))) as instance:
        execute(instance, KnowledgeHome(path=home), job, config, {**tags, **tags_of_this_process()})


if __name__ == "__main__":
    main()
