"""Exact token counts with tiktoken, from a vocabulary file that was checked, never from the network."""

from __future__ import annotations

import functools
import hashlib
import re
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from native.errors import ModelCorrupt, engine_errors

SHA256 = {
    "cl100k_base": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    "o200k_base": "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
}
"""The published vocabularies; tiktoken itself checks the same sums."""
PIECE = 1 << 18
"""Characters encoded at once. tiktoken's splitter may remember a million places to go back to, and in a run of blanks
it needs one a character; above, it panics, which `except Exception` does not catch. Its memory grows with the piece.

Time is linear even where nothing suggests a cut: 0.15 s CPU for a million times "a", 0.3 s for a million blanks."""

_SURROGATE = re.compile("[\ud800-\udfff]")


class TokenCounter:
    """Counts the tokens of one encoding."""

    def __init__(self, encoding: str, vocabulary: Path) -> None:
        self.name = encoding
        self._encoding = _encoding(encoding, vocabulary)

    def count(self, text: str) -> int:
        """Number of tokens. What looks like a special token is text like any other."""
        with engine_errors(f"{self.name} cannot count"):  # a panic of tiktoken passes `except Exception`
            return sum(len(self._encoding.encode_ordinary(piece)) for piece in pieces(text))

    def token_starts(self, text: str) -> list[int]:
        """The character each token begins at, or inside of; as many as `count` gives, nearly always, and rising."""
        starts: list[int] = []
        at = 0
        with engine_errors(f"{self.name} cannot tell the tokens apart"):
            for piece in pieces(_SURROGATE.sub("\ufffd", text)):  # as long, and can be encoded
                _, found = self._encoding.decode_with_offsets(self._encoding.encode_ordinary(piece))
                starts += [at + start for start in found]
                at += len(piece)
        return starts

    def truncate(self, text: str, max_tokens: int) -> str:
        """The longest prefix found that has at most `max_tokens` tokens and ends with a whole character."""
        low, high = 0, min(len(text), max_tokens * _most_characters(self._encoding))
        if self.count(text[:high]) <= max_tokens:
            return text[:high]
        while low < high - 1:
            middle = (low + high) // 2
            if self.count(text[:middle]) <= max_tokens:
                low = middle
            else:
                high = middle
        return text[:low]


def encoding_of_model(model: str) -> str | None:
    """The name of the encoding of one of OpenAI's models, from tiktoken's own list; None where it is not in it."""
    from tiktoken.model import encoding_name_for_model

    try:
        name = encoding_name_for_model(model)
    except KeyError:
        return None
    return name.replace("o200k_harmony", "o200k_base")  # alike but for special tokens, which are text here


def pieces(text: str) -> Iterator[str]:
    """Parts of at most PIECE characters; every engine counts these parts, so that all agree on long texts, too."""
    at = 0
    while len(text) - at > PIECE:
        end = _cut(text, at, at + PIECE)
        yield text[at:end]
        at = end
    if at < len(text):
        yield text[at:]


def _cut(text: str, at: int, end: int) -> int:
    """Where to cut: before a blank between words, where the encodings cut as well, so that the count stays exact.

    Without one after a line's end, without that at `end`: the count may be a token too high.
    """
    blank = text.rfind(" ", at + 1, end)
    while blank > at and text[blank - 1].isspace():
        blank = text.rfind(" ", at + 1, blank)
    if blank > at:
        return blank
    line = text.rfind("\n", at, end)
    return line + 1 if line >= at else end


@functools.lru_cache(maxsize=4)
def _most_characters(encoding: Any) -> int:
    return max(len(token) for token in encoding.token_byte_values())


@functools.lru_cache(maxsize=4)
def _encoding(name: str, vocabulary: Path) -> Any:
    import tiktoken
    from tiktoken_ext.openai_public import ENCODING_CONSTRUCTORS  # type: ignore[import-untyped]

    ranks = _ranks(name, vocabulary)
    # the published constructor knows the split pattern and the special tokens; a copy of it reads our ranks where it
    # would download. A copy, for tiktoken is shared by all threads, and by others in the process.
    published = ENCODING_CONSTRUCTORS[name]
    names = {**published.__globals__, "load_tiktoken_bpe": lambda *_, **__: ranks}
    return tiktoken.Encoding(**types.FunctionType(published.__code__, names)())


def _ranks(name: str, vocabulary: Path) -> dict[bytes, int]:
    import base64

    if name not in SHA256:
        raise ModelCorrupt(f"encoding {name!r} is unknown", cure=f"encodings: {', '.join(SHA256)}")
    try:
        raw = vocabulary.read_bytes()
    except OSError as error:
        raise ModelCorrupt(f"no vocabulary at {vocabulary}", cure=f"run: omni model pull {name}") from error
    if hashlib.sha256(raw).hexdigest() != SHA256[name]:
        raise ModelCorrupt(f"the vocabulary at {vocabulary} was changed", cure=f"run: omni model pull {name}")
    pairs = (line.split() for line in raw.splitlines() if line)
    return {base64.b64decode(token): int(rank) for token, rank in pairs}
