"""A writer process that can be killed, can run out of disk space, and can have its clock moved.

One server process imports everything once and forks a child for each job, so a new process costs only a fork. The
child has the environment of the test at that moment.
"""

from __future__ import annotations

import contextlib
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

from native import lance_maintenance, lance_vectors
from native.lance_tables import LanceTable
from omni_pipelines import schemas
from omni_pipelines.home import Home
from omni_pipelines.pipeline.run import run_pipeline
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.steps.step import StepGroup
from omni_pipelines.steps.step_table import STEPS, new_run
from tests.stress.harness import crash_points, faults
from tests.stress.harness.changes import CHANGES, change
from tests.stress.harness.corpus import files_at, write_files
from tests.stress.harness.faults import Fault
from tests.stress.harness.oracle import SETTINGS
from tests.stress.harness.sharing import Shared
from tests.stress.harness.stores import ENGINES, Naive, Released, Store, problems

FIRST_ROWS = 20
"""Number of vectors from which these tests build a vector index, so that small tables have one."""
MAX_SECONDS = 240.0
"""Seconds after which a job counts as hung."""
KILLED = -signal.SIGKILL


@dataclass(frozen=True)
class Job:
    """One task of a writer process."""

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
    """Seconds by which the wall clock is moved forward."""
    target: str = ""
    """What `forget` and `rollback` name."""
    log: str = ""
    """File to which `steps` appends the number of each finished step."""


@dataclass(frozen=True)
class Outcome:
    """How a job ended."""

    code: int
    """0, 1 after an exception, or minus the signal."""
    error: str
    seen: int
    """Number of counted file operations."""
    fired: int
    """Number of injected faults."""


def _step(store: Store, job: Job) -> None:
    store.write(job.step)


def _first(store: Store, job: Job) -> None:
    """Create the home, and write a step."""
    store.begin()
    store.write(job.step)


def _run(store: Store, _job: Job) -> None:
    """Run the pipeline on the files as they are."""
    run_pipeline(new_run(store.home, SETTINGS, ENGINES, "step 0", allow_delete=True))


def _twice(store: Store, job: Job) -> None:
    """Write a step; if it fails, write it again in the same process."""
    try:
        store.write(job.step)
    except Exception:  # noqa: BLE001  # the injected fault can surface as any error
        faults.disarm()
        store.write(job.step)
    faults.disarm()
    seen = store.read()
    assert seen is not None
    assert problems(store, seen) == []


