"""omni with masking and structure switched off: what products do that have neither."""

from __future__ import annotations

from pathlib import Path

from benchmarks.peers.child import Embed
from benchmarks.peers.products import omni

PACKAGES = ()


def ingest(corpus: Path, target: Path, embed: Embed) -> int:
    """Ingest as plain text."""
    plain = omni.settings(chunk_mode="text", mask_secrets=False, mask_personal=())
    return omni.ingest_with(plain, corpus, target, embed)


update = ingest


def ingest_whole(corpus: Path, target: Path) -> int:
    """The same with the default embedder."""
    return ingest(corpus, target, omni.embedder())
