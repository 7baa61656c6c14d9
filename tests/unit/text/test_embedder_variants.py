"""The embedder is the best variant with the right fingerprint that passes its check."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from native.errors import ModelCorrupt
from omni_pipelines.configuration import find_home, load_settings
from omni_pipelines.errors import ModelMissing
from omni_pipelines.providers import EngineVariant, VariantsFailed
from omni_pipelines.settings import Settings
from omni_pipelines.text.embedding import Embedder, TextKind
from omni_pipelines.text.engines import EMBED, VariantEmbedder, check_embedder, load_embedder
from omni_pipelines.variant_registry import VariantRegistry

SAME, OTHER = "minilm/1", "minilm/2"


class Constant:
    """An embedder that gives every text the same vector."""

    def __init__(self, *vector: float) -> None:
        self.vector = vector
        self.calls = 0

    @property
    def dimensions(self) -> int:
        return len(self.vector)

    def embed(
        self,
        texts: Sequence[str],
        on_batch: Callable[[int], None] | None = None,
        *,
        kind: TextKind = "document",
    ) -> np.ndarray:
        self.calls += 1
        return np.array([self.vector] * len(texts), np.float32)


class FailsLater(Constant):
    """An embedder that passes its check and fails afterwards."""

    def embed(
        self,
        texts: Sequence[str],
        on_batch: Callable[[int], None] | None = None,
        *,
        kind: TextKind = "document",
    ) -> np.ndarray:
        if self.calls:
            raise ModelCorrupt("out of order")
        return super().embed(texts, on_batch, kind=kind)


def embedder(*engines: tuple[Embedder, str]) -> VariantEmbedder:
    registry = VariantRegistry()
    for number, (engine, fingerprint) in enumerate(engines):
        variant = EngineVariant(
            f"v{number}", engine, priority=number, capabilities={fingerprint}, check=check_embedder
        )
        registry.register(EMBED, variant)
    return VariantEmbedder(registry, SAME)


def test_embed_uses_the_preferred_variant() -> None:
    found = embedder((Constant(1, 0), SAME), (Constant(0, 1), SAME))
    assert found.embed(["a", "b"]).tolist() == [[1, 0], [1, 0]]
    assert found.dimensions == 2


@pytest.mark.parametrize("vector", [(2.0, 0.0), (0.0, 0.0), (float("nan"), 0.0)])
def test_variant_with_vectors_of_wrong_length_is_skipped(vector: tuple[float, float]) -> None:
    assert embedder((Constant(*vector), SAME), (Constant(0, 1), SAME)).embed(["a"]).tolist() == [[0, 1]]


def test_variant_that_fails_later_is_replaced_by_the_next() -> None:
    assert embedder((FailsLater(1, 0), SAME), (Constant(0, 1), SAME)).embed(["a"]).tolist() == [[0, 1]]


def test_variant_with_another_fingerprint_never_replaces_one() -> None:
    with pytest.raises(ModelCorrupt, match="out of order"):
        embedder((FailsLater(1, 0), SAME), (Constant(0, 1), OTHER)).embed(["a"])


def test_embed_without_a_working_variant_gives_the_reason() -> None:
    with pytest.raises(VariantsFailed, match=r"a vector has length 2\.0, not 1"):
        embedder((Constant(2, 0), SAME)).embed(["a"])


def test_load_embedder_without_a_model_names_the_command_that_fetches_it(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing) as caught:
        load_embedder(Settings.model_validate({"cache": tmp_path}))
    assert caught.value.cure == "fetch it once: omni model pull all-minilm-l6-v2"


def test_real_embedder_passes_its_check() -> None:
    try:
        found = load_embedder(load_settings(find_home()))
    except ModelMissing as error:
        pytest.skip(str(error))
    vectors = found.embed(["otters", "a sentence about otters"])
    assert vectors.shape == (2, found.dimensions)
    assert float(vectors[0] @ vectors[1]) > 0.5
