"""The embedder and the token counter that the settings name, loaded when first needed."""

from __future__ import annotations

from pathlib import Path

from native.onnx_embedder import OnnxEmbedder
from native.tiktoken_bpe import TokenCounter
from omni_pipelines.model_store import ModelStore
from omni_pipelines.settings import Settings


def load_counter(settings: Settings) -> TokenCounter:
    """Counts tokens of `settings.encoding`.

    Raises:
        ModelMissing: its vocabulary was never pulled.
    """
    return TokenCounter(settings.encoding, vocabulary_file(settings))


def vocabulary_file(settings: Settings) -> Path:
    """The vocabulary of `settings.encoding`.

    Raises:
        ModelMissing: it was never pulled.
    """
    return ModelStore(settings.cache).vocabulary_file(settings.encoding)


def load_embedder(settings: Settings, workers: int | None = None) -> OnnxEmbedder:
    """Embeds with `settings.embedder`.

    Raises:
        ModelMissing: it was never pulled.
    """
    graph, tokenizer, _ = ModelStore(settings.cache).embedder_files(settings.embedder)
    return OnnxEmbedder(graph, tokenizer, workers=workers or settings.workers)


def model_fingerprint(settings: Settings) -> str:
    """What vectors depend on besides their text.

    Raises:
        ModelMissing: it was never pulled.
    """
    return ModelStore(settings.cache).embedder_files(settings.embedder)[2]
