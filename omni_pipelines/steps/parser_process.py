"""Reading documents so that none can harm the run: risky formats are parsed in a process that may die.

Plain text, Markdown, reStructuredText, AsciiDoc, CSV and Python are read right here. Their readers are regular
expressions, pure Python, and CPython's own parser, over at most `max_file_bytes`: there is no foreign C code in them,
nothing unpacks, and nothing is fetched. A process would cost more than the reading.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType

import orjson

import omni_pipelines
from omni_pipelines.errors import OmniError
from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.registry import Reader, fallback_reader, read_document
from omni_pipelines.text.readers.worker_protocol import (
    MAX_ANSWER_BYTES,
    ParserAnswer,
    document_of,
    read_frame,
    write_frame,
)

DOCUMENTS_EACH = 2_000
"""After so many documents a process is replaced: parsers leak. A start costs as much as a hundred small documents."""
MAX_RESIDENT = 512 << 20
"""Bytes a process may have held before it is replaced."""
WALL_SECONDS = 120.0
"""A document's time by the clock, far above its processor time: a busy machine is no fault of the document."""
START_SECONDS = 60.0
_FAULTS = (RefusalCode.MEMORY, RefusalCode.CPU, RefusalCode.TIMEOUT, RefusalCode.CRASH, RefusalCode.OUTPUT_LIMIT)
_BOOT = (
    "import sys; sys.path.insert(0, sys.argv[1]); from omni_pipelines.text.readers.parser_worker import main; main()"
)


def is_fault(code: RefusalCode) -> bool:
    """Whether the code says that a parser was stopped or died, and not that it refused."""
    return code in _FAULTS


class DocumentParser:
    """Reads one document after the other. Use it as a context; the process is started when it is needed first."""

    def __init__(self, wall_seconds: float = WALL_SECONDS, documents_each: int = DOCUMENTS_EACH) -> None:
        self._wall_seconds, self._documents_each = wall_seconds, documents_each
        self._process: _ParserProcess | None = None

    def __enter__(self) -> DocumentParser:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._end_process()

    def read(self, reader: Reader, raw: bytes, name: str) -> Parsed:
        """A document, by a reader that `reader_by_content` chose.

        Raises:
            Unreadable: with the reader's code; or E_MEMORY, E_CPU, E_TIMEOUT, E_OUTPUT_LIMIT, or E_CRASH_<signal>.
            OmniError: no parser process can be started.
        """
        if not reader.isolated:
            return read_document(reader, raw, name)
        try:
            return self._read_apart(reader, raw, name)
        except Unreadable as error:
            substitute = fallback_reader(reader)
            if substitute is None or not is_fault(error.code):
                raise
            return substitute.read(raw, name)

    def _read_apart(self, reader: Reader, raw: bytes, name: str) -> Parsed:
        process = self._process = self._process or _ParserProcess()
        try:
            answered = process.ask(reader.name, raw, name, self._wall_seconds)
            if process.is_worn(self._documents_each):
                self._end_process()
            return document_of(answered)
        except Unreadable as error:
            if is_fault(error.code):
                self._end_process()
            raise

    def _end_process(self) -> None:
        if self._process is not None:
            self._process.end()
            self._process = None


class _ParserProcess:
    """One process, and what is known of its life."""

    def __init__(self) -> None:
        root = str(Path(omni_pipelines.__file__).parents[1])
        self._child = subprocess.Popen(  # our own interpreter, our own code
            [sys.executable, "-I", "-B", "-c", _BOOT, root],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=os.sep,
            env={},
            start_new_session=True,  # Ctrl+C is for the parent, which ends the child
        )
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._requests, self._answers = self._child.stdin, self._child.stdout
        self._served = self._peak = 0
        self._late = False
        if self._within(START_SECONDS, None) is None:
            self.end()
            raise OmniError("the process that parses documents does not start", cure="reinstall: pip install -e .")

    def is_worn(self, max_documents: int) -> bool:
        """Whether the next document needs a new process."""
        return self._served >= max_documents or self._peak > MAX_RESIDENT

    def ask(self, reader: str, raw: bytes, name: str, seconds: float) -> ParserAnswer:
        """The process's answer to one document.

        Raises:
            Unreadable: it died, was too slow, or answered too much.
        """
        content = self._within(seconds, (orjson.dumps({"reader": reader, "name": name}), raw))
        if content is None:
            raise self._death(seconds)
        answered: ParserAnswer = orjson.loads(content)
        self._served += 1
        self._peak = answered["peak"]
        return answered

    def _within(self, seconds: float, frames: tuple[bytes, bytes] | None) -> bytes | None:
        """Send, and wait for the next frame; None where the process died, or was killed when its time was up."""
        watch = threading.Timer(seconds, self._kill)
        watch.start()
        try:
            for frame in frames or ():
                write_frame(self._requests, frame)
            self._requests.flush()
            return read_frame(self._answers, MAX_ANSWER_BYTES)
        except (BrokenPipeError, ConnectionResetError):
            return None
        finally:
            watch.cancel()

    def _kill(self) -> None:
        self._late = True
        self._child.kill()

    def _death(self, seconds: float) -> Unreadable:
        status = self._child.wait()
        if self._late:
            return Unreadable(RefusalCode.TIMEOUT, f"its parser did not finish within {seconds:.0f} s")
        if status == -signal.SIGXCPU:
            return Unreadable(RefusalCode.CPU, "its parser used more processor time than a document may take")
        name = signal.Signals(-status).name if status < 0 else f"EXIT_{status}"
        return Unreadable(RefusalCode.CRASH, f"its parser crashed: {name}", signal=name)

    def end(self) -> None:
        """Stop the process, whatever it does, and wait for it."""
        self._child.kill()
        self._child.wait()
        self._answers.close()
        try:
            self._requests.close()
        except BrokenPipeError:
            pass  # what it never read
