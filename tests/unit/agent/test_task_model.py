"""The language model of a task: replies are counted, recorded, and limited."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic import BaseModel

from omni_pipelines.agent.journal import TaskJournal
from omni_pipelines.agent.spending import Spending, TokenPrice, price_of
from omni_pipelines.agent.task_model import REPLY_TOKENS, TaskModel
from omni_pipelines.errors import LanguageModelFailed, NetworkUnreachable, OmniError
from omni_pipelines.language_models.port import Message, ModelTool, Usage
from omni_pipelines.providers import Attempt, VariantsFailed
from omni_pipelines.testing.fakes import ScriptedModel
from omni_pipelines.tools.catalog import ToolCatalog
from tests.agent_task import NewTask, Task

HELLO = [Message("user", "hello you")]
Make = Callable[..., TaskModel]


class Opinion(BaseModel):
    """A form."""

    fulfilled: bool


@pytest.fixture
def task(new_task: NewTask) -> Task:
    return new_task(ToolCatalog(), "a task")


@pytest.fixture
def make(task: Task) -> Make:
    def make(model: ScriptedModel, spending: Spending | None = None, price: TokenPrice | None = None) -> TaskModel:
        return TaskModel(
            lambda messages, schema, tools: model.complete(messages, schema, tools=tools),
            task.session,
            TaskJournal(task.session, listener=task.heard.append),
            spending or Spending(50_000),
            lambda text: len(text.split()),
            price=price,
        )

    return make


def test_reply_is_counted_and_has_a_price(make: Make, task: Task) -> None:
    spending = Spending(50_000)
    model = make(ScriptedModel(["hi to you"]), spending, TokenPrice(given=1_000_000, written=2_000_000))
    assert model.say("act", HELLO).text == "hi to you"
    assert (spending.tokens, spending.dollars) == (5, 8.0)
    ended = task.heard[-1].payload
    assert (ended["input_tokens"], ended["output_tokens"], ended["dollars"]) == (2, 3, 8.0)


def test_recorded_reply_is_given_again_without_a_model(make: Make) -> None:
    tools = [ModelTool("a.b", "", {})]
    said = make(ScriptedModel([{"tool": "a.b", "arguments": {"c": 1}}])).say("act", HELLO, tools=tools)
    silent = ScriptedModel()
    assert make(silent).say("act", HELLO, tools=tools) == said
    assert silent.calls == []
    with pytest.raises(AssertionError):
        make(silent).say("act", [*HELLO, *HELLO], tools=tools)


def test_call_that_the_budget_does_not_allow_is_not_made(make: Make) -> None:
    model = ScriptedModel(["hi"])
    with pytest.raises(OmniError, match="needs 1,026 tokens, and 1,025 of 1,030 are left") as caught:
        make(model, Spending(REPLY_TOKENS + 6, tokens=5)).say("act", HELLO)
    assert caught.value.code == "7002"
    assert model.calls == []


def test_form_may_be_corrected_once(make: Make) -> None:
    model = ScriptedModel(["yes", {"fulfilled": True}])
    assert make(model).fill("validate", HELLO, Opinion).fulfilled
    assert "not JSON of the requested form" in model.calls[1].text
    with pytest.raises(LanguageModelFailed):
        make(ScriptedModel(["no", "still no"])).fill("plan", [Message("user", "other")], Opinion)


@pytest.mark.parametrize(
    ("last", "expected"),
    [(NetworkUnreachable("nobody there"), NetworkUnreachable), (ValueError("broken"), LanguageModelFailed)],
)
def test_model_that_may_answer_later_leaves_the_task_to_be_resumed(
    make: Make, last: Exception, expected: type[OmniError]
) -> None:
    failed = VariantsFailed("complete", (Attempt("openai", "6001", 0.1, "nobody there"),), last)
    with pytest.raises(expected):
        make(ScriptedModel([failed])).say("act", HELLO)


def test_price_is_that_of_the_longest_name_and_own_prices_count_more() -> None:
    assert price_of("gpt-4o-mini-2024", {}) == TokenPrice(0.15, 0.6)
    assert price_of("gpt-4o-2024", {"gpt-4o": (1.0, 2.0)}) == TokenPrice(1.0, 2.0)
    assert price_of("my-own", {}).cost(Usage(10, 10)) == 0
