"""Gives every call of the language model a conversation that fits, with a summary of what had to be left out."""

from collections.abc import Callable, Sequence

from omni_pipelines.agent.context_pruner import ContextPruner, Count, PrunedTurn, PruningConfig
from omni_pipelines.language_models.port import Message

SUMMARY_SHARE = 0.1
"""Share of the budget for the summary."""


class ContextManager:
    """Fits the conversations of one task.

    Args:
        max_tokens: of a conversation; the reply comes on top.
        count: the number of tokens of a text.
        keep: stores a text that is cut.
    """

    def __init__(self, max_tokens: int, count: Count, keep: Callable[[str], str]) -> None:
        summary = int(max_tokens * SUMMARY_SHARE)
        self._whole = ContextPruner(PruningConfig(max_tokens), count, keep)
        self._rest = ContextPruner(PruningConfig(max_tokens - summary), count, keep)
        self._summary_tokens = summary

    def fit(self, messages: Sequence[Message]) -> tuple[list[Message], list[PrunedTurn]]:
        """The conversation within the budget, and what became of each turn; no turns if it fits as it is.

        Raises:
            OmniError: the instructions and the task alone are over the budget.
        """
        if self._whole.count_messages(messages) <= self._whole.config.max_tokens:
            return list(messages), []
        fitted, turns = self._rest.explain(messages)
        return self._with_summary(fitted, turns), turns

    def _with_summary(self, messages: list[Message], turns: Sequence[PrunedTurn]) -> list[Message]:
        """The conversation with the beginnings of the turns that were left out, behind the task."""
        lines = [f"- {turn.role}: {turn.beginning}" for turn in turns if turn.reason == "left out" and turn.beginning]
        while lines:
            summary = Message("user", "\n".join(["Left out here, shortened:", *lines]))
            if self._rest.count_tokens(summary) <= self._summary_tokens:
                place = next((index for index, each in enumerate(messages) if each.role == "user"), -1) + 1
                return [*messages[:place], summary, *messages[place:]]
            lines = lines[1:]
        return messages
