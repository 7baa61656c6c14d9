"""The language model of one task: every call is fitted into the context, counted, recorded, and never made twice.

A reply is found by the whole request that led to it. So a task that is resumed asks nothing again, and a recorded
task is replayed without a model.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar

import orjson
from pydantic import BaseModel, ValidationError

from omni_pipelines.agent.context_manager import ContextManager
from omni_pipelines.agent.journal import TaskJournal
from omni_pipelines.agent.session import TaskSession
from omni_pipelines.agent.spending import Spending, TokenPrice
from omni_pipelines.agent.task_events import ContextPruned, ModelEnded, ModelStarted
from omni_pipelines.errors import LanguageModelFailed, RetryableError
from omni_pipelines.ids import text_hash
from omni_pipelines.language_models.port import Message, ModelTool, ToolCall, Turn, Usage
from omni_pipelines.providers import VariantsFailed

REPLY_TOKENS = 1_024
_Reply = TypeVar("_Reply", bound=BaseModel)


class AskModel(Protocol):
    """Asks whichever model is available."""

    def __call__(
        self, messages: Sequence[Message], schema: Mapping[str, object] | None, tools: Sequence[ModelTool]
    ) -> Turn:
        """The next turn.

        Raises:
            VariantsFailed: no model answered.
        """


class TaskModel:
    """Asks the model for one task.

    Args:
        ask: asks the model.
        session: keeps the replies.
        journal: publishes the calls.
        spending: counts the tokens.
        count: the number of tokens of a text, for what the model does not count itself.
        context: makes a conversation fit; without one, it is sent as it is.
        price: of the tokens.
    """

    def __init__(
        self,
        ask: AskModel,
        session: TaskSession,
        journal: TaskJournal,
        spending: Spending,
        count: Callable[[str], int],
        context: ContextManager | None = None,
        price: TokenPrice | None = None,
    ) -> None:
        self._ask, self._session, self._journal, self._spending = ask, session, journal, spending
        self._count, self._context, self._price = count, context, price or TokenPrice()
        self._replies = {entry["key"]: entry["reply"] for entry in session.read_lines(session.replies_file)}

    def say(
        self,
        purpose: str,
        messages: Sequence[Message],
        schema: Mapping[str, object] | None = None,
        tools: Sequence[ModelTool] = (),
    ) -> Turn:
        """The next turn of a conversation.

        Raises:
            OmniError: the budget has too little left.
            RetryableError: no model answers at the moment.
            LanguageModelFailed: no model can answer.
        """
        fitted = self._fitted(purpose, messages)
        given = sum(self._count(_counted(message.content, message.calls)) for message in fitted)
        request = orjson.dumps([list(map(_fields, fitted)), schema, [vars(tool) for tool in tools]]).decode()
        key = text_hash(request)
        with self._journal.span("model"):
            self._journal.publish(ModelStarted(purpose=purpose, tokens=given))
            if key not in self._replies:
                self._spending.require(given + REPLY_TOKENS)
                self._keep(key, self._asked(fitted, schema, tools))
            turn = _read(self._session.text(self._replies[key]))
            usage = turn.usage or Usage(given, self._count(_counted(turn.text, turn.calls)))
            self._spending.add(usage, self._price)
            ended = ModelEnded(
                purpose=purpose,
                input_tokens=usage.input_tokens,
                output_tokens=usage.output_tokens,
                tokens=self._spending.tokens,
                dollars=round(self._spending.dollars, 6),
            )
            self._journal.publish(ended)
        return turn

    def fill(self, purpose: str, messages: Sequence[Message], form: type[_Reply]) -> _Reply:
        """A reply in the form of a model of pydantic; the language model may correct it once.

        Raises:
            LanguageModelFailed: it is in another form the second time too.
        """
        schema = form.model_json_schema()
        turn = self.say(purpose, messages, schema)
        try:
            return _parsed(turn.text, form)
        except ValueError as error:
            wrong = f"That is not JSON of the requested form ({_reason(error)}). Reply with only the JSON object."
        again = [*messages, Message("assistant", turn.text), Message("user", wrong)]
        try:
            return _parsed(self.say(purpose, again, schema).text, form)
        except ValueError as error:
            message = f"the language model did not reply in the requested form: {_reason(error)}"
            raise LanguageModelFailed(message, cure="use a model that follows instructions better") from error

    def _fitted(self, purpose: str, messages: Sequence[Message]) -> Sequence[Message]:
        if self._context is None:
            return messages
        fitted, turns = self._context.fit(messages)
        if turns:
            self._journal.publish(ContextPruned(purpose=purpose, turns=tuple(vars(turn) for turn in turns)))
        return fitted

    def _asked(
        self, messages: Sequence[Message], schema: Mapping[str, object] | None, tools: Sequence[ModelTool]
    ) -> Turn:
        try:
            return self._ask(messages, schema, tools)
        except VariantsFailed as failed:
            if isinstance(failed.last, RetryableError):
                raise failed.last from failed
            message = "; ".join(f"{attempt.variant}: {attempt.reason}" for attempt in failed.attempts)
            raise LanguageModelFailed(
                f"no language model answered ({message})", cure="see: omni providers"
            ) from failed

    def _keep(self, key: str, turn: Turn) -> None:
        fields = {
            "text": turn.text,
            "calls": [vars(call) for call in turn.calls],
            "usage": vars(turn.usage) if turn.usage else None,
        }
        reply = self._session.keep(orjson.dumps(fields).decode())
        self._session.append_line(self._session.replies_file, {"key": key, "reply": reply})
        self._replies[key] = reply


def _fields(message: Message) -> dict[str, object]:
    return {**vars(message), "calls": [vars(call) for call in message.calls]}


def _counted(text: str, calls: Sequence[ToolCall]) -> str:
    """What is counted of a message or a turn."""
    return text + "".join(orjson.dumps(vars(call)).decode() for call in calls)


def _read(text: str) -> Turn:
    fields = orjson.loads(text)
    usage = Usage(**fields["usage"]) if fields["usage"] else None
    return Turn(fields["text"], tuple(ToolCall(**call) for call in fields["calls"]), usage)


def _parsed(text: str, form: type[_Reply]) -> _Reply:
    """The JSON object in a reply: some models add a fence, or a word before it.

    Raises:
        ValueError: there is none, or it has another form.
    """
    start, end = text.find("{"), text.rfind("}")
    return form.model_validate_json(text[start : end + 1] if 0 <= start < end else "")


def _reason(error: ValueError) -> str:
    return str(error.errors()[0]["msg"]) if isinstance(error, ValidationError) else str(error)
