"""Reads documents so that none can harm a run: risky formats are parsed in a process of their own, which may die.

Plain text, Markdown, reStructuredText, AsciiDoc, CSV and Python are read in this process. Their readers are regular
expressions, pure Python and CPython's own parser, over at most `max_file_bytes`; they use no foreign C code, unpack
nothing and fetch nothing.
"""

from __future__ import annotations

import functools
import os
import resource
import signal
import subprocess
import threading
import time
from pathlib import Path
from types import TracebackType

import orjson

from native.child_python import end_process, python_command
from native.grammars import FOLDER_VARIABLE, grammar_folder
from omni_pipelines.errors import OmniError
from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.formats import Reader
from omni_pipelines.text.readers.registry import fallback_reader, read_document
from omni_pipelines.text.readers.worker_protocol import (
    MAX_MEMORY_BYTES,
    MEMORY_LIMIT_DETAIL,
    ParserAnswer,
    ParserRequest,
    document_of,
    read_answer,
    write_frame,
)

MAX_DOCUMENTS = 2_000
"""Documents after which a process is replaced, because parsers leak. A start costs as much as 100 small documents."""
MAX_RESIDENT_BYTES = 512 << 20
"""Memory use after which a process is replaced."""
DOCUMENT_SECONDS = 900.0
"""Time for one document, far above its limit of processor time, because the machine may be busy."""
RECOGNITION_SECONDS = 1_800.0
"""The same with text recognition, which has a limit of its own for each page and for all of them."""
START_SECONDS = 60.0
_WATCH_SECONDS = 0.05
_FULL = 0.75
"""The share of its memory that a process which died without memory had in use: it asked for more at once."""
_FAULTS = (RefusalCode.MEMORY, RefusalCode.CPU, RefusalCode.TIMEOUT, RefusalCode.CRASH, RefusalCode.OUTPUT_LIMIT)


def is_fault(code: RefusalCode) -> bool:
    """Whether a code means that a parser died or was stopped, instead of refusing the document."""
    return code in _FAULTS


class DocumentParser:
    """Reads documents one after another. It is a context manager, and starts its process when it first needs one.

    With `recognize` it recognises text in pictures.
    """

    def __init__(
        self, seconds: float = DOCUMENT_SECONDS, max_documents: int = MAX_DOCUMENTS, *, recognize: bool = False
    ) -> None:
        self._seconds, self._max_documents, self._recognize = seconds, max_documents, recognize
        self._process: _ParserProcess | None = None

    def __reduce__(self) -> tuple[object, ...]:
        """A copy in another process starts a process of its own."""
        made = functools.partial(DocumentParser, self._seconds, self._max_documents, recognize=self._recognize)
        return made, ()

    def __enter__(self) -> DocumentParser:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._end_process()

    def read(self, reader: Reader, raw: bytes, name: str, charset: str = "") -> Parsed:
        """Parse a document with a reader that `reader_by_content` chose. A server may have named its `charset`.

        Raises:
            Unreadable: with the code of the reader; or E_MEMORY, E_CPU, E_TIMEOUT, E_OUTPUT_LIMIT, E_CRASH_<signal>.
            OmniError: the parser process does not start.
            EngineError: a grammar cannot be unpacked.
        """
        if not reader.isolated:
            return read_document(reader, raw, name, charset=charset)
        try:
            return self._read_isolated(reader, raw, name, charset)
        except Unreadable as error:
            substitute = fallback_reader(reader)
            if substitute is None or not is_fault(error.code):
                raise
            return read_document(substitute, raw, name, charset=charset)

    def _read_isolated(self, reader: Reader, raw: bytes, name: str, charset: str) -> Parsed:
        if reader.prepare is not None:
            reader.prepare(raw, name)
        process = self._process = self._process or _ParserProcess()
        try:
            recognize = self._recognize and reader.recognize is not None
            request = ParserRequest(reader=reader.name, name=name, charset=charset, recognize=recognize)
            return process.ask(request, raw, RECOGNITION_SECONDS if recognize else self._seconds)
        except Unreadable as error:
            if is_fault(error.code):
                self._end_process()
            raise
        finally:
            if process.is_worn(self._max_documents):
                self._end_process()

    def _end_process(self) -> None:
        if self._process is not None:
            self._process.end()
            self._process = None


