"""The port to language models: what a model does, and how one is asked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from pydantic import JsonValue

from omni_pipelines.providers import VariantResult
from omni_pipelines.variant_registry import VariantRegistry

COMPLETE = "complete"
MAX_TOKENS = 1024

OnText = Callable[[str], object]
"""Called with all of a turn that has arrived so far, each time that more of it arrives."""


@dataclass(frozen=True)
class ToolCall:
    """A tool that a model wants to be called."""

    id: str
    """By which the result names the call."""
    tool: str
    arguments: Mapping[str, JsonValue]


@dataclass(frozen=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    calls: tuple[ToolCall, ...] = ()
    """The tools that the assistant called."""
    call_id: str = ""
    """The call whose result a message of a tool is."""


@dataclass(frozen=True)
class ModelTool:
    """A tool that a model may call."""

    name: str
    description: str
    parameters: Mapping[str, object]
    """The arguments as a JSON Schema."""


@dataclass(frozen=True)
class Usage:
    """The tokens of a request and its reply, as the model counts them."""

    input_tokens: int
    output_tokens: int


@dataclass(frozen=True)
class Turn:
    """What a model says, and the tools that it calls."""

    text: str
    calls: tuple[ToolCall, ...] = ()
    usage: Usage | None = field(default=None, compare=False)
    """None if the model does not count."""


class LanguageModel(Protocol):
    """Continues a conversation."""

    def complete(
        self,
        messages: Sequence[Message],
        schema: Mapping[str, object] | None = None,
        max_tokens: int = MAX_TOKENS,
        on_text: OnText | None = None,
        tools: Sequence[ModelTool] = (),
    ) -> Turn:
        """The model's next turn: JSON that should fit `schema`, if one is given. The caller must check it.

        With `tools`, it may call one of them instead; the caller must check the call as well. `on_text` hears the
        text while it is written, once at the end if the model cannot do better.
        """


def complete(
    models: VariantRegistry,
    messages: Sequence[Message],
    schema: Mapping[str, object] | None = None,
    max_tokens: int = MAX_TOKENS,
    on_text: OnText | None = None,
    tools: Sequence[ModelTool] = (),
) -> VariantResult[Turn]:
    """Ask the best available model, and the next one, from the beginning, if it fails.

    Raises:
        VariantsFailed: none answered.
    """

    def ask(model: LanguageModel) -> Turn:
        return model.complete(messages, schema, max_tokens, on_text, tools)

    return models.call(COMPLETE, ask)
