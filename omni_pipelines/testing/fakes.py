"""Stand-ins that behave: an embedder and a counter without a model, a scripted language model, a clock."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

_WORD = re.compile(r"\w+")
_PLACES = 4
"""Dimensions a word adds to: with one alone, two words that meet in it could cancel each other out."""


class FakeEmbedder:
    """Embeds a text as its bag of words, hashed: texts that share words are close. The same on every machine."""

    def __init__(self, dimensions: int = 384) -> None:
        self.dimensions = dimensions
        self.fingerprint = f"fake-bag-of-words-{dimensions}"
        self.embedded: list[str] = []
        """Every text that was ever given, in order."""

    def embed(self, texts: Sequence[str], on_batch: Callable[[int], None] | None = None) -> np.ndarray:
        """Unit vectors (n, d), float32, in the order of `texts`. `on_batch` hears how many are done."""
        self.embedded.extend(texts)
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for row, text in zip(vectors, texts, strict=True):
            self._embed(row, text)
        if on_batch is not None:
            on_batch(len(texts))
        return vectors

    def _embed(self, row: np.ndarray, text: str) -> None:
        for word in _WORD.findall(text.lower()):
            digest = hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=_PLACES * 4).digest()
            for number in np.frombuffer(digest, dtype="<u4").tolist():
                row[(number >> 1) % self.dimensions] += 1.0 if number & 1 else -1.0
        length = float(np.linalg.norm(row))
        if length == 0.0:  # no word in it
            row[0] = length = 1.0
        row /= length


class WordCounter:
    """Counts words where a token counter is expected: what a blank separates is one token."""

    name = "words"

    def __call__(self, text: str) -> int:
        """Number of words in `text`."""
        return len(text.split())

    def count(self, text: str) -> int:
        """Number of words in `text`."""
        return self(text)


Reply = str | Mapping[str, Any] | Sequence[Any] | Exception | Callable[[Sequence[Any]], str]
"""A text; something that is given as JSON; an error to raise; or a function of the messages."""


@dataclass(frozen=True)
class ModelCall:
    """What the model was asked."""

    messages: tuple[Any, ...]
    schema: Mapping[str, Any] | None
    max_tokens: int

    @property
    def text(self) -> str:
        """The contents of all messages, one after the other."""
        return "\n".join(str(_content(message)) for message in self.messages)


def _content(message: Any) -> Any:
    return message.get("content", "") if isinstance(message, Mapping) else getattr(message, "content", message)


class ScriptExhausted(AssertionError):
    """The model was asked more often than its script has replies."""


class ScriptedModel:
    """A language model that gives the replies of a script, one a call, and remembers what it was asked."""

    name = "scripted"

    def __init__(self, replies: Iterable[Reply] = ()) -> None:
        self._replies = list(replies)
        self.calls: list[ModelCall] = []
        self.unexpected = 0
        """Calls that found no reply. Code under test may swallow their error, so `check` looks here."""

    def will_say(self, *replies: Reply) -> ScriptedModel:
        """Put more replies at the end of the script."""
        self._replies.extend(replies)
        return self

    def complete(
        self, messages: Sequence[Any], schema: Mapping[str, Any] | None = None, max_tokens: int = 1024
    ) -> str:
        """The next reply.

        Raises:
            ScriptExhausted: there is none left.
            Exception: the reply is an error.
        """
        call = ModelCall(tuple(messages), schema, max_tokens)
        self.calls.append(call)
        if not self._replies:
            self.unexpected += 1
            raise ScriptExhausted(
                f"the scripted model has no reply for call {len(self.calls)}: {call.text[-200:]!r}; "
                "give it one with will_say(…)"
            )
        reply = self._replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, str):
            return reply
        return reply(messages) if callable(reply) else json.dumps(reply)

    def check(self) -> None:
        """Fail if the script did not fit what happened.

        Raises:
            AssertionError: a call found no reply, or replies are left.
        """
        if self.unexpected:
            raise ScriptExhausted(f"{self.unexpected} of {len(self.calls)} calls found no reply in the script")
        if self._replies:
            raise AssertionError(f"{len(self._replies)} replies were never asked for, first {self._replies[0]!r}")


class FakeClock:
    """A clock that moves when it is told to. Give it, or its methods, where functions of `time` are expected."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._start = start
        self._passed = 0.0
        self.sleeps: list[float] = []
        """Every pause that was asked for, in seconds."""

    def __call__(self) -> float:
        """Seconds since it was made, as time.monotonic() counts them."""
        return self._passed

    monotonic = perf_counter = process_time = __call__

    def now(self) -> datetime:
        """The date and time it shows, in UTC."""
        return self._start + timedelta(seconds=self._passed)

    def time(self) -> float:
        """Seconds since 1970."""
        return self.now().timestamp()

    def advance(self, seconds: float) -> None:
        """Let time pass.

        Raises:
            ValueError: `seconds` is negative.
        """
        if seconds < 0:
            raise ValueError(f"a clock does not go back {-seconds:g} s")
        self._passed += seconds

    def sleep(self, seconds: float) -> None:
        """Let time pass and come back at once."""
        self.sleeps.append(seconds)
        self.advance(seconds)
