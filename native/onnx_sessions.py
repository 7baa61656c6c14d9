"""onnxruntime sessions that give the same result on every x64 processor, and use one thread."""

import functools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

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


def open_session(graph: str | bytes, *, is_optimized: bool = False, optimized: Path | None = None) -> OnnxSession:
    """A session for a graph in a file or in memory.

    Args:
        graph: the file, or its content.
        is_optimized: onnxruntime wrote the file as `optimized`, so it has nothing to improve.
        optimized: the file to write the graph to as onnxruntime optimizes it, with its weights in a file beside it.
    """
    onnxruntime = _onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    for name, value in _entries(optimized).items():
        options.add_session_config_entry(name, value)
    if is_optimized:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    if optimized is not None:
        options.optimized_model_filepath = str(optimized)
    options.log_severity_level = _ERRORS_ONLY
    session: OnnxSession = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    return session


def runtime_version() -> str:
    """The version of onnxruntime."""
    return str(_onnxruntime().__version__)


def _onnxruntime() -> Any:
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # noqa: TID251  # read when it is imported: it would send events
    import onnxruntime  # type: ignore[import-untyped]

    return onnxruntime


def _entries(optimized: Path | None) -> dict[str, str]:
    """The settings of a session that onnxruntime knows by name."""
    entries = {"session.intra_op.allow_spinning": "0"}
    if not has_exact_products():
        entries["session.x64quantprecision"] = "1"
    if optimized is not None:
        external = "session.optimized_model_external_initializers"
        entries |= {f"{external}_file_name": f"{optimized.name}.weights", f"{external}_min_size_in_bytes": "1024"}
    return entries


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
