"""The graphs of models as onnxruntime optimizes them, kept beside the models: it does that at each opening otherwise.

A kept graph opens in a fifth of the time and half of the memory, and gives the same vectors, bit for bit. Its weights
are in a file of their own, which is mapped into memory. What onnxruntime makes of a graph depends on its version and
on the processor, so both are in the name of the folder.
"""

import hashlib
import json
import os
import platform
import tempfile
from contextlib import suppress
from pathlib import Path

from native.durable import Barrier
from native.errors import EngineError
from native.foreign_errors import engine_errors
from native.onnx_sessions import OnnxSession, has_exact_products, open_session, runtime_version

MANIFEST = "manifest.json"
"""The file with the SHA-256 of the others, written last, as in the folder of the model."""
_PREFIX = "optimized-"


def open_kept(graph: Path) -> OnnxSession:
    """A session for a graph in a file: for its kept form. That is made if there is none, and the folder allows it."""
    kept = graph.parent / f"{_PREFIX}{runtime_version()}-{platform.machine()}-{has_exact_products():d}"
    with suppress(EngineError), engine_errors("the kept graph cannot be opened", opening=True):
        if (kept / MANIFEST).stat().st_mtime_ns >= graph.stat().st_mtime_ns:
            return open_session(str(kept / graph.name), is_optimized=True)
    session = open_session(str(graph))
    with suppress(EngineError), engine_errors("the graph cannot be kept", opening=True):
        _keep(graph, kept)
    return session


def _keep(graph: Path, kept: Path) -> None:
    """Make the kept form, in place of one of another version or processor."""
    with tempfile.TemporaryDirectory(prefix=f".{_PREFIX}", dir=graph.parent) as work:
        made = Path(work, kept.name)
        made.mkdir()
        open_session(str(graph), optimized=made / graph.name)
        checksums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(made.iterdir())}
        (made / MANIFEST).write_text(json.dumps({"sha256": checksums}))
        Barrier().sync_tree(made)
        for other in graph.parent.glob(f"{_PREFIX}*"):
            os.replace(other, Path(work, f"old-{other.name}"))
        os.replace(made, kept)
