"""Work within a token budget: count, truncate and split texts, and count the tokens of a conversation."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from native.tiktoken_bpe import SHA256, encoding_of_model
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.language_models.port import Message
from omni_pipelines.text.packing import MAX_CHARACTERS_PER_TOKEN
from omni_pipelines.text.token_counting import TokenEngine

MARKER = " … "
"""Replaces what is removed from the middle of a text."""
TOKENS_PER_MESSAGE, TOKENS_PER_REPLY = 3, 3
"""Tokens around each message, and at the start of a reply, in OpenAI's chat format. The role is counted as text.

Source: "How to count tokens with tiktoken", OpenAI Cookbook.
"""
_WHOLE_WORD_SHARE = 0.75
"""A piece ends at the end of a word, if a word ends after this share of the piece."""


@dataclass(frozen=True)
class TextPiece:
    """A part of a text: `text[start:end]`, in characters."""

    index: int
    start: int
    end: int
    text: str
    tokens: int


def encoding_for(model: str) -> str:
    """The encoding of an OpenAI model; the name of an encoding is returned unchanged.

    Raises:
        ConfigurationError: the model is unknown, or its encoding is not supported. A guess would give wrong counts.
    """
    name = model if model in SHA256 else encoding_of_model(model)
    if name in SHA256:
        return name
    problem = f"model {model!r} is unknown" if name is None else f"{model} counts in {name}, which is not supported"
    raise ConfigurationError(problem, cure=f"name an encoding: {', '.join(SHA256)}")


def count_tokens(text: str, counter: TokenEngine) -> int:
    """Number of tokens. A special token such as <|endoftext|> counts as plain text."""
    return counter.count(text)


def count_messages(messages: Sequence[Message], counter: TokenEngine) -> int:
    """Tokens of a conversation as it is sent to a chat model, including those around each message and the reply."""
    return TOKENS_PER_REPLY + sum(
        TOKENS_PER_MESSAGE + counter.count(message.role) + counter.count(message.content) for message in messages
    )


def truncate(text: str, max_tokens: int, counter: TokenEngine) -> str:
    """The beginning of a text, at most `max_tokens` tokens long, in whole characters.

    Raises:
        ConfigurationError: `max_tokens` is below 0.
    """
    if max_tokens < 0:
        raise ConfigurationError(f"max_tokens is {max_tokens}, but must be at least 0")
    return counter.truncate(text, max_tokens) if max_tokens else ""


def truncate_middle(text: str, max_tokens: int, counter: TokenEngine, marker: str = MARKER) -> str:
    """The beginning and the end of a text around `marker`, at most `max_tokens` tokens together.

    A text that fits is returned unchanged. If not even the marker fits, only the beginning is returned.

    Raises:
        ConfigurationError: `max_tokens` is below 0.
    """
    if max_tokens < 0 or counter.count(marker) > max_tokens:
        return truncate(text, max_tokens, counter)
    max_length = max_tokens * MAX_CHARACTERS_PER_TOKEN
    if len(text) <= max_length and counter.count(text) <= max_tokens:
        return text

    def shortened(kept: int) -> str:
        return text[: (kept + 1) // 2] + marker + text[len(text) - kept // 2 :]

    most = min(max_length, len(text))
    return shortened(_max_fitting(most, lambda kept: counter.count(shortened(kept)) <= max_tokens))


def chunk_text(text: str, size: int, overlap: int, counter: TokenEngine) -> list[TextPiece]:
    """Split a text into pieces of at most `size` tokens; each starts with at most `overlap` tokens of the one before.

    No character is lost, and a piece ends between words if a word ends near its end. A character that has more than
    `size` tokens is a piece of its own.

    Raises:
        ConfigurationError: `size` is below 1, or `overlap` is not between 0 and `size` - 1.
    """
    if size < 1 or not 0 <= overlap < size:
        problem = f"pieces of {size} tokens cannot repeat {overlap}"
        raise ConfigurationError(problem, cure="size at least 1, overlap 0 to size - 1")
    return [
        TextPiece(index, start, end, text[start:end], counter.count(text[start:end]))
        for index, (start, end) in enumerate(_ranges(text, size, overlap, counter))
    ]


def _ranges(text: str, size: int, overlap: int, counter: TokenEngine) -> Iterator[tuple[int, int]]:
    start = end = 0
    while end < len(text):
        ahead = text[start : start + size * MAX_CHARACTERS_PER_TOKEN]
        reach = start + len(counter.truncate(ahead, size))
        if reach < len(text):
            reach = start + _whole_words_length(text, start, reach)
        if reach <= end and start < end:  # the next character does not fit beside the overlap
            start = end
            continue
        end = max(reach, end + 1)
        yield start, end
        start = end - _overlap_length(text, start, end, overlap, counter)


def _overlap_length(text: str, start: int, end: int, overlap: int, counter: TokenEngine) -> int:
    """How many characters at the end of the piece the next piece repeats; never all of them."""
    return _max_fitting(end - start - 1, lambda kept: counter.count(text[end - kept : end]) <= overlap)


def _whole_words_length(text: str, start: int, reach: int) -> int:
    """Length of the piece up to the last end of a word; its whole length if no word ends near its end."""
    piece = text[start:reach]
    if text[reach].isspace() or not piece:
        return len(piece)
    blank = max(piece.rfind(" "), piece.rfind("\n"))
    return blank + 1 if blank >= _WHOLE_WORD_SHARE * len(piece) else len(piece)


def _max_fitting(limit: int, fits: Callable[[int], bool]) -> int:
    """The largest number from 0 to `limit` that fits, by bisection: too small where token counts do not grow."""
    low, high = 0, limit + 1
    while low < high - 1:
        middle = (low + high) // 2
        if fits(middle):
            low = middle
        else:
            high = middle
    return low
