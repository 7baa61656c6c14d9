"""Conversations within a budget of tokens."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omni_pipelines.agent.context_manager import ContextManager
from omni_pipelines.agent.context_pruner import ContextPruner, PruningConfig
from omni_pipelines.agent.session import text_name
from omni_pipelines.errors import OmniError
from omni_pipelines.language_models.port import Message, ToolCall
from tests.cases import cases

MANY = cases(30)
SYSTEM, TASK = Message("system", "Rules."), Message("user", "The task.")


def words(text: str) -> int:
    return len(text.split())


def paired(number: int, result: str) -> list[Message]:
    call = ToolCall(str(number), "files.read", {"path": "a"})
    return [Message("assistant", "", (call,)), Message("tool", result, call_id=str(number))]


texts = st.text("ab ñ\n", max_size=400)
turns = st.one_of(
    st.builds(lambda role, text: [Message(role, text)], st.sampled_from(["user", "assistant", "system"]), texts),
    st.builds(paired, st.integers(0, 99), texts),
    st.builds(lambda text: [Message("tool", text, call_id="lost")], texts),
)
conversations = st.lists(turns, max_size=12).map(lambda found: [message for turn in found for message in turn])


def answered(messages: Sequence[Message]) -> bool:
    """Whether every call has its result right behind it."""
    return all(
        {call.id for call in message.calls} <= {messages[index + 1].call_id} if index + 1 < len(messages) else False
        for index, message in enumerate(messages)
        if message.calls
    )


@settings(max_examples=MANY)
@given(conversations, st.integers(20, 400), st.integers(0, 5), st.integers(1, 60))
def test_pruned_conversation_is_within_its_budget_and_never_longer(
    messages: list[Message], max_tokens: int, retained: int, max_output: int
) -> None:
    pruner = ContextPruner(PruningConfig(max_tokens, retained, max_output), words)
    before = pruner.count_messages(messages)
    try:
        pruned = pruner.prune(messages)
    except OmniError:
        return
    assert pruner.count_messages(pruned) <= min(max_tokens, before)
    assert [each for each in pruned if each.role == "system"] == [each for each in messages if each.role == "system"]
    assert answered(pruned)
    if before <= max_tokens:
        assert pruned == messages


@settings(max_examples=MANY)
@given(conversations, st.integers(60, 400))
def test_conversation_with_a_summary_is_within_its_budget(messages: list[Message], max_tokens: int) -> None:
    manager = ContextManager(max_tokens, words, text_name)
    try:
        fitted, _ = manager.fit(messages)
    except OmniError:
        return
    assert ContextPruner(PruningConfig(), words).count_messages(fitted) <= max_tokens


@settings(max_examples=MANY)
@given(st.text(max_size=2_000), st.integers(0, 200))
def test_text_that_is_cut_in_the_middle_is_shorter_and_within_its_budget(text: str, max_tokens: int) -> None:
    cut = ContextPruner(PruningConfig(), len).truncate_middle(text, max_tokens)
    assert len(cut) <= max(max_tokens, 0)
    assert len(cut) <= len(text)


def test_system_the_task_and_the_last_turns_are_kept_before_older_ones() -> None:
    old = [Message("user", f"old {'x ' * 50}{number}") for number in range(20)]
    last = [Message("user", f"new {number}") for number in range(4)]
    pruner = ContextPruner(PruningConfig(120), words)
    pruned = pruner.prune([SYSTEM, TASK, *old, *last])
    assert pruned[:2] == [SYSTEM, TASK]
    assert pruned[-4:] == last


def test_calls_are_kept_before_chatter() -> None:
    chatter = [Message("user", "x " * 40) for _ in range(3)]
    pruner = ContextPruner(PruningConfig(100, retained_turns=1), words)
    pruned = pruner.prune([SYSTEM, TASK, *paired(1, "y " * 20), *chatter])
    assert any(message.calls for message in pruned)


def test_long_result_is_cut_and_says_where_the_whole_text_is() -> None:
    kept: dict[str, str] = {}

    def keep(text: str) -> str:
        kept[text_name(text)] = text
        return text_name(text)

    long = "z " * 5_000
    pruner = ContextPruner(PruningConfig(200), words, keep)
    pruned, told = pruner.explain([SYSTEM, TASK, *paired(1, long)])
    assert "task.output" in pruned[-1].content
    [name] = kept
    assert name in pruned[-1].content
    assert kept[name] == long
    assert [turn.reason for turn in told] == ["kept", "kept", "cut"]
    assert told[-1].kept < told[-1].tokens


def test_instructions_that_are_too_long_are_an_error() -> None:
    with pytest.raises(OmniError, match="instructions and the task alone"):
        ContextPruner(PruningConfig(10), words).prune([Message("system", "x " * 20), TASK])


def test_left_out_turns_are_summarised_behind_the_task() -> None:
    old = [Message("assistant", f"decision {number} {'longword' * 12} {'x ' * 60}") for number in range(9)]
    fitted, turns = ContextManager(400, words, text_name).fit([SYSTEM, TASK, *old])
    assert fitted[2].content.startswith("Left out here")
    assert "decision 0" in fitted[2].content
    assert {turn.reason for turn in turns} == {"kept", "left out"}
