"""Token counts with toktok: the same numbers as tiktoken, several times faster. Its vocabularies are compiled in."""

import sys
from importlib.util import find_spec
from pathlib import Path

from native.foreign_errors import engine_errors
from native.tiktoken_bpe import PIECE, TokenCounter, pieces


def installed() -> bool:
    """Whether toktok is installed; it is not imported."""
    return find_spec("toktok") is not None


class ToktokCounter(TokenCounter):
    """Counts with toktok; truncates as `TokenCounter` does.

    Raises:
        ImportError: toktok is not installed.
        ModelCorrupt: from `truncate` and `token_starts`, which use the vocabulary of tiktoken.
    """

    def __init__(self, encoding: str, vocabulary: Path) -> None:
        import toktok

        self.name, self._vocabulary = encoding, vocabulary  # without loading it, which takes longer than a small run
        # the only function that counts one text on this thread, without starting others or building a list of ids
        self._truncate = toktok.truncate
        self._errors = engine_errors("toktok cannot count tokens")  # a panic in Rust becomes an EngineError

    def count(self, text: str) -> int:
        """Number of tokens. Special tokens in the text count as plain text."""
        with self._errors:
            if len(text) <= PIECE:
                return self._count_piece(text)
            return sum(map(self._count_piece, pieces(text)))

    def _count_piece(self, text: str) -> int:
        try:
            return self._truncate(text, sys.maxsize, self.name)[1]
        except UnicodeEncodeError:  # a lone surrogate counts as the replacement character, as in tiktoken
            encodable = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
            return self._truncate(encodable, sys.maxsize, self.name)[1]
