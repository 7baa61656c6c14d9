"""Texts to unit vectors with onnxruntime and tokenizers: batches sorted by length, one thread a worker."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np

from native.errors import ModelCorrupt, engine_errors

MAX_TOKENS = 256
"""What the model was published to read; its tokenizer file says 128, which would change every longer text."""
BATCH_TOKENS = 4_096
"""Padded tokens in a batch: enough to keep the core busy, and 250 MB of memory at most."""
_NICE = 10
"""Of threads that embed more batches than the next: nobody waits for them as for an answer."""
_MAX_AWAITED = 4
"""Batches that the sentences of an answer fill."""
_MAX_LENGTH = 20_000
"""Characters read of a text: more never fit 256 tokens that a person wrote."""
_UNKNOWN, _CONTINUED = "[UNK]", "##"
_CURE = "run: omni model pull"


class OnnxEmbedder:
    """Embeds with a graph made by `native.minilm_graph`. Safe to use from several threads."""

    def __init__(
        self,
        graph: Path,
        tokenizer: Path,
        *,
        workers: int = 1,
        max_tokens: int = MAX_TOKENS,
        batch_tokens: int = BATCH_TOKENS,
    ) -> None:
        self._session = _session(graph)
        self._tokenizer = _tokenizer(tokenizer, max_tokens)
        self._workers, self._batch_tokens = workers, batch_tokens

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return int(self._session.get_outputs()[0].shape[1])

    def embed(self, texts: Sequence[str], on_batch: Callable[[int], None] | None = None) -> np.ndarray:
        """Vectors (n, d), float32, unit length, in the order of `texts`.

        A vector does not depend on the texts beside it. `on_batch` hears, on this thread, how many are done.
        """
        vectors = np.empty((len(texts), self.dimensions), np.float32)
        tokens = [encoding.ids for encoding in self._tokenizer.encode_batch([_clean(text) for text in texts])]
        done = 0
        for batch, found in self._batches(tokens):
            vectors[batch] = found
            done += len(batch)
            if on_batch is not None:
                on_batch(done)
        return vectors

    def readable(self, text: str) -> float:
        """The share of the text's letters in words that are not spelled letter by letter; 1 without letters.

        That is how the vocabulary writes scripts that the model never learned, or as [UNK].
        """
        text = _clean(text)
        words: list[list[str]] = []
        for piece in self._tokenizer.encode(text, add_special_tokens=False).tokens:
            if not piece.startswith(_CONTINUED) or not words:
                words.append([])
            words[-1].append(piece.removeprefix(_CONTINUED))
        read = sum(len(piece) for word in words if _is_read(word) for piece in word if piece.isalpha())
        letters = sum(character.isalpha() for character in text)
        return min(read / letters, 1.0) if letters else 1.0

    def _batches(self, tokens: Sequence[list[int]]) -> Iterator[tuple[list[int], np.ndarray]]:
        """Indices of a batch and their vectors, as batches finish."""
        batches = list(plan([len(each) for each in tokens], self._batch_tokens))
        if len(batches) == 1:  # a query: a thread for it costs a tenth of what the model does
            yield batches[0], self._run([tokens[at] for at in batches[0]])
            return
        begin = yield_processor if len(batches) > _MAX_AWAITED else None
        with ThreadPoolExecutor(self._workers, "embed", initializer=begin) as pool:
            running = {pool.submit(self._run, [tokens[at] for at in batch]): batch for batch in batches}
            try:
                for future in as_completed(running):
                    yield running[future], future.result()
            finally:  # after Ctrl-C or an error nobody waits for the batches that have not begun
                pool.shutdown(wait=False, cancel_futures=True)

    def _run(self, tokens: Sequence[list[int]]) -> np.ndarray:
        width = max(len(each) for each in tokens)
        ids = np.zeros((len(tokens), width), np.int64)  # (B, S); 0 is [PAD]
        mask = np.zeros_like(ids)
        for row, each in enumerate(tokens):
            ids[row, : len(each)] = each
            mask[row, : len(each)] = 1
        with engine_errors("embedding failed"):
            return np.asarray(self._session.run(["embedding"], {"input_ids": ids, "attention_mask": mask})[0])


def yield_processor() -> None:
    """Let this thread do its work after those that somebody waits for; on an idle machine it loses nothing. Linux."""
    if sys.platform == "linux":  # elsewhere a priority is that of all threads
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, max(_NICE, os.getpriority(os.PRIO_PROCESS, thread)))


def plan(lengths: Sequence[int], budget: int = BATCH_TOKENS) -> Iterator[list[int]]:
    """Indices in batches, longest first: a batch's longest text times its size stays within the budget.

    Longest first, so that the last batches to finish are the small ones.
    """
    order = sorted(range(len(lengths)), key=lambda at: -lengths[at])
    batch: list[int] = []
    for at in order:
        if batch and lengths[batch[0]] * (len(batch) + 1) > budget:
            yield batch
            batch = []
        batch.append(at)
    if batch:
        yield batch


def _is_read(pieces: Sequence[str]) -> bool:
    """Whether a word has a piece of more than one letter."""
    return any(len(piece) > 1 and piece != _UNKNOWN for piece in pieces)


def _clean(text: str) -> str:
    return text[:_MAX_LENGTH].encode("utf-8", "replace").decode("utf-8")


def _session(graph: Path) -> Any:
    import onnxruntime  # type: ignore[import-untyped]

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # without it, x64 processors that have no VNNI add in 16 bits that overflow: other vectors, and no error
    options.add_session_config_entry("session.x64quantprecision", "1")
    options.log_severity_level = 3
    if not graph.is_file():
        raise ModelCorrupt(f"there is no model at {graph}", cure=_CURE)
    try:
        return onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own errors have no common base below Exception
        raise ModelCorrupt(f"the model at {graph} cannot be loaded: {error}", cure=_CURE) from error


def _tokenizer(path: Path, max_tokens: int) -> Any:
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises Exception itself
        raise ModelCorrupt(f"the tokenizer at {path} cannot be loaded: {error}", cure=_CURE) from error
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    return tokenizer
