"""A process that parses documents under limits: requests arrive on standard input, answers leave on standard output.

Run it with `python -I`, an empty environment and no other open files. It needs no files, network or child processes.
"""

import os
import resource
import sys
from pathlib import Path

import orjson

from native.confinement import Confinement, confine, python_paths
from native.grammars import grammar_folder
from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.readers.formats import load_readers
from omni_pipelines.text.readers.processor_time import allow_cpu
from omni_pipelines.text.readers.registry import read_document, reader_named
from omni_pipelines.text.readers.worker_protocol import (
    MAX_ANSWER_BYTES,
    MAX_MEMORY_BYTES,
    MEMORY_LIMIT_DETAIL,
    ParserRequest,
    answer,
    output_limit_detail,
    read_frame,
    write_answer,
)

MAX_CPU_SECONDS = 20
"""For one document; a reader may allow more for a large one."""
MAX_OPEN_FILES = 64
READY = b"ready"


def main() -> None:
    """Answer requests until standard input ends."""
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a library that prints must not corrupt a frame
    limit_process()
    write_answer(answers, [READY])
    while (head := read_frame(requests)) is not None and (raw := read_frame(requests)) is not None:
        write_answer(answers, serve(orjson.loads(head), raw))


def limit_process() -> None:
    """Confine this process to parsing for the rest of its life."""
    load_readers()
    readable = (*python_paths(), str(grammar_folder()))
    confine(Confinement(MAX_MEMORY_BYTES, MAX_OPEN_FILES, readable=readable))


def serve(request: ParserRequest, raw: bytes) -> list[bytes]:
    """Read one document with the reader that the request names. The frames of the answer."""
    allow_cpu(MAX_CPU_SECONDS)
    try:
        parsed = read_document(
            reader_named(request["reader"]),
            raw,
            request["name"],
            charset=request["charset"],
            recognize=request["recognize"],
        )
        frames = answer(parsed, None, _peak_bytes())
        length = max(len(frames[0]), sum(map(len, frames[1:])))
        if length <= MAX_ANSWER_BYTES:
            return frames
        error = Unreadable(RefusalCode.OUTPUT_LIMIT, output_limit_detail(length, MAX_ANSWER_BYTES))
    except Unreadable as refusal:
        error = refusal
    except MemoryError:
        error = Unreadable(RefusalCode.MEMORY, MEMORY_LIMIT_DETAIL)
    return answer(None, error, _peak_bytes())


def _peak_bytes() -> int:
    """The highest memory use so far; from /proc on Linux, where getrusage includes the parent process."""
    try:
        status = Path("/proc/self/status").read_text("ascii")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return next((int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmHWM:")), 0)


if __name__ == "__main__":
    main()
