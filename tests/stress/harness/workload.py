"""The writer in a process of its own, which can be killed, starved of disk space, and robbed of its clock.

One server imports everything once and forks a child for every job: a fresh process for the price of a fork.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from native import lance_tables, lance_vectors
from native.lance_tables import LanceTable
from omni_pipelines import schemas
from omni_pipelines.home import Home
from omni_pipelines.pipeline.run import run_pipeline
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.steps.step import Group
from omni_pipelines.steps.step_table import STEPS, new_run
from tests.stress.harness import crash_points, faults
from tests.stress.harness.corpus import files_at, lay
from tests.stress.harness.faults import Fault
from tests.stress.harness.oracle import SETTINGS
from tests.stress.harness.sharing import Shared
from tests.stress.harness.stores import ENGINES, Naive, Released, Store, wrong

FIRST_ROWS = 20
"""From this many vectors on there is an index in these tests, so that small tables have one."""
MAX_SECONDS = 240.0
"""Seconds until a job counts as hung."""
KILLED = -signal.SIGKILL


@dataclass(frozen=True)
class Job:
    """Something a writer does."""

    do: str
    """A key of `JOBS`."""
    home: str
    docs: str
    seed: int
    step: int
    store: str = "released"
    crash_at: str = ""
    fault: Fault | None = None
    clock: int = 0
    """Seconds the wall clock is put forward."""
    log: str = ""
    """Where `steps` writes each step it finished."""


@dataclass(frozen=True)
class Outcome:
    """How a job ended."""

    code: int
    """0, 1 after an exception, or minus the signal."""
    error: str
    seen: int
    """File operations counted."""
    fired: int
    """Faults that happened."""


def _step(store: Store, job: Job) -> None:
    store.write(job.step)


def _first(store: Store, job: Job) -> None:
    """A step in a home that has to be made first."""
    store.begin()
    store.write(job.step)


def _pass(store: Store, _job: Job) -> None:
    """A pass over the files as they are."""
    run_pipeline(new_run(store.home, SETTINGS, ENGINES, "step 0", allow_delete=True))


def _twice(store: Store, job: Job) -> None:
    """A step, and once more by the same process if it failed."""
    try:
        store.write(job.step)
    except Exception:  # noqa: BLE001  # that is what was asked for
        faults.disarm()
        store.write(job.step)
    faults.disarm()
    seen = store.read()
    assert seen is not None
    assert wrong(store, seen) == []


def _steps(store: Store, job: Job) -> None:
    """Step after step until something kills it."""
    log = os.open(job.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    server = os.getppid()
    for step in range(job.step, sys.maxsize):
        if os.getppid() != server:  # the test is gone
            return
        store.write(step)
        os.write(log, f"{step}\n".encode())


def _tables(store: Store, job: Job) -> None:
    """A step up to the tables; no index, no release."""
    lay(store.docs, files_at(store.seed, job.step))
    with writer_session(store.home, SETTINGS):
        run = new_run(store.home, SETTINGS, ENGINES, allow_delete=True)
        for step in STEPS.in_group(Group.INGEST):
            step.run(run)


def _index(store: Store, _job: Job) -> None:
    """Both indexes, the vectors trained anew."""
    lance_vectors.MAX_DELTAS = 1
    with writer_session(store.home, SETTINGS):
        run = new_run(store.home, SETTINGS, ENGINES)
        for step in STEPS.in_group(Group.INDEX):
            step.run(run)


def _compact(store: Store, _job: Job) -> None:
    """Many small files of every table to few."""
    lance_tables.MAX_FRAGMENTS = 1
    with writer_session(store.home, SETTINGS):
        for name in schemas.TABLES:
            LanceTable(store.home.table(name)).compact()


STORES: dict[str, Callable[[Home, Path, int], Store]] = {"released": Released, "naive": Naive, "shared": Shared}

JOBS: dict[str, Callable[[Store, Job], None]] = {
    "step": _step,
    "first": _first,
    "pass": _pass,
    "twice": _twice,
    "steps": _steps,
    "tables": _tables,
    "index": _index,
    "compact": _compact,
}


@dataclass
class Workload:
    """The server, from the test's side. Use it as a context."""

    prefix: tuple[str, ...] = ()
    """A command that runs the server, such as strace."""
    _process: subprocess.Popen[str] = field(init=False)

    def __enter__(self) -> Workload:
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), "RUST_LOG": "off"}
        library = faults.library()
        if library is not None:
            environment["LD_PRELOAD"] = str(library)
        self._process = subprocess.Popen(
            [*self.prefix, sys.executable, "-m", "tests.stress.harness.workload"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        assert self._answer() == "ready"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
        self._process.wait(60)

    def start(self, job: Job) -> int:
        """Begin a job; the id of its process."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asdict(job)) + "\n")
        self._process.stdin.flush()
        return int(self._answer())

    def end(self) -> Outcome:
        """Wait for the job."""
        return Outcome(**self._answer())

    def run(self, job: Job) -> Outcome:
        """A job from beginning to end. One that hangs is killed, and that is an error."""
        process = self.start(job)
        try:
            return self.end()
        except TimeoutError:
            os.kill(process, signal.SIGKILL)
            raise

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], MAX_SECONDS)[0]:
            raise TimeoutError(f"no answer from the workload for {MAX_SECONDS:.0f} s")
        return json.loads(self._process.stdout.readline())


def serve() -> None:
    """Fork for each job on stdin; say the child's id, then how it ended."""
    warnings.simplefilter("ignore")  # of forking, which is safe here: the server itself runs no engine
    import lancedb.index  # noqa: F401  # so that no child has to

    lance_vectors.FIRST_ROWS = FIRST_ROWS
    _say("ready")
    for line in sys.stdin:
        request = json.loads(line)
        job = Job(**{**request, "fault": Fault(**request["fault"]) if request["fault"] else None})
        told, tell = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(told)
            _child(job, tell)
        os.close(tell)
        _say(child)
        with os.fdopen(told, "rb") as pipe:
            error = pipe.read().decode(errors="replace")
        _, status = os.waitpid(child, 0)
        seen, fired = faults.counted() if job.fault else (0, 0)
        _say(asdict(Outcome(os.waitstatus_to_exitcode(status), error, seen, fired)))


def _say(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def _child(job: Job, tell: int) -> None:
    try:
        store = STORES[job.store](Home(Path(job.home)), Path(job.docs), job.seed)
        if job.crash_at:
            crash_points.die_at(job.crash_at)
        if job.clock:
            faults.move_clock(job.clock)
        if job.fault:
            faults.arm(job.fault)
        JOBS[job.do](store, job)
    except BaseException as error:  # noqa: BLE001  # whatever it is, the test is told
        if job.fault:
            faults.disarm()
        os.write(tell, f"{type(error).__name__}: {error}"[:2000].encode())
        os._exit(1)
    os._exit(0)


def wait_until(true: Callable[[], bool], what: str, seconds: float = MAX_SECONDS) -> None:
    """Wait for something that another process does."""
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.02)


if __name__ == "__main__":
    serve()
