"""The embedder and the token counter that the settings name: the best variant of each that works."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from native.onnx_embedder import OnnxEmbedder
from omni_pipelines.model_store import ModelStore
from omni_pipelines.providers import PREFERRED, EngineVariant, VariantHealth, VariantsFailed
from omni_pipelines.settings import Settings
from omni_pipelines.text.embedding import Embedder, readable_share
from omni_pipelines.text.token_counting import COUNT_TOKENS, PreferredCounter, register_counters
from omni_pipelines.variant_registry import VariantRegistry

Value = TypeVar("Value")
EMBED = "embed"
_TRIAL = "The quick brown fox jumps over the lazy dog."
_NEARLY_ONE = 1e-3


def load_counter(settings: Settings) -> PreferredCounter:
    """Counts tokens of `settings.encoding`: the same numbers, whichever engine counts.

    Raises:
        ModelMissing: its vocabulary was never pulled.
        ModelCorrupt: its vocabulary was changed.
    """
    vocabulary_file(settings)
    registry = _counters(settings.cache, settings.encoding)
    try:
        best = registry.call(COUNT_TOKENS, lambda variant: variant.engine, require={settings.encoding})
    except VariantsFailed as failed:
        raise failed.last or failed from failed
    return PreferredCounter(registry, best.value)


def vocabulary_file(settings: Settings) -> Path:
    """The vocabulary of `settings.encoding`.

    Raises:
        ModelMissing: it was never pulled.
    """
    return ModelStore(settings.cache).vocabulary_file(settings.encoding)


def load_embedder(settings: Settings, workers: int | None = None) -> Embedder:
    """Embeds with `settings.embedder`.

    Raises:
        ModelMissing: it was never pulled.
        ModelCorrupt: its files cannot be loaded.
    """
    fingerprint = model_fingerprint(settings)
    registry = VariantRegistry()
    register_embedders(registry, settings, workers)
    return VariantEmbedder(registry, fingerprint)


def model_fingerprint(settings: Settings) -> str:
    """What vectors depend on besides their text.

    Raises:
        ModelMissing: it was never pulled.
    """
    return ModelStore(settings.cache).embedder_files(settings.embedder)[2]


def register_embedders(registry: VariantRegistry, settings: Settings, workers: int | None = None) -> None:
    """The variants of `settings.embedder`: onnxruntime.

    The fingerprint of its vectors is a capability: only a variant that makes the same may stand in for another.
    """
    store = ModelStore(settings.cache)

    def probe() -> VariantHealth:
        store.embedder_files(settings.embedder)
        return VariantHealth()

    def make() -> EngineVariant[Embedder]:
        graph, tokenizer, fingerprint = store.embedder_files(settings.embedder)
        engine = OnnxEmbedder(graph, tokenizer, workers=workers or settings.workers)
        return EngineVariant(
            "onnxruntime", engine, priority=PREFERRED, capabilities={fingerprint}, check=check_embedder
        )

    fingerprint = store.fingerprint(settings.embedder)
    registry.register_factory(EMBED, "onnxruntime", make, priority=PREFERRED, capabilities={fingerprint}, probe=probe)


def check_embedder(engine: Embedder) -> None:
    """Embed a sentence.

    Raises:
        ValueError: its vector is not of unit length.
    """
    length = float(np.linalg.norm(engine.embed([_TRIAL])[0]))
    if not abs(length - 1) < _NEARLY_ONE:  # written so that NaN fails, too
        raise ValueError(f"a vector is {length} long, not 1")


class VariantEmbedder:
    """Embeds with the best variant whose vectors have one fingerprint; if it fails, with the next."""

    def __init__(self, registry: VariantRegistry, fingerprint: str) -> None:
        self._registry, self._fingerprint = registry, fingerprint

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return self._call(lambda engine: engine.dimensions, 1)

    def embed(self, texts: Sequence[str], on_batch: Callable[[int], None] | None = None) -> np.ndarray:
        """Vectors (n, d), float32, in the order of `texts`. `on_batch` hears how many are done.

        Raises:
            EngineError, VariantsFailed: no variant could embed them.
        """
        return self._call(lambda engine: engine.embed(texts, on_batch), len(texts))

    def readable(self, text: str) -> float:
        """The share of a text's letters that the engine can read, 0 to 1."""
        return self._call(lambda engine: readable_share(engine, text), 1)

    def _call(self, use: Callable[[Embedder], Value], units: int) -> Value:
        def using(variant: EngineVariant[Embedder]) -> Value:
            return use(variant.engine)

        try:
            return self._registry.call(EMBED, using, require={self._fingerprint}, units=units).value
        except VariantsFailed as failed:
            raise failed.last or failed from failed


@functools.lru_cache(maxsize=8)
def _counters(cache: Path, encoding: str) -> VariantRegistry:
    registry = VariantRegistry()
    register_counters(registry, ModelStore(cache), encoding)
    return registry
