"""Encoders small enough to be built in a test: random weights, float32 reference in NumPy, and their files."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from native.encoders import ALL_MINILM_L6_V2, ALL_MPNET_BASE_V2, MULTILINGUAL_E5_SMALL, Encoder

LAYERS, HEADS, SIZE, WIDE, VOCABULARY, POSITIONS = 2, 2, 64, 128, 40, 48
BUCKETS = 32
TINY = [
    replace(known, layers=LAYERS, heads=HEADS, size=SIZE, max_tokens=32, large_channels=channels)
    for known, channels in (
        (ALL_MINILM_L6_V2, (3, 11)),
        (MULTILINGUAL_E5_SMALL, ()),
        (ALL_MPNET_BASE_V2, ()),
    )
]
"""One tiny encoder of each kind."""


def random_weights(encoder: Encoder) -> dict[str, np.ndarray]:
    """Weights (float32) under the names that the encoder has."""
    rng = np.random.default_rng(7)

    def draw(*shape: int, scale: float = 0.3) -> np.ndarray:
        return rng.normal(0, scale, shape).astype(np.float32)

    def norm(name: str) -> dict[str, np.ndarray]:
        return {f"{name}.weight": 1 + draw(SIZE, scale=0.1), f"{name}.bias": draw(SIZE, scale=0.1)}

    made = {
        "embeddings.word_embeddings.weight": draw(VOCABULARY, SIZE),
        "embeddings.position_embeddings.weight": draw(POSITIONS, SIZE),
        **norm("embeddings.LayerNorm"),
    }
    if encoder.token_type:
        made["embeddings.token_type_embeddings.weight"] = draw(2, SIZE)
    if encoder.relative_bias:
        made[encoder.relative_bias] = draw(BUCKETS, HEADS, scale=1.0)
    names = encoder.names
    shapes = dict.fromkeys((names.query, names.key, names.value, names.attended), (SIZE, SIZE))
    shapes |= {names.wide: (WIDE, SIZE), names.narrow: (SIZE, WIDE)}
    for layer in range(LAYERS):
        head = f"encoder.layer.{layer}."
        for name, shape in shapes.items():
            made |= {f"{head}{name}.weight": draw(*shape, scale=0.1), f"{head}{name}.bias": draw(shape[0])}
        made |= norm(head + names.attended_norm) | norm(head + names.narrow_norm)
    return made


def bucket(distance: int) -> int:
    """The bucket of one distance, key minus query, with 32 buckets: as the paper on T5 describes them."""
    near = abs(distance)
    side = 16 if distance > 0 else 0
    return side + (near if near < 8 else min(15, 8 + int(math.log(near / 8) / math.log(128 / 8) * 8)))


def reference(encoder: Encoder, weights: Mapping[str, np.ndarray], ids: Sequence[int]) -> np.ndarray:
    """The vector (d,) of one text in float32, without a graph."""
    length, names = len(ids), encoder.names

    def linear(x: np.ndarray, name: str) -> np.ndarray:
        product: np.ndarray = x @ weights[name + ".weight"].T + weights[name + ".bias"]
        return product

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        centred = x - x.mean(axis=1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + encoder.epsilon)
        result: np.ndarray = scaled * weights[name + ".weight"] + weights[name + ".bias"]
        return result

    first = encoder.first_position
    hidden = weights["embeddings.word_embeddings.weight"][list(ids)]
    hidden = hidden + weights["embeddings.position_embeddings.weight"][first : first + length]
    if encoder.token_type:
        hidden = hidden + weights["embeddings.token_type_embeddings.weight"][0]
    hidden = norm(hidden, "embeddings.LayerNorm")
    bias = np.zeros((encoder.heads, length, length), np.float32)
    if encoder.relative_bias:
        for row in range(length):
            for column in range(length):
                bias[:, row, column] = weights[encoder.relative_bias][bucket(column - row)]
    width = encoder.size // encoder.heads
    for layer in range(encoder.layers):
        head = f"encoder.layer.{layer}."
        query, key, value = (linear(hidden, head + name) for name in (names.query, names.key, names.value))
        attended = np.zeros_like(hidden)
        for number in range(encoder.heads):
            part = slice(number * width, (number + 1) * width)
            scores = query[:, part] @ key[:, part].T / math.sqrt(width) + bias[number]
            scores = np.exp(scores - scores.max(axis=1, keepdims=True))
            attended[:, part] = scores / scores.sum(axis=1, keepdims=True) @ value[:, part]
        hidden = norm(linear(attended, head + names.attended) + hidden, head + names.attended_norm)
        wide = linear(hidden, head + names.wide)
        wide = wide * 0.5 * (1 + np.vectorize(math.erf)(wide / math.sqrt(2)))
        hidden = norm(linear(wide, head + names.narrow) + hidden, head + names.narrow_norm)
    mean = hidden.mean(axis=0)
    unit: np.ndarray = mean / np.linalg.norm(mean)
    return unit


PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁", "▁query", "▁passage", ":", "▁cat", "猫", "カ", "x", "▁dog", "s"]
"""A Unigram vocabulary."""


def packed_e5(path: Path, encoder: Encoder) -> dict[str, np.ndarray]:
    """Write a packed file with random contents, and return the weights in it."""
    rng = np.random.default_rng(5)
    tensors: dict[str, bytes] = {}
    expected: dict[str, np.ndarray] = {}

    def matrix(short: str, name: str, rows: int, columns: int) -> None:
        scales = rng.integers(1, 5, rows * columns // 32).astype(np.float16) / 32
        units = rng.integers(0, 16, (len(scales), 32)).astype(np.uint8)
        packed = units[:, :16] | units[:, 16:] << 4
        tensors[short] = b"".join(scale.tobytes() + row.tobytes() for scale, row in zip(scales, packed, strict=True))
        expected[name] = ((units.astype(np.float32) - 8) * scales[:, None].astype(np.float32)).reshape(rows, columns)

    def floats(short: str, name: str, *shape: int) -> None:
        expected[name] = rng.normal(0, 0.1, shape).astype(np.float32) + (name.endswith("Norm.weight"))
        tensors[short] = expected[name].tobytes()

    matrix("emb.word", "embeddings.word_embeddings.weight", len(PIECES), SIZE)
    floats("emb.pos", "embeddings.position_embeddings.weight", POSITIONS, SIZE)
    floats("emb.type", "embeddings.token_type_embeddings.weight", 2, SIZE)
    for short, part in (("w", "weight"), ("b", "bias")):
        floats(f"emb.ln.{short}", f"embeddings.LayerNorm.{part}", SIZE)
    names = encoder.names
    for layer in range(LAYERS):
        head = f"encoder.layer.{layer}."
        for short, name, rows, columns in (
            ("q", names.query, SIZE, SIZE),
            ("k", names.key, SIZE, SIZE),
            ("v", names.value, SIZE, SIZE),
            ("ao", names.attended, SIZE, SIZE),
            ("fi", names.wide, WIDE, SIZE),
            ("fo", names.narrow, SIZE, WIDE),
        ):
            matrix(f"l{layer}.{short}.w", f"{head}{name}.weight", rows, columns)
            floats(f"l{layer}.{short}.b", f"{head}{name}.bias", rows)
        for short, name in (("aln", names.attended_norm), ("oln", names.narrow_norm)):
            floats(f"l{layer}.{short}.w", f"{head}{name}.weight", SIZE)
            floats(f"l{layer}.{short}.b", f"{head}{name}.bias", SIZE)
    path.write_bytes(_packed(tensors))
    return expected


def _packed(tensors: Mapping[str, bytes]) -> bytes:
    raw = [piece.encode() for piece in PIECES]
    offsets = np.cumsum([0, *map(len, raw)]).astype("<u4").tobytes()
    scores = -np.arange(len(PIECES), dtype="<f4")
    head = b"E5S1" + struct.pack("<I7ifi", 1, SIZE, LAYERS, HEADS, WIDE, len(PIECES), POSITIONS, 2, 1e-12, 32)
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, sum(map(len, raw))) + offsets + scores.tobytes()
    record = struct.pack("<IBI", ord("ａ"), 1, ord("a"))
    head += b"".join(raw) + struct.pack("<iI", 1, len(record)) + record + struct.pack("<i", len(tensors))
    at = len(head) + sum(2 + len(name) + 21 for name in tensors)
    for name, data in tensors.items():
        head += struct.pack("<H", len(name)) + name.encode() + struct.pack("<BIQQ", 0, 0, at, len(data))
        at += len(data)
    return head + b"".join(tensors.values())
