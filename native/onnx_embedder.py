"""Texts to unit vectors with onnxruntime and tokenizers: batches sorted by length, one thread per worker."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from native.encoders import Encoder
from native.errors import ModelCorrupt
from native.foreign_errors import MODEL, engine_errors
from native.onnx_sessions import OnnxSession
from native.optimized_graphs import open_kept

if TYPE_CHECKING:
    from tokenizers import Tokenizer

BATCH_TOKENS = 4_096
"""Padded tokens in a batch: enough to keep a core busy, and at most 250 MB of memory."""
_NICE = 10
"""Niceness of threads that embed many batches."""
_MAX_URGENT_BATCHES = 12
"""The texts of an answer fill at most this many batches; more batches are embedded at low priority."""
_MAX_CHARACTERS = 20_000
"""Characters read of a text. More than this never fits into 512 tokens of human language."""
_CONTINUED = "##"

MIN_FILL = 0.7
"""Length of a text, as a share of the longest of its batch, below which it starts another batch."""


class OnnxEmbedder:
    """Embeds with the graph and the tokenizer of an encoder. Safe to use from several threads."""

    def __init__(
        self, encoder: Encoder, graph: Path, tokenizer: Path, *, workers: int = 1, batch_tokens: int = BATCH_TOKENS
    ) -> None:
        self._encoder, self._session = encoder, _session(graph)
        self._tokenizer = _tokenizer(tokenizer, encoder.max_tokens)
        self._workers, self._batch_tokens = workers, batch_tokens

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return int(self._session.get_outputs()[0].shape[1])

    def embed(
        self,
        texts: Sequence[str],
        on_batch: Callable[[int], None] | None = None,
        *,
        kind: Literal["document", "query"] = "document",
    ) -> np.ndarray:
        """Vectors (n, d), float32, unit length, in the order of `texts`.

        A vector does not depend on the other texts. `on_batch` is called on this thread with the number of texts
        done.
        """
        vectors = np.empty((len(texts), self.dimensions), np.float32)
        prefix = self._encoder.query_prefix if kind == "query" else self._encoder.document_prefix
        given = [prefix + _clean(text) for text in texts]
        tokens = [encoding.ids for encoding in self._tokenizer.encode_batch(given)]
        done = 0
        for batch, batch_vectors in self._batches(tokens):
            vectors[batch] = batch_vectors
            done += len(batch)
            if on_batch is not None:
                on_batch(done)
        return vectors

    def readable(self, text: str) -> float:
        """The share of the text's letters that the model can read, from 0 to 1; 1 for a text without letters.

        A vocabulary of WordPiece splits words of a script that the model never learned into single letters, or has no
        piece for them: such words do not count as readable. A Unigram vocabulary has single letters of the scripts
        that the model learned, so only letters without a piece do not count.
        """
        text = _clean(text)
        letters = _letters(text)
        count = self._letters_in_words if self._encoder.word_pieces else self._letters_in_pieces
        return min(count(text) / letters, 1.0) if letters else 1.0

    def _letters_in_words(self, text: str) -> int:
        words: list[list[str]] = []
        for piece in self._tokenizer.encode(text, add_special_tokens=False).tokens:
            if not piece.startswith(_CONTINUED) or not words:
                words.append([])
            words[-1].append(piece.removeprefix(_CONTINUED))
        known = [word for word in words if any(len(piece) > 1 and piece != self._encoder.unknown for piece in word)]
        return sum(len(piece) for word in known for piece in word if piece.isalpha())

    def _letters_in_pieces(self, text: str) -> int:
        unknown = self._tokenizer.token_to_id(self._encoder.unknown)
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        places = [place for piece, place in zip(encoding.ids, encoding.offsets, strict=True) if piece == unknown]
        return _letters(text) - sum(_letters(text[begin:end]) for begin, end in places)

    def _batches(self, tokens: Sequence[list[int]]) -> Iterator[tuple[list[int], np.ndarray]]:
        """Indices and vectors of each batch, in the order in which batches finish."""
        batches = list(plan([len(ids) for ids in tokens], self._batch_tokens))
        is_urgent = len(batches) <= _MAX_URGENT_BATCHES
        if len(batches) == 1 or (is_urgent and self._workers == 1):  # to start a thread would cost a tenth of a query
            yield from ((batch, self._run([tokens[index] for index in batch])) for batch in batches)
            return
        with ThreadPoolExecutor(self._workers, "embed", initializer=None if is_urgent else yield_processor) as pool:
            running = {pool.submit(self._run, [tokens[index] for index in batch]): batch for batch in batches}
            try:
                for future in as_completed(running):
                    yield running[future], future.result()
            finally:  # after Ctrl-C or an error, do not start the remaining batches
                pool.shutdown(wait=False, cancel_futures=True)

    def _run(self, tokens: Sequence[list[int]]) -> np.ndarray:
        width = max(len(row) for row in tokens)
        ids = np.zeros((len(tokens), width), np.int64)  # (B, S); the mask hides the padding
        mask = np.zeros_like(ids)
        for number, row in enumerate(tokens):
            ids[number, : len(row)] = row
            mask[number, : len(row)] = 1
        with engine_errors("embedding failed"):
            return np.asarray(self._session.run(["embedding"], {"input_ids": ids, "attention_mask": mask})[0])


def yield_processor() -> None:
    """Give this thread a low priority; on an idle machine it is as fast as before. It has an effect on Linux only."""
    if sys.platform == "linux":  # elsewhere a priority applies to the whole process
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, max(_NICE, os.getpriority(os.PRIO_PROCESS, thread)))


def plan(lengths: Sequence[int], budget: int = BATCH_TOKENS) -> Iterator[list[int]]:
    """Indices of texts in batches, such that the longest text of a batch times its size stays within the budget.

    The longest texts come first, so that the last batches to finish are small. Much shorter texts start a batch of
    their own, because padding costs as much as text.
    """
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        longest = lengths[batch[0]] if batch else 0
        if batch and (longest * (len(batch) + 1) > budget or lengths[index] < MIN_FILL * longest):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def _letters(text: str) -> int:
    return sum(character.isalpha() for character in text)


def _clean(text: str) -> str:
    return text[:_MAX_CHARACTERS].encode("utf-8", "replace").decode("utf-8")


def _session(graph: Path) -> OnnxSession:
    if not graph.is_file():
        raise ModelCorrupt(f"there is no model at {graph}", cure=MODEL.if_corrupt)
    with engine_errors(f"the model at {graph} cannot be loaded", MODEL, opening=True):
        return open_kept(graph)


def _tokenizer(path: Path, max_tokens: int) -> Tokenizer:
    from tokenizers import Tokenizer

    with engine_errors(f"the tokenizer at {path} cannot be loaded", MODEL, opening=True):
        tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    return tokenizer
