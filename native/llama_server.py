"""A language model in a process of this machine: llama.cpp by its package xllamacpp.

It is a process of its own because it can be ended at any moment, also in the middle of a prompt, and because an error
of the engine then ends that process only. It answers by HTTP as other model servers do, on an address of this machine
and with a key that only its parent knows.
"""

import os
import secrets
import signal
import subprocess
import sys
import weakref
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from native.child_python import end_process
from native.errors import EngineError

PACKAGE = "xllamacpp"


def installed() -> bool:
    """Whether the package with the engine is installed."""
    return find_spec(PACKAGE) is not None


class LlamaServer:
    """A running model.

    Args:
        model: the file, in the GGUF format.
        threads: threads that compute.
        context: tokens of a prompt and its answer together.

    Raises:
        EngineError: the model cannot be loaded.
    """

    def __init__(self, model: Path, threads: int, context: int) -> None:
        self.key = secrets.token_hex(16)
        command = [sys.executable, "-m", "native.llama_server", str(model), str(threads), str(context)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self._end = weakref.finalize(self, end_process, self._process)
        self.address = self._start()

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process.poll() is None

    def close(self) -> None:
        """End the process, whatever it does."""
        self._end()

    def _start(self) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):  # it ended already; it says why on its output
            self._process.stdin.write(self.key + "\n")
            self._process.stdin.flush()
        said = self._process.stdout.readline().strip()
        if said.startswith("http://"):
            return said
        self.close()
        cure = "run: omni model verify"
        raise EngineError(f"the language model cannot be loaded: {said or 'its process ended'}", cure=cure)


def main(model: str, threads: int, context: int) -> None:
    """Serve a model until the standard input ends: with the parent, however that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the parent, which then ends this process
    key = sys.stdin.readline().strip()
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = model
    params.n_ctx, params.n_parallel, params.warmup, params.verbosity = context, 1, False, -1
    params.api_keys, params.ui, params.endpoint_slots = [key], False, False
    for pool in (params.cpuparams, params.cpuparams_batch):
        pool.n_threads = threads
        pool.poll = 0  # threads that wait for work sleep, so that other programs get the processor
    try:
        server = xllamacpp.Server(params)
    except RuntimeError as error:
        _say(" ".join(str(error).split()) or "unknown reason")
        os._exit(1)
    _say(server.listening_address)
    sys.stdin.read()
    os._exit(0)  # the engine's threads would be waited for, and may compute for long


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
