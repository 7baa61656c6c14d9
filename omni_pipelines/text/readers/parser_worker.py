"""A parser process: reads documents on its standard input and answers on its standard output, under limits.

Run it with `python -I`, an empty environment and nothing but pipes. It needs no file, no network and no child.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import sys
import time
from pathlib import Path

import orjson

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.registry import read_document, reader_named
from omni_pipelines.text.readers.worker_protocol import MAX_ANSWER, answer, read_frame, write_frame

MEMORY_BYTES = 1 << 30
CPU_SECONDS = 20
"""For one document."""
OPEN_FILES = 64
READY = b"ready"
_NO_NEW_PRIVILEGES = 38
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
"""From linux/prctl.h and linux/sched.h."""


def main() -> None:
    """Serve until the input ends."""
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a library that prints must not break a frame
    limit_process()
    write_frame(answers, READY)
    answers.flush()
    while (head := read_frame(requests)) is not None and (raw := read_frame(requests)) is not None:
        write_frame(answers, serve(orjson.loads(head), raw))
        answers.flush()


def limit_process() -> None:
    """Little memory, few files, nothing written, no core dump, no network, and no way to get any of it back."""
    limits = {
        resource.RLIMIT_AS: MEMORY_BYTES,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: OPEN_FILES,
        resource.RLIMIT_CORE: 0,
    }
    for what, most in limits.items():
        with contextlib.suppress(ValueError, OSError):  # where the system knows no such limit, or a lower one holds
            resource.setrlimit(what, (most, most))
    with contextlib.suppress(OSError, AttributeError):  # only Linux has these
        library = ctypes.CDLL(None)
        library.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        if library.unshare(_NEW_NETWORK) != 0:  # as an ordinary user, only together with a user namespace
            library.unshare(_NEW_USER | _NEW_NETWORK)


def serve(request: dict[str, str], raw: bytes) -> bytes:
    """Read one document with the reader that the request names."""
    allow_cpu(CPU_SECONDS)
    parsed: Parsed | None = None
    error: Unreadable | None = None
    try:
        parsed = read_document(reader_named(request["reader"]), raw, request["name"])
        content = answer(parsed, None, _peak())
        if len(content) <= MAX_ANSWER:
            return content
        error = Unreadable(RefusalCode.OUTPUT_LIMIT, f"{len(content):,} bytes of text; {MAX_ANSWER:,} are allowed")
    except Unreadable as refused:
        error = refused
    except MemoryError:
        error = Unreadable(RefusalCode.MEMORY, f"more than {MEMORY_BYTES >> 20} MiB")
    return answer(None, error, _peak())


def allow_cpu(seconds: int) -> None:
    """From now on, so much more processor time; then the system kills this process with SIGXCPU."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = int(time.process_time()) + 1 + seconds
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def _peak() -> int:
    """Bytes of memory, at most since the process began.

    Linux tells it in /proc. Its getrusage would not do: there a child begins with the peak of its parent.
    """
    try:
        status = Path("/proc/self/status").read_text("ascii")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return next((int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmHWM:")), 0)


if __name__ == "__main__":
    main()
