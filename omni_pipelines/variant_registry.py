"""Choose among the variants of a command: the best one that works is used, and the next one if it fails.

Variants are chosen by status (available before degraded, never unavailable), then by ascending priority, then by
latency. A variant is created when it is needed. A variant that fails several times in a row is not used for a while
(circuit breaker; M. Nygard, Release It!).
"""

import functools
import re
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from omni_pipelines.errors import nearest
from omni_pipelines.providers import (
    BACKUP,
    UNAVAILABLE_CODE,
    Attempt,
    VariantHealth,
    VariantProvider,
    VariantResult,
    VariantsFailed,
    VariantStatus,
)

HEALTH_SECONDS = 30.0
"""Time that the result of a health check is used."""
MAX_FAILURES = 3
"""Failures in a row after which a variant is not used for a while."""
COOL_DOWN_SECONDS = 30.0
FAILED_CODE = "3002"
"""Code of an attempt whose error has no number."""
_NUMBER = re.compile(r"\d{4}")
_HEALTHY = VariantHealth()
_RANK = {VariantStatus.AVAILABLE: 0, VariantStatus.DEGRADED: 1, VariantStatus.UNAVAILABLE: 2}

Value = TypeVar("Value")


@dataclass(frozen=True)
class VariantInfo:
    """The present state of a variant."""

    command: str
    name: str
    status: VariantStatus
    reason: str
    priority: int
    capabilities: tuple[str, ...]
    made: bool
    """Whether it was created."""
    calls: int
    failures: int
    """Failures in a row."""
    latency_seconds: float | None
    """Time of the last call for one unit of work; None before the first call."""


@dataclass(frozen=True)
class Survey:
    """The variants of a command after a trial of each, the best first."""

    chosen: str
    """Name of the best variant; "" if none can be used."""
    why: str
    variants: tuple[VariantInfo, ...]


@dataclass
class _Variant:
    """A registered variant and its history."""

    command: str
    name: str
    priority: int
    capabilities: frozenset[str]
    create: Callable[[], VariantProvider] | None = None
    probe: Callable[[], VariantHealth] = VariantHealth
    provider: VariantProvider | None = None
    checked: VariantHealth = _HEALTHY
    checked_at: float | None = None
    failures: int = 0
    closed_until: float = 0.0
    """Time before which it is not called."""
    calls: int = 0
    latency: float | None = None
    error: Exception | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)
    """Held while it is created or checked, so that both happen once; never held while it is used."""

    def preference(self) -> tuple[int, bool, float]:
        """Sort key among variants of equal status; one without a latency goes first, to be measured once."""
        return self.priority, self.latency is not None, self.latency or 0.0


