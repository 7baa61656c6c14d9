"""Makes a conversation fit into a budget of tokens: what it returns is never over the budget, and never longer.

What is kept, in this order: system messages and skills; the task, which is the first message of the user; the last
turns; then the turns before them, important ones first, as far as they fit. A call and its results are one turn, so
they are kept or left out together. Long results of tools are cut in the middle, older ones more, and say where the
whole text is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal

from omni_pipelines.agent.session import text_name
from omni_pipelines.error_codes import CoreErrorCode
from omni_pipelines.errors import OmniError
from omni_pipelines.language_models.port import Message

MESSAGE_TOKENS = 4
"""Tokens of a message besides its text."""
Count = Callable[[str], int]


class Importance(IntEnum):
    """How long a turn is kept."""

    LOW = 0
    MEDIUM = 1
    """Thoughts."""
    HIGH = 2
    """Calls with their results; results and decisions."""
    CRITICAL = 3
    """System messages, skills and the task: always kept."""


@dataclass(frozen=True)
class PruningConfig:
    """The limits of a conversation."""

    max_tokens: int = 8_000
    retained_turns: int = 4
    """Last turns that are kept before any other one."""
    max_tool_output: int = 500
    """Tokens of the result of a tool before the last turns."""


@dataclass(frozen=True)
class PrunedTurn:
    """What became of a turn."""

    role: str
    beginning: str
    tokens: int
    """Before."""
    kept: int
    """Tokens that are left of it."""
    reason: Literal["kept", "cut", "left out"]


@dataclass(frozen=True)
class _Turn:
    messages: tuple[Message, ...]
    importance: Importance
    position: int
    tokens: int = field(compare=False)


class ContextPruner:
    """Prunes conversations.

    Args:
        config: the limits.
        count: the number of tokens of a text.
        keep: stores a text that is cut, and returns the name by which the tool `task.output` finds it.
    """

    def __init__(self, config: PruningConfig, count: Count, keep: Callable[[str], str] = text_name) -> None:
        self.config, self._count, self._keep = config, count, keep

    def count_tokens(self, message: Message) -> int:
        """The tokens of a message, with those of its calls."""
        calls = "".join(f"{call.tool} {dict(call.arguments)}" for call in message.calls)
        return self._count(message.content) + (self._count(calls) if calls else 0) + MESSAGE_TOKENS

    def count_messages(self, messages: Sequence[Message]) -> int:
        """The tokens of a conversation."""
        return sum(map(self.count_tokens, messages))

    def prune(self, messages: Sequence[Message]) -> list[Message]:
        """The conversation within the budget; unchanged if it fits.

        Raises:
            OmniError: the system messages and the task alone are over the budget.
        """
        return self.explain(messages)[0]

    def explain(self, messages: Sequence[Message]) -> tuple[list[Message], list[PrunedTurn]]:
        """The conversation within the budget, and what became of each turn.

        Raises:
            OmniError: as for `prune`.
        """
        turns = self._turns(messages)
        if self.count_messages(messages) <= self.config.max_tokens:
            return list(messages), [self._told(turn, turn, "kept") for turn in turns]
        kept = self._selected(turns)
        told = [self._became(turn, kept.get(turn.position)) for turn in turns]
        return [message for position in sorted(kept) for message in kept[position].messages], told

    def _selected(self, turns: Sequence[_Turn]) -> dict[int, _Turn]:
        """The turns that are kept, by their positions, as they are kept."""
        always = [turn for turn in turns if turn.importance is Importance.CRITICAL]
        left = self.config.max_tokens - sum(turn.tokens for turn in always)
        if left < 0:
            raise OmniError(
                f"the instructions and the task alone have more than {self.config.max_tokens:,} tokens",
                code=CoreErrorCode.AGENT_BUDGET_EXCEEDED,
                cure="make the task shorter, or use a model with a larger context",
            )
        kept = {turn.position: turn for turn in always}
        others = [turn for turn in turns if turn.importance is not Importance.CRITICAL]
        recent = others[-self.config.retained_turns :][::-1] if self.config.retained_turns else []
        older = [turn for turn in others if turn not in recent]
        older.sort(key=lambda turn: (-turn.importance, -turn.position))
        for turn in (*recent, *older):
            limit = left if turn in recent else min(left, self.config.max_tool_output)
            fitted = turn if turn.tokens <= (left if not _has_result(turn) else limit) else self._cut(turn, limit)
            if fitted is not None and fitted.tokens <= left:
                kept[turn.position] = fitted
                left -= fitted.tokens
        return kept

    def _cut(self, turn: _Turn, limit: int) -> _Turn | None:
        """A turn whose results of tools are cut so that it has at most so many tokens; None if that is impossible."""
        results = [message for message in turn.messages if message.role == "tool"]
        rest = self.count_messages([message for message in turn.messages if message.role != "tool"])
        share = (limit - rest) // len(results) - MESSAGE_TOKENS if results else 0
        if share < 1:
            return None
        messages = tuple(
            Message("tool", self.truncate_middle(message.content, share), call_id=message.call_id)
            if message.role == "tool"
            else message
            for message in turn.messages
        )
        cut = _Turn(messages, turn.importance, turn.position, self.count_messages(messages))
        return cut if cut.tokens <= limit else None

    def truncate_middle(self, text: str, max_tokens: int) -> str:
        """The beginning and the end of a text, with at most so many tokens; "" if even the note does not fit."""
        if self._count(text) <= max_tokens:
            return text
        name = text_name(text)
        low, high = 0, len(text)
        best = ""
        while low <= high:
            half = (low + high) // 2
            tried = _with_note(text, half, name)
            if len(tried) < len(text) and self._count(tried) <= max_tokens:
                best, low = tried, half + 1
            else:
                high = half - 1
        if best:
            self._keep(text)
        return best

    def _turns(self, messages: Sequence[Message]) -> list[_Turn]:
        """The messages in turns: a message with calls and the results that follow it are one."""
        groups: list[list[Message]] = []
        for message in messages:
            if message.role == "tool" and groups and _answers(groups[-1], message):
                groups[-1].append(message)
            else:
                groups.append([message])
        task = next((index for index, group in enumerate(groups) if group[0].role == "user"), -1)
        return [
            _Turn(tuple(group), _importance(group, is_task=index == task), index, self.count_messages(group))
            for index, group in enumerate(groups)
        ]

    def _became(self, turn: _Turn, kept: _Turn | None) -> PrunedTurn:
        if kept is None:
            return self._told(turn, None, "left out")
        return self._told(turn, kept, "kept" if kept.messages == turn.messages else "cut")

    @staticmethod
    def _told(turn: _Turn, kept: _Turn | None, reason: Literal["kept", "cut", "left out"]) -> PrunedTurn:
        beginning = " ".join(turn.messages[0].content.split())[:60]
        return PrunedTurn(turn.messages[0].role, beginning, turn.tokens, kept.tokens if kept else 0, reason)


def _answers(group: Sequence[Message], result: Message) -> bool:
    return any(call.id == result.call_id for call in group[0].calls)


def _has_result(turn: _Turn) -> bool:
    return any(message.role == "tool" for message in turn.messages)


def _importance(group: Sequence[Message], *, is_task: bool) -> Importance:
    first = group[0]
    if first.role == "system" or is_task:
        return Importance.CRITICAL
    if first.calls or first.role == "tool":
        return Importance.HIGH
    word = first.content.lstrip().lower()
    if word.startswith(("final", "result", "decision", "step ")):
        return Importance.HIGH
    return Importance.MEDIUM if first.role == "assistant" else Importance.LOW


def _with_note(text: str, half: int, name: str) -> str:
    hidden = len(text) - 2 * half
    end = text[len(text) - half :] if half else ""
    return f"{text[:half]}\n[{hidden} characters are left out; all of it: task.output {name}]\n{end}"
