"""Text and tokens, for whoever has a budget to keep: count, shorten, cut, and what a conversation costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from native.tiktoken_bpe import SHA256, encoding_of_model
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.language_models.port import Message
from omni_pipelines.text.packing import MAX_CHARACTERS
from omni_pipelines.text.token_counting import CountsTokens

MARKER = " … "
"""Stands where something was taken out of the middle."""
PER_MESSAGE, PER_REPLY = 3, 3
"""Tokens around each message, and those an answer begins with, in OpenAI's chat format ("How to count tokens with
tiktoken", OpenAI Cookbook). The role is counted as text."""
_WHOLE_WORDS = 0.75
"""A piece ends with a word where one ends in its last quarter."""


@dataclass(frozen=True)
class Piece:
    """A part of a text: `text[start:end]`, in characters."""

    index: int
    start: int
    end: int
    text: str
    tokens: int


def encoding_for(model: str) -> str:
    """The encoding of a model of OpenAI's, or an encoding by its own name.

    Raises:
        ConfigurationError: the model is unknown, or has an encoding that is not here. A guess would be a wrong count.
    """
    name = model if model in SHA256 else encoding_of_model(model)
    if name in SHA256:
        return name
    what = f"model {model!r} is unknown" if name is None else f"{model} counts in {name}, which is not here"
    raise ConfigurationError(what, cure=f"name an encoding: {', '.join(SHA256)}")


def count_tokens(text: str, counter: CountsTokens) -> int:
    """Number of tokens. What looks like a special token is text like any other."""
    return counter.count(text)


def count_messages(messages: Sequence[Message], counter: CountsTokens) -> int:
    """Tokens of a conversation as a chat model is sent it, with what stands around each message and the reply."""
    return PER_REPLY + sum(
        PER_MESSAGE + counter.count(message.role) + counter.count(message.content) for message in messages
    )


def truncate(text: str, max_tokens: int, counter: CountsTokens) -> str:
    """The beginning of a text, of at most `max_tokens` tokens, in whole characters.

    Raises:
        ConfigurationError: `max_tokens` is below 0.
    """
    if max_tokens < 0:
        raise ConfigurationError(f"max_tokens is {max_tokens}, but must be at least 0")
    return counter.truncate(text, max_tokens) if max_tokens else ""


def truncate_middle(text: str, max_tokens: int, counter: CountsTokens, marker: str = MARKER) -> str:
    """Beginning and end of a text around `marker`, of at most `max_tokens` tokens together; the text if it fits.

    Where not even the marker fits, the beginning alone.

    Raises:
        ConfigurationError: `max_tokens` is below 0.
    """
    if max_tokens < 0 or counter.count(marker) > max_tokens:
        return truncate(text, max_tokens, counter)
    most = max_tokens * MAX_CHARACTERS
    if len(text) <= most and counter.count(text) <= max_tokens:
        return text

    def around(kept: int) -> str:
        return text[: (kept + 1) // 2] + marker + text[len(text) - kept // 2 :]

    return around(_most(min(most, len(text)), lambda kept: counter.count(around(kept)) <= max_tokens))


def chunk_text(text: str, size: int, overlap: int, counter: CountsTokens) -> list[Piece]:
    """The text in pieces of at most `size` tokens, each beginning with at most `overlap` tokens of the one before.

    Together they hold every character; a piece ends between words where one ends near its end. A character that is
    more tokens than `size` is a piece of its own.

    Raises:
        ConfigurationError: `size` is below 1, or `overlap` not below it.
    """
    if size < 1 or not 0 <= overlap < size:
        raise ConfigurationError(
            f"pieces of {size} tokens cannot repeat {overlap}", cure="size at least 1, overlap 0 to size - 1"
        )
    return [
        Piece(index, start, end, text[start:end], counter.count(text[start:end]))
        for index, (start, end) in enumerate(_ranges(text, size, overlap, counter))
    ]


def _ranges(text: str, size: int, overlap: int, counter: CountsTokens) -> Iterator[tuple[int, int]]:
    start = end = 0
    while end < len(text):
        ahead = text[start : start + size * MAX_CHARACTERS]
        fitting = counter.truncate(ahead, size)
        reach = start + len(fitting)
        if reach < len(text):
            reach = start + _word_end(text, start, reach)
        if reach <= end and start < end:  # the next character does not fit beside what is repeated
            start = end
            continue
        end = max(reach, end + 1)
        yield start, end
        start = end - _repeated(text, start, end, overlap, counter)


def _repeated(text: str, start: int, end: int, overlap: int, counter: CountsTokens) -> int:
    """How many of the piece's last characters, and never all, the next piece repeats."""
    return _most(end - start - 1, lambda kept: counter.count(text[end - kept : end]) <= overlap)


def _word_end(text: str, start: int, reach: int) -> int:
    """Characters up to where a word ends, or up to `reach` where none ends near it."""
    piece = text[start:reach]
    if text[reach].isspace() or not piece:
        return len(piece)
    blank = max(piece.rfind(" "), piece.rfind("\n"))
    return blank + 1 if blank >= _WHOLE_WORDS * len(piece) else len(piece)


def _most(limit: int, fits: Callable[[int], bool]) -> int:
    """The largest number found, up to `limit`, that fits; 0 always does. Nearly always the largest there is."""
    low, high = 0, limit + 1
    while low < high - 1:
        middle = (low + high) // 2
        if fits(middle):
            low = middle
        else:
            high = middle
    return low
