"""Apply a function to items in processes of this machine, once their start is worth it.

Results come back in the order of the items. A bounded number of items is on its way, which bounds the memory of all
processes. What is sent are pickles that these processes make of their own objects, through a socket that no other
process has. If this process is killed, the socket ends, and each of the others ends after the items that it has.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import queue
import subprocess
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from pickle import PicklingError
from types import TracebackType
from typing import Any, Generic, TypeVar

from native.child_python import python_command
from native.errors import EngineError

WORTH_SECONDS = 4.0
"""Seconds of work that must be left before processes are started: to start them costs about as much."""
_MEASURED_SECONDS = 1.0
"""Seconds of work after which the rest is estimated."""
MAX_PROCESSES = 8
"""This process hands out the items and takes the results, so it cannot keep more busy."""
ITEMS_AT_ONCE, BYTES_AT_ONCE = 16, 64 << 10
"""Items that are sent together, and the bytes from which on no more are added."""
PARCELS_IN_FLIGHT = 8
"""For each process, so that it does not wait while this one writes results."""
BYTES_IN_FLIGHT = 64 << 20
_STARTS = 2
"""A process that ends over the same items as often: the items are what ends it."""
_END_SECONDS = 5.0

Item = TypeVar("Item")
Result = TypeVar("Result")
Outcome = tuple[list[Result], BaseException | None]
"""The results of an item, or what was raised."""


class WorkerProcesses:
    """Up to `count` processes. Each call of `map` starts its own, which end with it."""

    on_cluster = False

    def __init__(self, count: int, worth_seconds: float = WORTH_SECONDS) -> None:
        self._count, self._worth_seconds = min(count, MAX_PROCESSES), worth_seconds

    def map(
        self,
        work: Callable[[Item], Iterable[Result]],
        items: Iterable[Item],
        *,
        total: int | None = None,
        least_items: int | None = None,
    ) -> Iterator[tuple[Item, Iterable[Result]]]:
        """Each item with its results, in order. The first ones are worked off here, while their results are read.

        Without `total`, as much work is expected to be left as was done.

        Raises:
            Exception: what `work` raises.
            EngineError: an item ended several processes.
        """
        items, watch = iter(items), _Stopwatch()
        while watch.seconds_left(total) <= self._worth_seconds:
            try:
                item = next(items)
            except StopIteration:
                return
            yield item, watch.timed(work, item)
        try:
            copied = _copied(work)
        except (PicklingError, AttributeError, TypeError):  # such as engines that the caller has loaded
            yield from ((item, work(item)) for item in items)
        else:
            yield from self._map_in_processes(copied, items)

    def _map_in_processes(self, work: bytes, items: Iterable[Item]) -> Iterator[tuple[Item, Iterable[Any]]]:
        waiting: deque[_Sent[Item]] = deque()
        in_flight = 0
        with _Processes(work, self._count) as processes:
            for parcel in _parcels(items):
                waiting.append(_Sent(parcel, processes.apply(parcel)))
                in_flight += parcel.size
                while len(waiting) >= PARCELS_IN_FLIGHT * self._count or in_flight > BYTES_IN_FLIGHT:
                    in_flight -= waiting[0].parcel.size
                    yield from waiting.popleft().finished()
            while waiting:
                yield from waiting.popleft().finished()


class _Stopwatch:
    """Adds up the seconds that it takes to make the results of items."""

    def __init__(self) -> None:
        self._seconds = self._first_seconds = 0.0
        self._items = 0

    def seconds_left(self, total: int | None) -> float:
        """How long the items will take that are not begun. The first one does not count: it loads what all need."""
        if total is None:
            return self._seconds
        measured = self._seconds - self._first_seconds
        left = measured / max(1, self._items - 1) * (total - self._items)
        return left if measured >= _MEASURED_SECONDS else 0.0

    def timed(self, work: Callable[[Item], Iterable[Result]], item: Item) -> Iterator[Result]:
        """The results of the next item."""
        self._items += 1
        if self._items == 2:
            self._first_seconds = self._seconds
        made = itertools.chain.from_iterable(map(work, (item,)))  # it calls `work` when the first result is taken
        while True:
            began = time.monotonic()
            try:
                result = next(made)
            except StopIteration:
                return
            finally:
                self._seconds += time.monotonic() - began
            yield result


@dataclass(frozen=True)
class _Parcel(Generic[Item]):
    """Items that are sent together, and their pickles."""

    items: list[Item]
    pickles: list[bytes]
    size: int


def _parcels(items: Iterable[Item]) -> Iterator[_Parcel[Item]]:
    parcel: _Parcel[Item] = _Parcel([], [], 0)
    for item in items:
        copied = _copied(item)
        parcel = _Parcel([*parcel.items, item], [*parcel.pickles, copied], parcel.size + len(copied))
        if len(parcel.items) >= ITEMS_AT_ONCE or parcel.size >= BYTES_AT_ONCE:
            yield parcel
            parcel = _Parcel([], [], 0)
    if parcel.items:
        yield parcel


@dataclass(frozen=True)
class _Sent(Generic[Item]):
    parcel: _Parcel[Item]
    outcomes: Future[list[Outcome[Any]]]

    def finished(self) -> Iterator[tuple[Item, list[Any]]]:
        for item, (results, error) in zip(self.parcel.items, self.outcomes.result(), strict=True):
            if error is not None:
                raise error
            yield item, results


class _Processes:
    """Running processes, each with a thread that talks to it. A context manager: they end with it."""

    def __init__(self, work: bytes, count: int) -> None:
        self._all = [_Process(work) for _ in range(count)]
        self._idle: queue.SimpleQueue[_Process] = queue.SimpleQueue()
        for process in self._all:
            self._idle.put(process)
        self._threads = ThreadPoolExecutor(count, "workers")

    def __enter__(self) -> _Processes:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if kind is not None:  # nobody reads the results: their threads must not wait for them
            for process in self._all:
                process.kill()
        self._threads.shutdown(cancel_futures=True)
        for process in self._all:
            process.end()

    def apply(self, parcel: _Parcel[Any]) -> Future[list[Outcome[Any]]]:
        """The outcomes of the items of a parcel, once a process has worked them off."""
        return self._threads.submit(self._apply, parcel.pickles)

    def _apply(self, pickles: list[bytes]) -> list[Outcome[Any]]:
        process = self._idle.get()
        try:
            return process.apply(pickles)
        finally:
            self._idle.put(process)


class _Process:
    """A process that applies a function. It starts when it is first needed, and once more if it dies."""

    def __init__(self, work: bytes) -> None:
        self._work, self._is_wanted = work, True
        self._running: tuple[subprocess.Popen[bytes], Connection] | None = None

    def apply(self, pickles: list[bytes]) -> list[Outcome[Any]]:
        """The outcomes of items.

        Raises:
            EngineError: the process died, and the one after it too.
        """
        for _ in range(_STARTS):
            if not self._is_wanted:
                break
            try:
                pipe = self._running[1] if self._running else self._start()
                pipe.send(pickles)
                outcomes: list[Outcome[Any]] = pipe.recv()
                return outcomes
            except (EOFError, OSError):
                self.end()
        message = f"a process that reads, splits or indexes files died {_STARTS} times over the same files"
        raise EngineError(message, cure="see if memory is short; with workers = 1 in omni.toml no process is started")

    def _start(self) -> Connection:
        pipe, theirs = Pipe()
        with theirs:
            child = subprocess.Popen(  # our own interpreter, our own code
                python_command("native.worker_processes", "serve", str(theirs.fileno())),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                cwd=os.sep,
                start_new_session=True,  # Ctrl+C reaches only the parent, which ends the child
            )
        self._running = child, pipe
        pipe.send_bytes(self._work)
        return pipe

    def kill(self) -> None:
        """Kill the process; `apply` fails, and starts no other."""
        self._is_wanted = False
        if self._running is not None:
            self._running[0].kill()

    def end(self) -> None:
        """Let the process end, kill it if it does not, and wait until it has ended."""
        if self._running is None:
            return
        (child, pipe), self._running = self._running, None
        pipe.close()
        try:
            child.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def serve() -> None:
    """What a process does: it applies the function that it gets to the items that it gets, until the socket ends."""
    pipe = Connection(int(sys.argv[1]))
    with contextlib.suppress(EOFError, OSError):
        work = pipe.recv()
        while True:
            pipe.send([_outcome(work, item) for item in pipe.recv()])
    del work  # ends what it has started
    with contextlib.suppress(ChildProcessError):
        while True:  # the processor time of children counts only when they were waited for
            os.wait()
    os._exit(0)  # to free every object of the modules takes a tenth of the time that it took to load them


def _outcome(work: Any, item: bytes) -> Outcome[Any]:
    try:
        return list(work(ForkingPickler.loads(item))), None
    except Exception as error:  # noqa: BLE001 the parent raises it
        return [], _sendable(error)


def _sendable(error: Exception) -> Exception:
    """The error, with the place where it was raised; one with the same text if it cannot be copied."""
    error.add_note("in a worker process:\n" + traceback.format_exc())
    try:
        ForkingPickler.loads(_copied(error))
    except Exception:  # noqa: BLE001 a constructor may raise anything
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _copied(value: object) -> bytes:
    return bytes(ForkingPickler.dumps(value))
