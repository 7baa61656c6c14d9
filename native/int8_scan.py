"""A scan over all vectors of a table in 8 bits, which finds candidates; exact cosines then rank them.

A scan of 50,000 vectors of 384 dimensions takes 0.5 ms on one core, less than an index needs to find its partitions,
and loses only what 8 bits cannot distinguish. numpy multiplies integers one by one; onnxruntime, which embeds the
queries anyway, has a kernel for it.
"""

import base64
import functools

import numpy as np

from native.onnx_sessions import OnnxSession, open_session

_MAX_CODE = 127
_ZERO = 128
"""The code that stands for 0. Both sides are unsigned, because the kernel for signed vectors adds in 16 bits, which
overflow, on x64 processors without VNNI, where this costs a fifth more."""
_BLOCK = 64
"""Vectors multiplied together: 24 KB of codes, which fit into a core's cache. All at once would take three times as
long."""
_GROUP = 16
"""Scores of which only the largest is compared at first."""
_QUANTIZED_TOGETHER = 64 * _BLOCK
_GRAPH = (
    "CAg6sQEKNQoFcXVlcnkKB3ZlY3RvcnMKBHplcm8KBHplcm8SCHByb2R1Y3RzIg1NYXRNdWxJbnRlZ2VyEgRzY2FuKgwQAioCgAFCBHpl"
    "cm9aGAoFcXVlcnkSDwoNCAISCQoCCAEKAxIBZFokCgd2ZWN0b3JzEhkKFwgCEhMKCBIGYmxvY2tzCgMSAWQKAghAYiQKCHByb2R1Y3Rz"
    "EhgKFggGEhIKCBIGYmxvY2tzCgIIAQoCCEBCBAoAEA0="
)
"""The graph of one node, MatMulInteger(query, vectors, 128, 128), as `onnx` writes it. To import `onnx` would cost a
query 0.2 s."""


class QuantizedVectors:
    """Vectors (n, d) as codes of 8 bits, each scaled by its own largest component."""

    def __init__(self, vectors: np.ndarray) -> None:
        rows, width = vectors.shape
        self._scales = np.empty(rows, np.float32)
        self._codes = np.full((-(-rows // _BLOCK), width, _BLOCK), _ZERO, np.uint8)
        for start in range(0, rows, _QUANTIZED_TOGETHER):
            end = start + _QUANTIZED_TOGETHER
            codes, self._scales[start:end] = _quantized(vectors[start:end].astype(np.float32))
            for first in range(0, len(codes), _BLOCK):
                block = codes[first : first + _BLOCK]
                self._codes[(start + first) // _BLOCK, :, : len(block)] = block.T

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return self._codes.nbytes + self._scales.nbytes

    def nearest(self, query: np.ndarray, k: int, allowed: np.ndarray | None = None) -> np.ndarray:
        """Positions of approximately the `k` vectors with the largest products with `query` (d,), in no order.

        `allowed` (n,) says which vectors count.
        """
        scores = self._products(query)
        positions = np.arange(len(scores)) if allowed is None else np.flatnonzero(allowed)
        if k >= len(positions):
            return positions
        return positions[_largest(scores if allowed is None else scores[positions], k)]

    def _products(self, query: np.ndarray) -> np.ndarray:
        """The products (n,), up to a common factor."""
        if not len(self._scales):
            return np.empty(0, np.float32)
        codes, _ = _quantized(query.astype(np.float32)[None])
        products = _session().run(None, {"query": codes, "vectors": self._codes})[0]  # (blocks, 1, 64)
        return products.reshape(-1)[: len(self._scales)].astype(np.float32) * self._scales


def _largest(scores: np.ndarray, k: int) -> np.ndarray:
    """Positions of the `k` largest scores (n,), in no order.

    k groups have a maximum of at least the k-th largest maximum, so the k best scores are at least that large. Few
    others are: to select among these takes a fifth of the time.
    """
    groups = len(scores) // _GROUP
    candidates = np.arange(len(scores))
    if groups > k:
        maxima = scores[: groups * _GROUP].reshape(_GROUP, groups).max(axis=0)
        candidates = np.flatnonzero(scores >= np.partition(maxima, groups - k)[groups - k])
    best = np.argpartition(scores[candidates], len(candidates) - k)
    return candidates[best[len(candidates) - k :]]


def _quantized(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vectors (n, d) as codes (n, d), and the value of one step for each (n,)."""
    steps = np.maximum(np.abs(vectors).max(axis=1), np.float32(1e-12)) / np.float32(_MAX_CODE)
    return (np.rint(vectors / steps[:, None]) + _ZERO).astype(np.uint8), steps


@functools.cache
def _session() -> OnnxSession:
    return open_session(base64.b64decode(_GRAPH))
