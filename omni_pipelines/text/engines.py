"""Load the embedder and the token counter that the settings name, each as its best working variant."""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from native.onnx_embedder import OnnxEmbedder
from omni_pipelines.errors import ModelMissing
from omni_pipelines.model_catalog import embedder_with
from omni_pipelines.model_store import ModelStore
from omni_pipelines.providers import PREFERRED, EngineVariant, VariantHealth, VariantsFailed
from omni_pipelines.settings import Settings
from omni_pipelines.text.embedding import Embedder, TextKind, readable_share
from omni_pipelines.text.token_counting import COUNT_TOKENS, PreferredCounter, register_counters
from omni_pipelines.variant_registry import VariantRegistry

Value = TypeVar("Value")
EMBED = "embed"
_CHECK_SENTENCE = "The quick brown fox jumps over the lazy dog."
_MAX_LENGTH_ERROR = 1e-3


def load_counter(settings: Settings) -> PreferredCounter:
    """The token counter of `settings.encoding`. Every engine gives the same counts.

    Raises:
        ModelMissing: its vocabulary is not downloaded.
        ModelCorrupt: its vocabulary file was modified.
    """
    vocabulary_file(settings)
    registry = _counters(settings.cache, settings.encoding)
    try:
        best = registry.call(COUNT_TOKENS, lambda variant: variant.engine, require={settings.encoding})
    except VariantsFailed as failed:
        raise failed.last or failed from failed
    return PreferredCounter(registry, best.value)


def vocabulary_file(settings: Settings) -> Path:
    """The vocabulary file of `settings.encoding`.

    Raises:
        ModelMissing: it is not downloaded.
    """
    return ModelStore(settings.cache).vocabulary_file(settings.encoding)


def load_embedder(settings: Settings, workers: int | None = None) -> Embedder:
    """The embedder `settings.embedder`.

    Raises:
        ModelMissing: it is not downloaded.
        ModelCorrupt: its files cannot be loaded.
    """
    fingerprint = model_fingerprint(settings)
    registry = VariantRegistry()
    register_embedders(registry, settings, workers)
    return VariantEmbedder(registry, fingerprint)


def load_embedder_of(settings: Settings, fingerprint: str) -> Embedder:
    """The embedder with a fingerprint, whatever `settings.embedder` says, with one thread.

    Raises:
        ModelMissing: it is not downloaded, or this version of the program does not have it.
        ModelCorrupt: its files cannot be loaded.
    """
    model = embedder_with(fingerprint)
    if model is None:
        raise ModelMissing(f"there is no embedder {fingerprint} any more", cure="run omni ingest, which embeds again")
    return load_embedder(settings.model_copy(update={"embedder": model.name}), workers=1)


def model_fingerprint(settings: Settings) -> str:
    """The fingerprint of `settings.embedder`: what vectors depend on besides their text.

    Raises:
        ModelMissing: it is not downloaded.
    """
    return ModelStore(settings.cache).embedder_files(settings.embedder)[2]


def register_embedders(registry: VariantRegistry, settings: Settings, workers: int | None = None) -> None:
    """Register the variants of `settings.embedder`: onnxruntime.

    The fingerprint of the vectors is the capability: a variant can replace another only if its vectors are the same.
    """
    store = ModelStore(settings.cache)

    def probe() -> VariantHealth:
        store.embedder_files(settings.embedder)
        return VariantHealth()

    def make() -> EngineVariant[Embedder]:
        graph, tokenizer, fingerprint = store.embedder_files(settings.embedder)
        encoder = store.encoder(settings.embedder)
        engine = OnnxEmbedder(encoder, graph, tokenizer, workers=workers or settings.workers)
        return EngineVariant(
            "onnxruntime", engine, priority=PREFERRED, capabilities={fingerprint}, check=check_embedder
        )

    fingerprint = store.fingerprint(settings.embedder)
    registry.register_factory(EMBED, "onnxruntime", make, priority=PREFERRED, capabilities={fingerprint}, probe=probe)


def check_embedder(engine: Embedder) -> None:
    """Check an embedder by embedding one sentence.

    Raises:
        ValueError: the vector is not of unit length.
    """
    length = float(np.linalg.norm(engine.embed([_CHECK_SENTENCE])[0]))
    if not abs(length - 1) < _MAX_LENGTH_ERROR:  # `not <` because NaN must fail as well
        raise ValueError(f"a vector has length {length}, not 1")


class VariantEmbedder:
    """Embeds with the best variant of one fingerprint, and after a failure with the next one."""

    def __init__(self, registry: VariantRegistry, fingerprint: str) -> None:
        self._registry, self._fingerprint = registry, fingerprint

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return self._call(lambda engine: engine.dimensions, 1)

    def embed(
        self,
        texts: Sequence[str],
        on_batch: Callable[[int], None] | None = None,
        *,
        kind: TextKind = "document",
    ) -> np.ndarray:
        """Vectors (n, d), float32, in the order of `texts`. `on_batch` is called with the count so far.

        Raises:
            EngineError, VariantsFailed: every variant failed.
        """
        return self._call(lambda engine: engine.embed(texts, on_batch, kind=kind), len(texts))

    def readable(self, text: str) -> float:
        """Share of the text's letters that the engine can read, 0 to 1."""
        return self._call(lambda engine: readable_share(engine, text), 1)

    def _call(self, use: Callable[[Embedder], Value], units: int) -> Value:
        try:
            return self._registry.call(
                EMBED, lambda variant: use(variant.engine), require={self._fingerprint}, units=units
            ).value
        except VariantsFailed as failed:
            raise failed.last or failed from failed


@functools.lru_cache(maxsize=8)
def _counters(cache: Path, encoding: str) -> VariantRegistry:
    registry = VariantRegistry()
    register_counters(registry, ModelStore(cache), encoding)
    return registry
