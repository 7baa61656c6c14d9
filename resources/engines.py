"""The models a run needs, loaded when a step first asks for them."""

from __future__ import annotations

import dagster as dg

from omni_pipelines.settings import Settings
from omni_pipelines.text.embedding import Embedder
from omni_pipelines.text.engines import load_counter, load_embedder, model_fingerprint
from omni_pipelines.text.token_counting import CountTokens


class TextEngines(dg.ConfigurableResource):
    """Token counter and embedder, as the settings name them."""

    def count(self, settings: Settings) -> CountTokens:
        """A function that counts tokens."""
        return load_counter(settings).count

    def embedder(self, settings: Settings) -> Embedder:
        """The embedder."""
        return load_embedder(settings)

    def fingerprint(self, settings: Settings) -> str:
        """What vectors depend on besides their text."""
        return model_fingerprint(settings)
