"""What differs between text encoders, as data: sizes, names of weights, attention, and how texts are given to them.

`native.encoder_graph` builds their graphs, `native.onnx_embedder` runs them. All have the mean over their tokens as
the vector of a text.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LayerNames:
    """Names of the weights of one layer, below `encoder.layer.N.`."""

    query: str
    key: str
    value: str
    attended: str
    attended_norm: str
    wide: str = "intermediate.dense"
    narrow: str = "output.dense"
    narrow_norm: str = "output.LayerNorm"


BERT = LayerNames(
    query="attention.self.query",
    key="attention.self.key",
    value="attention.self.value",
    attended="attention.output.dense",
    attended_norm="attention.output.LayerNorm",
)
MPNET = LayerNames(
    query="attention.attn.q",
    key="attention.attn.k",
    value="attention.attn.v",
    attended="attention.attn.o",
    attended_norm="attention.LayerNorm",
)


@dataclass(frozen=True)
class Encoder:
    """A text encoder."""

    name: str
    layers: int
    heads: int
    size: int
    """Dimensions of a hidden state and of a vector."""
    epsilon: float
    """Of the layer normalizations."""
    max_tokens: int
    """Tokens of a text that are read, the tokens before and after it included."""
    languages: tuple[str, ...] = ()
    """Languages that it was trained for, as ISO 639-1 codes; empty: about a hundred."""
    names: LayerNames = BERT
    large_channels: tuple[int, ...] = ()
    """The channels that most often have a token's largest normalized activation; empty: none stands out."""
    first_position: int = 0
    """Row of the position table for the first token."""
    token_type: bool = True
    """Whether there is a table of token types; texts have type 0."""
    relative_bias: str = ""
    """Name of a table (buckets, heads) that is added to the attention by the distance of two tokens."""
    query_prefix: str = ""
    document_prefix: str = ""
    word_pieces: bool = True
    """Whether the vocabulary is of WordPiece, which marks pieces within a word by `##`; otherwise it is Unigram."""
    unknown: str = "[UNK]"
    """The piece for what the vocabulary lacks."""


ALL_MINILM_L6_V2 = Encoder(
    name="minilm",
    layers=6,
    heads=12,
    size=384,
    epsilon=1e-12,
    max_tokens=256,  # the published limit; its tokenizer file says 128, which would change vectors of longer texts
    languages=("en",),
    large_channels=(63, 99, 157, 223, 238, 267, 338, 363),
)
MULTILINGUAL_E5_SMALL = Encoder(
    name="multilingual-e5-small",
    layers=12,
    heads=12,
    size=384,
    epsilon=1e-12,
    max_tokens=512,
    query_prefix="query: ",
    document_prefix="passage: ",
    word_pieces=False,
    unknown="<unk>",
)
ALL_MPNET_BASE_V2 = Encoder(
    name="all-mpnet-base-v2",
    layers=12,
    heads=12,
    size=768,
    epsilon=1e-5,
    max_tokens=384,
    languages=("en",),
    names=MPNET,
    first_position=2,
    token_type=False,
    relative_bias="encoder.relative_attention_bias.weight",
)