def _steps(store: Store, job: Job) -> None:
    """Write step after step until the process is killed."""
    log = os.open(job.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    server = os.getppid()
    for step in range(job.step, sys.maxsize):
        if os.getppid() != server:  # the test has ended
            return
        store.write(step)
        os.write(log, f"{step}\n".encode())


def _tables(store: Store, job: Job) -> None:
    """Write the tables of a step, but no index and no release."""
    write_files(store.docs, files_at(store.seed, job.step))
    with writer_session(store.home, SETTINGS):
        run = new_run(store.home, SETTINGS, ENGINES, allow_delete=True)
        for step in STEPS.in_group(StepGroup.INGEST):
            step.run(run)


def _index(store: Store, _job: Job) -> None:
    """Build both indexes; the vector index is trained again."""
    lance_vectors.MAX_GROWTH = 0
    with writer_session(store.home, SETTINGS):
        run = new_run(store.home, SETTINGS, ENGINES)
        for step in STEPS.in_group(StepGroup.INDEX):
            step.run(run)


def _compact(store: Store, _job: Job) -> None:
    """Compact every table."""
    lance_maintenance.MAX_FRAGMENTS = 1
    with writer_session(store.home, SETTINGS):
        for name in schemas.TABLES:
            lance_maintenance.compact(LanceTable(store.home.table(name)))


def _change(store: Store, job: Job) -> None:
    """Make a change that reads no source."""
    change(job.do.removeprefix("omni "), store.home, store.settings, job.target)


STORES: dict[str, Callable[[Home, Path, int], Store]] = {"released": Released, "naive": Naive, "shared": Shared}

JOBS: dict[str, Callable[[Store, Job], None]] = {
    "step": _step,
    "first": _first,
    "run": _run,
    "twice": _twice,
    "steps": _steps,
    "tables": _tables,
    "index": _index,
    "compact": _compact,
    **dict.fromkeys((f"omni {name}" for name in CHANGES), _change),
}


@dataclass
class Workload:
    """Starts the server and sends it jobs. Use it as a context manager."""

    prefix: tuple[str, ...] = ()
    """A command under which the server runs, such as strace."""
    _process: subprocess.Popen[str] = field(init=False)

    def __enter__(self) -> Workload:
        self._process = subprocess.Popen(
            [*self.prefix, sys.executable, "-m", "tests.stress.harness.workload"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=_environment(),
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
        """Start a job, and return the id of its process."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"job": asdict(job), "environment": _environment()}) + "\n")
        self._process.stdin.flush()
        return int(self._answer())

    def end(self) -> Outcome:
        """Wait for the job to end."""
        return Outcome(**self._answer())

    def run(self, job: Job) -> Outcome:
        """Run a job to its end.

        Raises:
            TimeoutError: the job hung. It was killed.
        """
        process = self.start(job)
        try:
            return self.end()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):  # it may end just now
                os.kill(process, signal.SIGKILL)
            raise

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], MAX_SECONDS)[0]:
            raise TimeoutError(f"no answer from the workload for {MAX_SECONDS:.0f} s")
        return json.loads(self._process.stdout.readline())


def _environment() -> dict[str, str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), "RUST_LOG": "off"}
    library = faults.library()
    return environment if library is None else {**environment, "LD_PRELOAD": str(library)}


def serve() -> None:
    """Fork a child for each job on stdin; write its process id, and later its outcome, to stdout."""
    warnings.simplefilter("ignore")  # about forking with threads: the server itself runs no engine
    import lancedb.index  # noqa: F401  # imported once, so that no child has to
    import tantivy  # noqa: F401

    import omni_pipelines.steps.documents
    import omni_pipelines.steps.embeddings  # noqa: F401

    lance_vectors.FIRST_ROWS = FIRST_ROWS
    _say("ready")
    for line in sys.stdin:
        request = json.loads(line)
        fault = request["job"].pop("fault")
        job = Job(**request["job"], fault=Fault(**fault) if fault else None)
        error_reader, error_writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(error_reader)
            os.environ.clear()
            os.environ.update(request["environment"])
            _child(job, error_writer)
        os.close(error_writer)
        _say(child)
        with os.fdopen(error_reader, "rb") as pipe:
            error = pipe.read().decode(errors="replace")
        _, status = os.waitpid(child, 0)
        seen, fired = faults.counted() if job.fault else (0, 0)
        _say(asdict(Outcome(os.waitstatus_to_exitcode(status), error, seen, fired)))


def _say(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def _child(job: Job, error_writer: int) -> None:
    try:
        store = STORES[job.store](Home(Path(job.home)), Path(job.docs), job.seed)
        if job.crash_at:
            crash_points.die_at(job.crash_at)
        if job.clock:
            faults.move_clock(job.clock)
        if job.fault:
            faults.arm(job.fault)
        JOBS[job.do](store, job)
    except BaseException as error:  # noqa: BLE001  # every error is reported to the test
        if job.fault:
            faults.disarm()
        os.write(error_writer, f"{type(error).__name__}: {error}"[:2000].encode())
        os._exit(1)
    os._exit(0)


def wait_until(condition: Callable[[], bool], description: str, seconds: float = MAX_SECONDS) -> None:
    """Wait until another process has made a condition true."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"waited {seconds:.0f} s for {description}"
        time.sleep(0.02)


if __name__ == "__main__":
    serve()
