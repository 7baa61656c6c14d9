"""The turn of a chat model in the body of a reply: one JSON document, or events, sent while the server writes."""

from dataclasses import dataclass
from typing import TypedDict

import orjson

from omni_pipelines.language_models.port import OnText, Usage

_DATA = b"data:"
_END = b"[DONE]"


class _Message(TypedDict, total=False):
    content: str | None


class _Choice(TypedDict, total=False):
    message: _Message
    delta: _Message
    finish_reason: str | None


class StreamedTurn:
    """Puts a turn together from the parts of a reply, and calls `on_text` each time that it grows."""

    def __init__(self, on_text: OnText | None = None) -> None:
        self._on_text = on_text
        self._rest = b""
        self.text = ""
        self.finish_reason: str | None = None
        self.has_choice = False

    def receive(self, part: bytes) -> None:
        """Read the next bytes of the reply.

        Lines that are no events are left out: a server that does not stream sends one document, which `read_turn`
        reads at the end.
        """
        *lines, self._rest = (self._rest + part).split(b"\n")
        before = self.text
        for line in lines:
            if line.startswith(_DATA) and (data := line[len(_DATA) :].strip()) != _END:
                self._add(data)
        if self._on_text is not None and self.text != before:
            self._on_text(self.text)

    def _add(self, data: bytes) -> None:
        choice = _first_choice(data)
        if choice is not None:
            self.has_choice = True
            self.text += (choice.get("delta") or {}).get("content") or ""
            self.finish_reason = choice.get("finish_reason") or self.finish_reason


@dataclass(frozen=True)
class ReadTurn:
    """A turn as a server sent it."""

    content: object
    finish_reason: str | None
    calls: object = None
    """The calls of tools, unchecked."""
    usage: Usage | None = None


def read_turn(body: bytes) -> ReadTurn:
    """The turn in the whole body of a reply.

    Raises:
        ValueError, KeyError, IndexError, TypeError, AttributeError: the body is not the reply of a chat model.
    """
    if body.lstrip().startswith(b"{"):
        document = orjson.loads(body)
        choice = document["choices"][0]
        message = choice["message"]
        usage = _usage(document.get("usage"))
        return ReadTurn(message.get("content"), choice.get("finish_reason"), message.get("tool_calls"), usage)
    turn = StreamedTurn()
    turn.receive(body + b"\n")
    if not turn.has_choice or turn.finish_reason is None:
        raise ValueError("the stream broke off")
    return ReadTurn(turn.text, turn.finish_reason)


def _usage(fields: object) -> Usage | None:
    """The counts of a server; None if it does not count, or not in numbers."""
    if not isinstance(fields, dict):
        return None
    counts = [fields.get("prompt_tokens"), fields.get("completion_tokens")]
    given, written = (count if isinstance(count, int) and count >= 0 else None for count in counts)
    return None if given is None or written is None else Usage(given, written)


def _first_choice(data: bytes) -> _Choice | None:
    """The first choice of an event; None in an event without one, which a server may send at the end."""
    choices: list[_Choice] = orjson.loads(data)["choices"]
    return choices[0] if choices else None
