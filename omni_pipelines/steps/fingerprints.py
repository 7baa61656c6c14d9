"""What the readers, the chunker and the embedder are here."""

from __future__ import annotations

from collections.abc import Collection

from omni_pipelines.settings import Settings
from omni_pipelines.steps.chunks import chunker_fingerprint
from omni_pipelines.text.engines import model_fingerprint
from omni_pipelines.text.readers.registry import readers_fingerprint


def fingerprints(settings: Settings, sources: Collection[str]) -> dict[str, str]:
    """What the readers, the chunker and the embedder are here, for sources of these names.

    Raises:
        ModelMissing: the embedder was never pulled.
    """
    return {
        "readers": readers_fingerprint(),
        "chunker": chunker_fingerprint(settings, sources),
        "embedder": model_fingerprint(settings),
    }
