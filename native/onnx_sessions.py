"""onnxruntime sessions that give the same result on every x64 processor, and use one thread."""

import functools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

_ERRORS_ONLY = 3
_PROCESSOR = Path("/proc/cpuinfo")
_VNNI = {"avx512_vnni", "avx_vnni"}


class OnnxOutput(Protocol):
    """The declaration of an output."""

    shape: Sequence[int | str]


class OnnxSession(Protocol):
    """The part of `onnxruntime.InferenceSession` that we use; onnxruntime has no types."""

    def run(self, outputs: Sequence[str] | None, inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """Compute the outputs with these names, or all."""

    def get_outputs(self) -> Sequence[OnnxOutput]:
        """The declared outputs."""


def open_session(graph: str | bytes) -> OnnxSession:
    """A session for a graph in a file or in memory."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # noqa: TID251  # read when it is imported: it would send events
    import onnxruntime  # type: ignore[import-untyped]

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if not has_exact_products():
        options.add_session_config_entry("session.x64quantprecision", "1")
    options.log_severity_level = _ERRORS_ONLY
    session: OnnxSession = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    return session


@functools.cache
def has_exact_products(processor: Path = _PROCESSOR) -> bool:
    """Whether the processor is known to have VNNI, instructions that multiply 8 bits and add in 32.

    An x64 processor without them adds in 16 bits, which overflow: other results, and no error. There onnxruntime must
    be asked for exact sums; with VNNI that would only make it slower. Only Linux says which instructions there are.
    """
    try:
        lines = processor.read_text("utf-8", "replace").splitlines()
    except OSError:
        return False
    flags = [set(line.partition(":")[2].split()) for line in lines if line.startswith("flags")]
    return bool(flags) and all(known & _VNNI for known in flags)
