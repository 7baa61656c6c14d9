"""All vectors of a table at once, in 8 bits: which of them may be near a query. The exact cosines decide afterwards.

A scan of 50,000 vectors of 384 dimensions takes 0.5 ms of one core, less than an index needs to find its partitions,
and misses nothing but what 8 bits cannot tell apart. numpy multiplies whole numbers one by one; onnxruntime, which
embeds the queries anyway, has a kernel for it.
"""

from __future__ import annotations

import base64
import functools
from typing import Any

import numpy as np

_MAX = 127
_ZERO = 128
"""The kernel takes unsigned numbers for the query: this one counts as 0."""
_BLOCK = 64
"""Vectors that are multiplied together: 24 KB of codes, what a core has at hand. All at once takes three times as
long."""
_AT_ONCE = 64 * _BLOCK
_GRAPH = (
    "CAg6qwEKLwoFcXVlcnkKB3ZlY3RvcnMKBHplcm8SCHByb2R1Y3RzIg1NYXRNdWxJbnRlZ2VyEgRzY2FuKgwQAioCgAFCBHplcm9aGAoF"
    "cXVlcnkSDwoNCAISCQoCCAEKAxIBZFokCgd2ZWN0b3JzEhkKFwgDEhMKCBIGYmxvY2tzCgMSAWQKAghAYiQKCHByb2R1Y3RzEhgKFggG"
    "EhIKCBIGYmxvY2tzCgIIAQoCCEBCBAoAEA0="
)
"""What `onnx` writes of the one node, MatMulInteger(query, vectors, 128): importing it costs a query 0.2 s."""


class Codes:
    """Vectors (n, d) as whole numbers, each scaled by its own largest part."""

    def __init__(self, vectors: np.ndarray) -> None:
        rows, width = vectors.shape
        self._scales = np.empty(rows, np.float32)
        self._codes = np.zeros((-(-rows // _BLOCK), width, _BLOCK), np.int8)
        for at in range(0, rows, _AT_ONCE):
            codes, self._scales[at : at + _AT_ONCE] = _coded(vectors[at : at + _AT_ONCE].astype(np.float32))
            for first in range(0, len(codes), _BLOCK):
                block = codes[first : first + _BLOCK]
                self._codes[(at + first) // _BLOCK, :, : len(block)] = block.T

    @property
    def nbytes(self) -> int:
        """Bytes held in memory."""
        return self._codes.nbytes + self._scales.nbytes

    def nearest(self, query: np.ndarray, k: int, allowed: np.ndarray | None = None) -> np.ndarray:
        """Positions of the `k` vectors with about the largest products with `query` (d,), in no order.

        `allowed` (n,) says of each vector whether it counts.
        """
        scores = self._products(query)
        places = np.arange(len(scores)) if allowed is None else np.flatnonzero(allowed)
        if k >= len(places):
            return places
        best = np.argpartition(scores if allowed is None else scores[places], len(places) - k)
        return places[best[len(places) - k :]]

    def _products(self, query: np.ndarray) -> np.ndarray:
        """The products (n,), up to a factor that they share."""
        if not len(self._scales):
            return np.empty(0, np.float32)
        codes, _ = _coded(query.astype(np.float32)[None])
        asked = (codes.astype(np.int16) + _ZERO).astype(np.uint8)
        found = _session().run(None, {"query": asked, "vectors": self._codes})[0]  # (blocks, 1, 64)
        return found.reshape(-1)[: len(self._scales)].astype(np.float32) * self._scales


def _coded(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vectors (n, d) as codes (n, d) and what one step is worth (n,)."""
    steps = np.maximum(np.abs(vectors).max(axis=1), np.float32(1e-12)) / np.float32(_MAX)
    return np.rint(vectors / steps[:, None]).astype(np.int8), steps


@functools.cache
def _session() -> Any:
    """The product of a row of unsigned bytes and blocks of signed ones, on one thread."""
    import onnxruntime  # type: ignore[import-untyped]

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.x64quantprecision", "1")  # see native.onnx_embedder
    return onnxruntime.InferenceSession(base64.b64decode(_GRAPH), options, providers=["CPUExecutionProvider"])
