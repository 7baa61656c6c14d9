"""What a task has used of its budget: tokens of the language model, and what they cost."""

from collections.abc import Mapping
from dataclasses import dataclass

from omni_pipelines.error_codes import CoreErrorCode
from omni_pipelines.errors import OmniError
from omni_pipelines.language_models.port import Usage

MILLION = 1_000_000


@dataclass(frozen=True)
class TokenPrice:
    """US dollars for a million tokens."""

    given: float = 0.0
    written: float = 0.0

    def cost(self, usage: Usage) -> float:
        """What a call costs in US dollars."""
        return (usage.input_tokens * self.given + usage.output_tokens * self.written) / MILLION


PRICES: Mapping[str, TokenPrice] = {
    "gpt-4o": TokenPrice(2.5, 10.0),
    "gpt-4o-mini": TokenPrice(0.15, 0.6),
    "gpt-4.1": TokenPrice(2.0, 8.0),
    "gpt-4.1-mini": TokenPrice(0.4, 1.6),
}
"""Beginning of the name of a model → its published price in 2025; the setting `llm_prices` adds and replaces."""


@dataclass
class Spending:
    """The budget of a task, and what is used of it."""

    max_tokens: int
    tokens: int = 0
    dollars: float = 0.0

    def require(self, tokens: int) -> None:
        """Check that a call fits into what is left, before it is made.

        Raises:
            OmniError: it does not.
        """
        left = self.max_tokens - self.tokens
        if tokens > left:
            raise OmniError(
                f"the next call of the language model needs {tokens:,} tokens, and {max(left, 0):,} of "
                f"{self.max_tokens:,} are left",
                code=CoreErrorCode.AGENT_BUDGET_EXCEEDED,
                cure="allow more with --budget TOKENS, or make the task smaller",
            )

    def add(self, usage: Usage, price: TokenPrice) -> None:
        """Count a call."""
        self.tokens += usage.input_tokens + usage.output_tokens
        self.dollars += price.cost(usage)


def price_of(model: str, own: Mapping[str, tuple[float, float]]) -> TokenPrice:
    """The price of a model: that of the longest name in the table with which its name begins, else nothing.

    `own` are prices of the user, which count more than those of the table.
    """
    prices = {**PRICES, **{name: TokenPrice(*price) for name, price in own.items()}}
    names = [name for name in prices if model.startswith(name)]
    return prices[max(names, key=len)] if names else TokenPrice()
