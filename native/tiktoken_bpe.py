"""Exact token counts with tiktoken, from a verified vocabulary file and never from the network."""

from __future__ import annotations

import functools
import hashlib
import re
import types
from binascii import a2b_base64
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from native.errors import ModelCorrupt
from native.foreign_errors import engine_errors

if TYPE_CHECKING:
    from tiktoken import Encoding

SHA256 = {
    "cl100k_base": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    "o200k_base": "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
}
"""Checksums of the published vocabularies. tiktoken checks the same ones."""
PIECE = 1 << 18
"""Characters encoded at once. tiktoken's splitter can backtrack to at most a million positions, and a run of blanks
needs one per character; beyond that it panics, which `except Exception` does not catch. Its memory grows with the
piece.

The time is linear even for text without a good place to split: 0.15 s of CPU for a million times "a", 0.3 s for a
million blanks."""

_SURROGATE = re.compile("[\ud800-\udfff]")


class TokenCounter:
    """Counts tokens in one encoding."""

    def __init__(self, encoding: str, vocabulary: Path) -> None:
        self.name, self._vocabulary = encoding, vocabulary
        _encoding(encoding, vocabulary)  # a damaged vocabulary is reported now

    @property
    def _encoding(self) -> Encoding:
        return _encoding(self.name, self._vocabulary)

    def count(self, text: str) -> int:
        """Number of tokens. Special tokens in the text count as plain text."""
        with engine_errors(f"{self.name} cannot count tokens"):
            return sum(len(self._encoding.encode_ordinary(piece)) for piece in pieces(text))

    def token_starts(self, text: str) -> list[int]:
        """For each token, the index of the character in which it begins; ascending.

        In rare cases the number of tokens differs from `count`.
        """
        starts: list[int] = []
        offset = 0
        with engine_errors(f"{self.name} cannot locate tokens"):
            for piece in pieces(_SURROGATE.sub("\ufffd", text)):  # of the same length, and encodable
                _, piece_starts = self._encoding.decode_with_offsets(self._encoding.encode_ordinary(piece))
                starts += [offset + start for start in piece_starts]
                offset += len(piece)
        return starts

    def truncate(self, text: str, max_tokens: int) -> str:
        """A longest prefix with at most `max_tokens` tokens; it never splits a character.

        It is found by bisection. Counts do not always grow with the prefix, so a longer one may exist.
        """
        low, high = 0, min(len(text), max_tokens * _max_token_bytes(self._encoding))
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
    """The encoding of one of OpenAI's models, from tiktoken's own list; None for an unknown model."""
    from tiktoken.model import encoding_name_for_model

    try:
        name = encoding_name_for_model(model)
    except KeyError:
        return None
    return name.replace("o200k_harmony", "o200k_base")  # they differ in special tokens only, which are text here


def pieces(text: str) -> Iterator[str]:
    """Parts of at most PIECE characters. All engines count these parts, so that they agree on long texts."""
    start = 0
    while len(text) - start > PIECE:
        end = _split(text, start, start + PIECE)
        yield text[start:end]
        start = end
    if start < len(text):
        yield text[start:]


def _split(text: str, start: int, end: int) -> int:
    """Where to end a piece: before a blank between words, where the encodings split too, so that the count is exact.

    Without such a blank it is after a line break, or else at `end`; then the count may be one token too high.
    """
    blank = text.rfind(" ", start + 1, end)
    while blank > start and text[blank - 1].isspace():
        blank = text.rfind(" ", start + 1, blank)
    if blank > start:
        return blank
    line_break = text.rfind("\n", start, end)
    return line_break + 1 if line_break >= start else end


@functools.lru_cache(maxsize=4)
def _max_token_bytes(encoding: Encoding) -> int:
    return max(len(token) for token in encoding.token_byte_values())


@functools.lru_cache(maxsize=4)
def _encoding(name: str, vocabulary: Path) -> Encoding:
    import tiktoken
    from tiktoken_ext.openai_public import ENCODING_CONSTRUCTORS  # type: ignore[import-untyped]

    ranks = _ranks(name, vocabulary)
    # The published constructor has the split pattern and the special tokens, but downloads the ranks. A copy of it
    # gets ours instead. It is a copy, because other threads and libraries in this process share tiktoken.
    published = ENCODING_CONSTRUCTORS[name]
    names = {**published.__globals__, "load_tiktoken_bpe": lambda *_, **__: ranks}
    return tiktoken.Encoding(**types.FunctionType(published.__code__, names)())


def _ranks(name: str, vocabulary: Path) -> dict[bytes, int]:
    if name not in SHA256:
        raise ModelCorrupt(f"unknown encoding {name!r}", cure=f"use one of: {', '.join(SHA256)}")
    try:
        raw = vocabulary.read_bytes()
    except OSError as error:
        raise ModelCorrupt(f"there is no vocabulary at {vocabulary}", cure=f"run: omni model pull {name}") from error
    if hashlib.sha256(raw).hexdigest() != SHA256[name]:
        raise ModelCorrupt(
            f"the vocabulary at {vocabulary} does not have the published sha256", cure=f"run: omni model pull {name}"
        )
    pairs = (line.split() for line in raw.splitlines() if line)
    return {a2b_base64(token): int(rank) for token, rank in pairs}  # in half the time of `base64.b64decode`
