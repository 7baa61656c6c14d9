"""The providers of a command: its variants, their health, and the result of a call.

A command is a name such as "count_tokens"; a provider is one of its variants. `variant_registry` chooses among them.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from omni_pipelines.errors import OmniError

PREFERRED, BACKUP, FALLBACK = 0, 11, 51
"""The lowest numbers of the priorities: 0-10 preferred, 11-50 backup, 51-100 fallback."""
UNAVAILABLE_CODE = "9003"
"""Code of a variant that was not called, and of a call without a variant that works."""

Engine = TypeVar("Engine")
Value = TypeVar("Value")


class VariantStatus(StrEnum):
    """Whether a variant can be used."""

    AVAILABLE = "available"
    DEGRADED = "degraded"
    """It works, but an available variant is preferred."""
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True)
class VariantHealth:
    """A status and its reason."""

    status: VariantStatus = VariantStatus.AVAILABLE
    reason: str = ""


class VariantProvider:
    """One implementation of a command."""

    name: str
    """Unique within the command."""
    priority: int = BACKUP
    capabilities: frozenset[str] = frozenset()

    def status(self) -> VariantStatus:
        """Return the present status; it is read before every call and must be cheap."""
        return VariantStatus.AVAILABLE

    def health_check(self) -> VariantHealth:
        """Return the result of a trial; it is reused for a while. An exception means unavailable."""
        return VariantHealth()


class EngineVariant(VariantProvider, Generic[Engine]):
    """A provider for an engine that does not know providers; `check` raises if the engine does not work."""

    def __init__(
        self,
        name: str,
        engine: Engine,
        *,
        priority: int = BACKUP,
        capabilities: Collection[str] = (),
        check: Callable[[Engine], None] | None = None,
    ) -> None:
        self.name, self.engine, self._check = name, engine, check
        self.priority, self.capabilities = priority, frozenset(capabilities)

    def health_check(self) -> VariantHealth:
        """Run `check`."""
        if self._check is not None:
            self._check(self.engine)
        return VariantHealth()


@dataclass(frozen=True)
class Attempt:
    """The result of one variant in a call."""

    variant: str
    error_code: str
    """"" for the variant that returned the value."""
    seconds: float
    reason: str = ""


@dataclass(frozen=True)
class VariantResult(Generic[Value]):
    """A value, the variant that returned it, and the attempts up to it."""

    value: Value
    variant: str
    attempts: tuple[Attempt, ...]


class VariantsFailed(OmniError, code=UNAVAILABLE_CODE):
    """No variant of a command succeeded; `last` is the error of the last attempt, or None without an attempt."""

    def __init__(
        self, command: str, attempts: tuple[Attempt, ...], last: Exception | None, *, cure: str = ""
    ) -> None:
        reasons = "; ".join(f"{attempt.variant}: {attempt.reason}" for attempt in attempts)
        super().__init__(f"no provider can run {command!r} now ({reasons or 'there is none that fits'})", cure=cure)
        self.command, self.attempts, self.last = command, attempts, last
