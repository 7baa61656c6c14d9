"""The port to language models: what a model does, and how one is asked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from omni_pipelines.providers import VariantResult
from omni_pipelines.variant_registry import VariantRegistry

COMPLETE = "complete"
MAX_TOKENS = 1024

OnText = Callable[[str], object]
"""Called with all of a turn that has arrived so far, each time that more of it arrives."""


@dataclass(frozen=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


class LanguageModel(Protocol):
    """Continues a conversation."""

    def complete(
        self,
        messages: Sequence[Message],
        schema: Mapping[str, object] | None = None,
        max_tokens: int = MAX_TOKENS,
        on_text: OnText | None = None,
    ) -> str:
        """The model's next turn: JSON that should fit `schema`, if one is given. The caller must check it.

        `on_text` hears the turn while it is written, once at the end if the model cannot do better.
        """


def complete(
    models: VariantRegistry,
    messages: Sequence[Message],
    schema: Mapping[str, object] | None = None,
    max_tokens: int = MAX_TOKENS,
    on_text: OnText | None = None,
) -> VariantResult[str]:
    """Ask the best available model, and the next one, from the beginning, if it fails.

    Raises:
        VariantsFailed: none answered.
    """

    def ask(model: LanguageModel) -> str:
        return model.complete(messages, schema, max_tokens, on_text)

    return models.call(COMPLETE, ask)