class _ParserProcess:
    """A running process, the number of documents that it has parsed, and its memory use."""

    def __init__(self) -> None:
        self._child = subprocess.Popen(  # our own interpreter, our own code
            python_command("omni_pipelines.text.readers.parser_worker", "main"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=os.sep,
            env={FOLDER_VARIABLE: str(grammar_folder())},
            start_new_session=True,  # Ctrl+C reaches only the parent, which ends the child
        )
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._requests, self._answers = self._child.stdin, self._child.stdout
        self._parsed = self._peak_bytes = self._seen_bytes = 0
        self._timed_out = False
        if self._exchange((), START_SECONDS) is None:
            self.end()
            raise OmniError("the process that parses documents does not start", cure="reinstall: pip install -e .")

    def is_worn(self, max_documents: int) -> bool:
        """Whether the next document needs a new process."""
        return self._parsed >= max_documents or self._peak_bytes > MAX_RESIDENT_BYTES

    def ask(self, request: ParserRequest, raw: bytes, seconds: float) -> Parsed:
        """The document that the process makes of a file.

        Raises:
            Unreadable: the process died or was too slow, its answer is too long, or it refused the document.
        """
        frames = self._exchange((orjson.dumps(request), raw), seconds)
        if frames is None:
            raise self._cause_of_death(seconds)
        answer: ParserAnswer = orjson.loads(frames[0])
        self._parsed += 1
        self._peak_bytes = answer["peak"]
        return document_of(answer, frames[1:])

    def _exchange(self, frames: tuple[bytes, ...], seconds: float) -> list[bytes] | None:
        """Send frames, and return the answer of the process; None if it died, or was killed after `seconds`."""
        self._seen_bytes, answered = 0, threading.Event()
        watch = threading.Thread(target=self._watch, args=(answered, time.monotonic() + seconds))
        watch.start()
        try:
            for frame in frames:
                write_frame(self._requests, frame)
            self._requests.flush()
            return read_answer(self._answers)
        except (BrokenPipeError, ConnectionResetError):
            return None
        finally:
            answered.set()
            watch.join()

    def _watch(self, answered: threading.Event, deadline: float) -> None:
        """See how much memory the process has in use, and kill it at the deadline."""
        while not answered.wait(_WATCH_SECONDS):
            self._seen_bytes = max(self._seen_bytes, _memory_in_use(self._child.pid))
            if time.monotonic() > deadline:
                self._timed_out = True
                self._child.kill()
                return

    def _cause_of_death(self, seconds: float) -> Unreadable:
        status = self._child.wait()
        if self._timed_out:
            return Unreadable(RefusalCode.TIMEOUT, f"its parser did not finish within {seconds:.0f} s")
        if status == -signal.SIGXCPU:
            return Unreadable(RefusalCode.CPU, "its parser used more processor time than is allowed for a document")
        if status == -signal.SIGABRT and self._seen_bytes > _FULL * MAX_MEMORY_BYTES:
            return Unreadable(RefusalCode.MEMORY, MEMORY_LIMIT_DETAIL)  # libraries in C++ abort without memory
        name = signal.Signals(-status).name if status < 0 else f"EXIT_{status}"
        return Unreadable(RefusalCode.CRASH, f"its parser crashed: {name}", signal=name)

    def end(self) -> None:
        """Kill the process, and wait until it has ended."""
        end_process(self._child)


def _memory_in_use(pid: int) -> int:
    """Bytes of memory that a process has in use; 0 if the system does not say.

    Its `ru_maxrss` does not tell: on Linux it starts at the maximum of the parent.
    """
    try:
        return int(Path(f"/proc/{pid}/statm").read_bytes().split()[1]) * resource.getpagesize()
    except (OSError, IndexError):
        return 0