class VariantRegistry:
    """The variants of every command. Thread-safe; no lock is held while a variant is used."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        health_seconds: float = HEALTH_SECONDS,
        max_failures: int = MAX_FAILURES,
        cool_down_seconds: float = COOL_DOWN_SECONDS,
    ) -> None:
        self._clock, self._health_seconds = clock, health_seconds
        self._max_failures, self._cool_down_seconds = max_failures, cool_down_seconds
        self._variants: dict[str, dict[str, _Variant]] = {}
        self._lock = threading.Lock()

    def register(self, command: str, provider: VariantProvider) -> None:
        """Add a variant; it replaces a variant with the same name."""
        self._add(_Variant(command, provider.name, provider.priority, provider.capabilities, provider=provider))

    def register_factory(
        self,
        command: str,
        name: str,
        create: Callable[[], VariantProvider],
        *,
        priority: int = BACKUP,
        capabilities: Collection[str] = (),
        probe: Callable[[], VariantHealth] = VariantHealth,
    ) -> None:
        """Add a variant that is created when it is needed; until then `probe`, which must be quick, is its health."""
        self._add(_Variant(command, name, priority, frozenset(capabilities), create, probe))

    def list_commands(self) -> list[str]:
        """Return the commands that have a variant, sorted."""
        with self._lock:
            return sorted(self._variants)

    def list_variants(self, command: str) -> list[VariantInfo]:
        """Return the variants of a command, the best first."""
        infos = map(self._info, sorted(self._find(command), key=_Variant.preference))
        return sorted(infos, key=lambda info: _RANK[info.status])

    def survey(self, command: str) -> Survey:
        """Create and check every variant of a command; return which one is the best, and why."""
        for variant in self._find(command):
            self._prepare(variant, [])
        infos = tuple(self.list_variants(command))
        usable = [info for info in infos if info.status is not VariantStatus.UNAVAILABLE and info.made]
        return Survey(usable[0].name if usable else "", _why(usable), infos)

    def call(
        self,
        command: str,
        use: Callable[[Any], Value],
        *,
        require: Collection[str] = (),
        exclude: Collection[str] = (),
        variant: str | None = None,
        input_errors: tuple[type[Exception], ...] = (),
        units: int = 1,
    ) -> VariantResult[Value]:
        """Return what `use` returns for the best variant, or for the next one if it raises.

        Args:
            command: name of the command.
            use: called with the provider of the variant.
            require: capabilities that the variant must have.
            exclude: names of variants that are not used.
            variant: the only variant that may be used.
            input_errors: exceptions that are due to the input; the next variant is tried, and the health of this one
                does not change.
            units: amount of work, so that latencies can be compared.

        Raises:
            VariantsFailed: no variant succeeded.
        """
        candidates = self._candidates(command, require, exclude, variant)
        attempts: list[Attempt] = []
        last: Exception | None = None
        for candidate in self._in_order(candidates, attempts):
            start = self._clock()
            result = _attempt(functools.partial(use, candidate.provider))
            seconds = self._clock() - start
            if not isinstance(result, _Failure):
                self._record_success(candidate, seconds / max(units, 1))
                attempts.append(Attempt(candidate.name, "", seconds))
                skipped = self._skipped(candidates, candidate, attempts)
                return VariantResult(result, candidate.name, (*skipped, *attempts))
            last = result.error
            attempts.append(_failed_attempt(candidate, last, seconds))
            if not isinstance(last, input_errors):
                self._record_failure(candidate, last)
        attempts = [*self._skipped(candidates, None, attempts), *attempts]
        last = last or next((candidate.error for candidate in candidates if candidate.error is not None), None)
        raise VariantsFailed(command, tuple(attempts), last, cure=self._cure(command, variant, last)) from last

    def _cure(self, command: str, variant: str | None, last: Exception | None) -> str:
        names = [known.name for known in self._find(command)]
        if variant is not None and variant not in names:
            return nearest(variant, names, f"variants: {', '.join(names) or 'none'}")
        return getattr(last, "cure", "") or "see: omni providers"

    def _add(self, variant: _Variant) -> None:
        with self._lock:
            self._variants.setdefault(variant.command, {})[variant.name] = variant

    def _find(self, command: str) -> list[_Variant]:
        with self._lock:
            return list(self._variants.get(command, {}).values())

    def _candidates(
        self, command: str, require: Collection[str], exclude: Collection[str], only: str | None
    ) -> list[_Variant]:
        named = (variant for variant in self._find(command) if only in (None, variant.name))
        return [found for found in named if found.capabilities.issuperset(require) and found.name not in exclude]

    def _in_order(self, variants: list[_Variant], attempts: list[Attempt]) -> Iterator[_Variant]:
        """Yield the available variants, then the degraded ones; a variant is checked only if its turn comes."""
        degraded = []
        for variant in sorted(variants, key=_Variant.preference):
            status = self._prepare(variant, attempts)
            if status is VariantStatus.DEGRADED:
                degraded.append(variant)
            if status is VariantStatus.AVAILABLE and self._admit(variant):
                yield variant
        yield from filter(self._admit, degraded)

    def _prepare(self, variant: _Variant, attempts: list[Attempt]) -> VariantStatus:
        """Create the provider of a variant if it is needed and return its status; add a failure to `attempts`."""
        status = self._health(variant).status
        if variant.provider is not None or status is VariantStatus.UNAVAILABLE:
            return status
        start = self._clock()
        error = self._create(variant)
        if error is None:
            return self._health(variant).status  # the provider may know more than the probe
        attempts.append(_failed_attempt(variant, error, self._clock() - start))
        return VariantStatus.UNAVAILABLE

    def _health(self, variant: _Variant) -> VariantHealth:
        """Return the worst of the circuit breaker, the status of the provider and its last health check."""
        wait = variant.closed_until - self._clock()
        if wait > 0:
            reason = f"failed {variant.failures} times in a row, next try in {wait:.0f} s: {_text(variant.error)}"
            return VariantHealth(VariantStatus.UNAVAILABLE, reason)
        provider = variant.provider
        if provider is None:
            return _ask(variant.probe)
        own = _ask(lambda: VariantHealth(provider.status()))
        if own.status is VariantStatus.UNAVAILABLE:
            return own
        return max(self._checked(variant, provider), own, key=lambda health: _RANK[health.status])

    def _checked(self, variant: _Variant, provider: VariantProvider) -> VariantHealth:
        with variant.lock:
            if variant.checked_at is None or self._clock() - variant.checked_at >= self._health_seconds:
                variant.checked = _ask(provider.health_check)
                variant.checked_at = self._clock()
            return variant.checked

    def _create(self, variant: _Variant) -> Exception | None:
        """Create the provider if there is none; return the error if that fails."""
        with variant.lock:
            if variant.provider is None and variant.create is not None:
                created = _attempt(variant.create)
                if isinstance(created, _Failure):
                    self._record_failure(variant, created.error)
                    return created.error
                variant.provider = created
            return None

    def _admit(self, variant: _Variant) -> bool:
        """Whether a call may use the variant; after the cool-down a single call may, and more once it succeeded."""
        with self._lock:
            if variant.failures >= self._max_failures:
                if variant.closed_until > self._clock():
                    return False
                variant.closed_until = self._clock() + self._cool_down_seconds
            return True

    def _record_failure(self, variant: _Variant, error: Exception) -> None:
        with self._lock:
            variant.error, variant.checked_at = error, None
            variant.failures += 1
            if variant.failures >= self._max_failures:
                variant.closed_until = self._clock() + self._cool_down_seconds

    def _record_success(self, variant: _Variant, seconds: float) -> None:
        with self._lock:
            variant.calls, variant.latency = variant.calls + 1, seconds
            variant.failures, variant.closed_until, variant.error = 0, 0.0, None

    def _skipped(self, variants: list[_Variant], chosen: _Variant | None, tried: list[Attempt]) -> list[Attempt]:
        """The variants that come before the chosen one, but are not available."""
        names = {attempt.variant for attempt in tried}
        others = [variant for variant in variants if variant.name not in names]
        preferred = [variant for variant in others if chosen is None or variant.priority < chosen.priority]
        health = [(variant.name, self._health(variant)) for variant in sorted(preferred, key=lambda v: v.priority)]
        return [
            Attempt(name, UNAVAILABLE_CODE, 0.0, known.reason or known.status)
            for name, known in health
            if known.status is not VariantStatus.AVAILABLE
        ]

    def _info(self, variant: _Variant) -> VariantInfo:
        health, made = self._health(variant), variant.provider is not None
        state = (health.status, health.reason, variant.priority, tuple(sorted(variant.capabilities)), made)
        return VariantInfo(variant.command, variant.name, *state, variant.calls, variant.failures, variant.latency)


def _why(usable: Sequence[VariantInfo]) -> str:
    if not usable:
        return "none of them can be used"
    best = usable[0]
    if len(usable) == 1:
        return "the only one that can be used"
    if best.status is not usable[1].status:
        return f"it is {best.status}, {usable[1].name} is {usable[1].status}"
    if best.priority != usable[1].priority:
        return f"priority {best.priority}, {usable[1].name} has {usable[1].priority}"
    return "equal to the next in status and priority, and faster or not measured yet"


@dataclass(frozen=True)
class _Failure:
    error: Exception


def _attempt(call: Callable[[], Value]) -> Value | _Failure:
    try:
        return call()
    except Exception as error:  # noqa: BLE001  # a provider may raise anything, and the next one may work
        return _Failure(error)


def _ask(check: Callable[[], VariantHealth]) -> VariantHealth:
    result = _attempt(check)
    return VariantHealth(VariantStatus.UNAVAILABLE, _text(result.error)) if isinstance(result, _Failure) else result


def _failed_attempt(variant: _Variant, error: Exception, seconds: float) -> Attempt:
    code = getattr(error, "code", None)
    is_number = isinstance(code, str) and _NUMBER.fullmatch(code)
    return Attempt(variant.name, str(code) if is_number else FAILED_CODE, seconds, _text(error))


def _text(error: Exception | None) -> str:
    message, cure = getattr(error, "message", None) or str(error), getattr(error, "cure", "")
    return " ".join(f"{message}; {cure}".split()) if cure else " ".join(str(message).split()) or type(error).__name__
