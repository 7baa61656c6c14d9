"""Fakes: an embedder and a token counter that need no model, a scripted language model, and a clock."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import numpy as np

from omni_pipelines.language_models.port import ModelTool, Turn, Usage
from omni_pipelines.language_models.tool_steps import read_step

_WORD = re.compile(r"\w+")
_DIMENSIONS_PER_WORD = 4
"""With only one, two words with the same dimension could cancel each other out."""


class FakeEmbedder:
    """Embeds a text as a hashed bag of words, so texts that share words are close. The same on every machine."""

    def __init__(self, dimensions: int = 384) -> None:
        self.dimensions = dimensions
        self.fingerprint = f"fake-bag-of-words-{dimensions}"
        self.embedded: list[str] = []
        """Every text that was embedded, in order."""

    def embed(
        self,
        texts: Sequence[str],
        on_batch: Callable[[int], None] | None = None,
        *,
        kind: Literal["document", "query"] = "document",  # words have no kind
    ) -> np.ndarray:
        """Unit vectors of shape (n, d), float32, in the order of `texts`. Calls `on_batch` with their number."""
        self.embedded.extend(texts)
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for row, text in zip(vectors, texts, strict=True):
            self._embed(row, text)
        if on_batch is not None:
            on_batch(len(texts))
        return vectors

    def _embed(self, row: np.ndarray, text: str) -> None:
        for word in _WORD.findall(text.lower()):
            raw = word.encode("utf-8", "surrogatepass")
            digest = hashlib.blake2b(raw, digest_size=_DIMENSIONS_PER_WORD * 4).digest()
            for number in np.frombuffer(digest, dtype="<u4").tolist():
                row[(number >> 1) % self.dimensions] += 1.0 if number & 1 else -1.0
        length = float(np.linalg.norm(row))
        if length == 0.0:  # no words
            row[0] = length = 1.0
        row /= length


class WordCounter:
    """A token counter that counts words, separated by white space."""

    name = "words"

    def count(self, text: str) -> int:
        """Number of words in `text`."""
        return len(text.split())

    __call__ = count


ScriptedReply = str | Mapping[str, object] | Sequence[object] | Exception | Callable[[Sequence[Any]], str]
"""A text, a value that is returned as JSON, an error to raise, or a function of the messages."""


@dataclass(frozen=True)
class ModelCall:
    """One call of the scripted model."""

    messages: tuple[Any, ...]
    schema: Mapping[str, object] | None
    max_tokens: int
    tools: tuple[ModelTool, ...] = ()

    @property
    def text(self) -> str:
        """The contents of all messages, one per line."""
        return "\n".join(str(_content(message)) for message in self.messages)


def _content(message: object) -> object:
    return message.get("content", "") if isinstance(message, Mapping) else getattr(message, "content", message)


class ScriptExhausted(AssertionError):
    """The model was called more often than its script has replies."""


class ScriptedModel:
    """A language model that gives the replies of a script, one per call, and records the calls."""

    name = "scripted"

    def __init__(self, replies: Iterable[ScriptedReply] = ()) -> None:
        self._replies = list(replies)
        self.calls: list[ModelCall] = []
        self.unexpected = 0
        """Calls without a reply. `check` reports them, because the tested code may swallow their errors."""

    def will_say(self, *replies: ScriptedReply) -> ScriptedModel:
        """Add replies to the end of the script."""
        self._replies.extend(replies)
        return self

    def complete(
        self,
        messages: Sequence[Any],
        schema: Mapping[str, object] | None = None,
        max_tokens: int = 1024,
        on_text: Callable[[str], object] | None = None,
        tools: Sequence[ModelTool] = (),
    ) -> Turn:
        """The next reply, which `on_text` hears as a whole; one that is an error is raised.

        With `tools`, a reply `{"tool": NAME, "arguments": {…}}` is a call, and `{"answer": TEXT}` the text.

        Raises:
            ScriptExhausted: no reply is left.
        """
        call = ModelCall(tuple(messages), schema, max_tokens, tuple(tools))
        self.calls.append(call)
        if not self._replies:
            self.unexpected += 1
            problem = f"no reply for call {len(self.calls)}: {call.text[-200:]!r}"
            raise ScriptExhausted(f"the scripted model has {problem}; add one with will_say(…)")
        reply = self._replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        text = reply(messages) if callable(reply) else reply if isinstance(reply, str) else json.dumps(reply)
        if on_text is not None:
            on_text(text)
        usage = Usage(len(call.text.split()), len(text.split()))
        return read_step(Turn(text, usage=usage)) if tools else Turn(text, usage=usage)

    def check(self) -> None:
        """Raise AssertionError if a call had no reply, or if replies are left."""
        if self.unexpected:
            raise ScriptExhausted(f"the script had no reply for {self.unexpected} of {len(self.calls)} calls")
        if self._replies:
            raise AssertionError(f"{len(self._replies)} replies were not used, first {self._replies[0]!r}")


class FakeClock:
    """A clock that the test moves. It, or its methods, replace the functions of `time`."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._start, self._passed = start, 0.0
        self.sleeps: list[float] = []
        """The requested pauses, in seconds."""

    def __call__(self) -> float:
        """Seconds since the clock was created, like time.monotonic()."""
        return self._passed

    monotonic = perf_counter = process_time = __call__

    def now(self) -> datetime:
        """The current date and time of the clock, in UTC."""
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
            raise ValueError(f"a clock cannot go back {-seconds:g} s")
        self._passed += seconds

    def sleep(self, seconds: float) -> None:
        """Let time pass, without waiting."""
        self.sleeps.append(seconds)
        self.advance(seconds)
