"""Several implementations of one command: the best that works now is chosen, and the next takes over when it fails.

A command is a name such as "count_tokens"; its variants are providers. They are chosen by status (available before
degraded, unavailable never), then priority, ascending, then by how long they lately took. Nothing is made before its
turn comes. A variant that fails several times in a row is left alone for a while (circuit breaker; M. Nygard, Release
It!).
"""

from __future__ import annotations

import re
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, NoReturn, TypeVar

from omni_pipelines.errors import OmniError, nearest

PREFERRED, BACKUP, FALLBACK = 0, 11, 51
"""Where the ranges of priorities begin: 0-10 preferred, 11-50 backup, 51-100 fallback."""
HEALTH_SECONDS = 30.0
"""How long the answer of a health check is believed."""
FAILURES = 3
"""Failures in a row after which a variant is left alone."""
COOL_DOWN_SECONDS = 30.0
SMOOTHING = 0.3
"""Weight of the newest call in the moving average of latency."""
FAILED_CODE, UNAVAILABLE_CODE = "3002", "9003"
"""For an error without a number, and for a variant that was not asked."""
_NUMBER = re.compile(r"\d{4}")

Engine = TypeVar("Engine")
Value = TypeVar("Value")


class VariantStatus(StrEnum):
    """Whether a variant can be used."""

    AVAILABLE = "available"
    DEGRADED = "degraded"
    """It works, but another is preferred while there is one."""
    UNAVAILABLE = "unavailable"


_ORDER = {VariantStatus.AVAILABLE: 0, VariantStatus.DEGRADED: 1, VariantStatus.UNAVAILABLE: 2}


@dataclass(frozen=True)
class Health:
    """A status and what is behind it."""

    status: VariantStatus = VariantStatus.AVAILABLE
    reason: str = ""


class VariantProvider(ABC):
    """One implementation of a command."""

    priority: int = BACKUP
    capabilities: frozenset[str] = frozenset()

    @property
    @abstractmethod
    def name(self) -> str:
        """Its name among the variants of its command."""

    def status(self) -> VariantStatus:
        """What it knows of itself without effort; asked whenever a choice is made."""
        return VariantStatus.AVAILABLE

    def health_check(self) -> Health:
        """What a real try shows. May take a moment: the answer is believed for a while. Raising means unavailable."""
        return Health()


class EngineVariant(VariantProvider, Generic[Engine]):
    """A provider around an object that knows nothing of providers. `check` raises where the engine does not work."""

    def __init__(
        self,
        name: str,
        engine: Engine,
        *,
        priority: int = BACKUP,
        capabilities: Collection[str] = (),
        check: Callable[[Engine], None] | None = None,
    ) -> None:
        self._name, self.engine, self._check = name, engine, check
        self.priority, self.capabilities = priority, frozenset(capabilities)

    @property
    def name(self) -> str:
        """Its name."""
        return self._name

    def health_check(self) -> Health:
        """Available, unless `check` raises."""
        if self._check is not None:
            self._check(self.engine)
        return Health()


@dataclass(frozen=True)
class VariantInfo:
    """What is known of a variant now."""

    command: str
    name: str
    status: VariantStatus
    reason: str
    priority: int
    capabilities: tuple[str, ...]
    made: bool
    """Whether it was needed so far."""
    calls: int
    failures: int
    """In a row."""
    latency_seconds: float | None
    """Moving average for one unit of work; None before the first call."""


@dataclass(frozen=True)
class Survey:
    """The variants of a command after each was tried, the best first."""

    chosen: str
    """"" if none can be used."""
    why: str
    variants: tuple[VariantInfo, ...]


@dataclass(frozen=True)
class Attempt:
    """What became of one variant in a call."""

    variant: str
    error_code: str
    """"" for the one that answered."""
    seconds: float
    reason: str = ""


@dataclass(frozen=True)
class Outcome(Generic[Value]):
    """A value, who gave it, and who was asked or passed over before."""

    value: Value
    variant: str
    attempts: tuple[Attempt, ...]


class VariantsFailed(OmniError):
    """No variant of a command could do it. `last` is the error of the one tried last, None if none could be tried."""

    code = UNAVAILABLE_CODE

    def __init__(
        self, command: str, attempts: tuple[Attempt, ...], last: Exception | None, *, cure: str = ""
    ) -> None:
        tried = "; ".join(f"{each.variant}: {each.reason}" for each in attempts) or "there is none that fits"
        super().__init__(f"nothing here can do {command!r} now ({tried})", cure=cure)
        self.command, self.attempts, self.last = command, attempts, last

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (self.command, self.attempts, self.last, self.cure))


def _rebuild(command: str, attempts: tuple[Attempt, ...], last: Exception | None, cure: str) -> VariantsFailed:
    return VariantsFailed(command, attempts, last, cure=cure)


@dataclass
class _Entry:
    command: str
    name: str
    priority: int
    capabilities: frozenset[str]
    make: Callable[[], VariantProvider] | None = None
    probe: Callable[[], Health] = Health
    provider: VariantProvider | None = None
    checked: Health = Health()
    checked_at: float | None = None
    failures: int = 0
    closed_until: float = 0.0
    """No calls before this moment."""
    calls: int = 0
    latency: float | None = None
    error: Exception | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)
    """Held while it is made or checked, so that both happen once. Never while it is used."""


class VariantRegistry:
    """The variants of every command. Safe to use from several threads; no lock is held while a variant works."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        health_seconds: float = HEALTH_SECONDS,
        failures: int = FAILURES,
        cool_down_seconds: float = COOL_DOWN_SECONDS,
    ) -> None:
        self._clock, self._health_seconds = clock, health_seconds
        self._most_failures, self._cool_down = failures, cool_down_seconds
        self._entries: dict[str, dict[str, _Entry]] = {}
        self._lock = threading.Lock()

    def register(self, command: str, provider: VariantProvider) -> None:
        """Add a variant that is there already; one of the same name is replaced."""
        self._add(_Entry(command, provider.name, provider.priority, provider.capabilities, provider=provider))

    def register_factory(
        self,
        command: str,
        name: str,
        make: Callable[[], VariantProvider],
        *,
        priority: int = BACKUP,
        capabilities: Collection[str] = (),
        probe: Callable[[], Health] = Health,
    ) -> None:
        """Add a variant that is made when its turn comes. Until then `probe`, which must be quick, says how it is."""
        self._add(_Entry(command, name, priority, frozenset(capabilities), make, probe))

    def unregister(self, command: str, name: str) -> bool:
        """Forget a variant; False if it was not known."""
        with self._lock:
            return self._entries.get(command, {}).pop(name, None) is not None

    def list_commands(self) -> list[str]:
        """Commands that have a variant, sorted."""
        with self._lock:
            return sorted(command for command, entries in self._entries.items() if entries)

    def list_variants(self, command: str) -> list[VariantInfo]:
        """The variants of a command, the one that would be chosen first."""
        entries = sorted(self._find(command), key=_preference)
        return sorted(map(self._info, entries), key=lambda info: _ORDER[info.status])

    def survey(self, command: str) -> Survey:
        """Make and check every variant, and say which one is chosen and why."""
        for entry in self._find(command):
            if self._health(entry).status is not VariantStatus.UNAVAILABLE:
                self._make(entry)
        variants = tuple(self.list_variants(command))
        usable = [each for each in variants if each.status is not VariantStatus.UNAVAILABLE and each.made]
        if not usable:
            return Survey("", "none of them can be used", variants)
        return Survey(usable[0].name, _why(usable), variants)

    def get_info(self, command: str, name: str) -> VariantInfo | None:
        """What is known of a variant; None for an unknown one."""
        return next((self._info(entry) for entry in self._find(command) if entry.name == name), None)

    def get(self, command: str, name: str) -> VariantProvider | None:
        """A variant, well or not, made if it was not; None if it is unknown or cannot be made."""
        entry = next((entry for entry in self._find(command) if entry.name == name), None)
        if entry is None or self._make(entry) is not None:
            return None
        return entry.provider

    def get_best(
        self,
        command: str,
        *,
        require: Collection[str] = (),
        exclude: Collection[str] = (),
        variant: str | None = None,
    ) -> VariantProvider | None:
        """The variant to use now; None if there is none. Arguments as for `call`."""
        entry = next(self._in_turn(self._fitting(command, require, exclude, variant), []), None)
        return entry.provider if entry is not None else None

    def call(
        self,
        command: str,
        use: Callable[[Any], Value],
        *,
        require: Collection[str] = (),
        exclude: Collection[str] = (),
        variant: str | None = None,
        declines: tuple[type[Exception], ...] = (),
        units: int = 1,
    ) -> Outcome[Value]:
        """Let the best variant do it, and the next one if it fails.

        `require` are capabilities it must have, `exclude` names never to use, `variant` the only name to use. Errors
        of the classes `declines` mean that this input is not for it: the next is tried, and its health is not
        doubted. `units` is the amount of work, for latencies to be compared.

        Raises:
            VariantsFailed: none is left.
        """
        entries = self._fitting(command, require, exclude, variant)
        attempts: list[Attempt] = []
        last: Exception | None = None
        for entry in self._in_turn(entries, attempts):
            began = self._clock()
            try:
                value = use(entry.provider)
            except Exception as error:  # noqa: BLE001  # whatever it is, the next one may do better
                last = error
                attempts.append(_failed(entry, error, self._clock() - began))
                if not isinstance(error, declines):
                    self._blame(entry, error)
            else:
                seconds = self._clock() - began
                self._praise(entry, seconds / max(units, 1))
                attempts.append(Attempt(entry.name, "", seconds))
                return Outcome(value, entry.name, (*self._passed_over(entries, entry, attempts), *attempts))
        self._raise(command, entries, variant, attempts, last)

    def _raise(
        self,
        command: str,
        entries: list[_Entry],
        variant: str | None,
        attempts: list[Attempt],
        last: Exception | None,
    ) -> NoReturn:
        states = [*self._passed_over(entries, None, attempts), *attempts]
        last = last or next((entry.error for entry in entries if entry.error is not None), None)
        raise VariantsFailed(command, tuple(states), last, cure=self._cure(command, variant, last)) from last

    def _cure(self, command: str, variant: str | None, last: Exception | None) -> str:
        names = [entry.name for entry in self._find(command)]
        if variant is not None and variant not in names:
            return nearest(variant, names, f"variants: {', '.join(names) or 'none'}")
        return getattr(last, "cure", "") or "see: omni providers"

    def _add(self, entry: _Entry) -> None:
        with self._lock:
            self._entries.setdefault(entry.command, {})[entry.name] = entry

    def _find(self, command: str) -> list[_Entry]:
        with self._lock:
            return list(self._entries.get(command, {}).values())

    def _fitting(
        self, command: str, require: Collection[str], exclude: Collection[str], variant: str | None
    ) -> list[_Entry]:
        return [
            entry
            for entry in self._find(command)
            if entry.capabilities.issuperset(require) and entry.name not in exclude and variant in (None, entry.name)
        ]

    def _in_turn(self, entries: list[_Entry], attempts: list[Attempt]) -> Iterator[_Entry]:
        """The variants that can be used, best first; `attempts` hears of those that could not be made."""
        left = list(entries)
        while (best := self._best_of(left)) is not None:
            if best.provider is None:
                began = self._clock()
                error = self._make(best)
                if error is not None:
                    attempts.append(_failed(best, error, self._clock() - began))
                    left.remove(best)
                continue  # now that it is there, it may know better how it is
            left.remove(best)
            if self._admitted(best):
                yield best

    def _best_of(self, entries: list[_Entry]) -> _Entry | None:
        """The one to use now. The health behind the first available one is not asked for, which may take a while."""
        degraded = None
        for entry in sorted(entries, key=_preference):
            status = self._health(entry).status
            if status is VariantStatus.AVAILABLE:
                return entry
            if status is VariantStatus.DEGRADED and degraded is None:
                degraded = entry
        return degraded

    def _health(self, entry: _Entry) -> Health:
        """How it is now: the worst of what its failures, its own status and its health check say."""
        wait = entry.closed_until - self._clock()
        if wait > 0:
            told = f"failed {entry.failures} times in a row, is tried again in {wait:.0f} s: {_told(entry.error)}"
            return Health(VariantStatus.UNAVAILABLE, told)
        provider = entry.provider
        if provider is None:
            return _ask(entry.probe)
        own = _ask(lambda: Health(provider.status()))
        if own.status is VariantStatus.UNAVAILABLE:
            return own
        return max(self._checked(entry, provider), own, key=lambda health: _ORDER[health.status])

    def _checked(self, entry: _Entry, provider: VariantProvider) -> Health:
        with entry.lock:
            if entry.checked_at is None or self._clock() - entry.checked_at >= self._health_seconds:
                entry.checked = _ask(provider.health_check)
                entry.checked_at = self._clock()
            return entry.checked

    def _make(self, entry: _Entry) -> Exception | None:
        """Make it if it is not there; the error if that fails."""
        with entry.lock:
            if entry.provider is None and entry.make is not None:
                try:
                    entry.provider = entry.make()
                except Exception as error:  # noqa: BLE001  # a variant that cannot be made is one that fails
                    self._blame(entry, error)
                    return error
            return None

    def _admitted(self, entry: _Entry) -> bool:
        """Whether it may be used. After a cool-down one call is let through, and others once that went well."""
        with self._lock:
            if entry.failures >= self._most_failures:
                if entry.closed_until > self._clock():
                    return False
                entry.closed_until = self._clock() + self._cool_down
            return True

    def _blame(self, entry: _Entry, error: Exception) -> None:
        with self._lock:
            entry.error, entry.checked_at = error, None
            entry.failures += 1
            if entry.failures >= self._most_failures:
                entry.closed_until = self._clock() + self._cool_down

    def _praise(self, entry: _Entry, seconds: float) -> None:
        with self._lock:
            entry.calls += 1
            entry.failures, entry.closed_until, entry.error = 0, 0.0, None
            before = seconds if entry.latency is None else entry.latency
            entry.latency = SMOOTHING * seconds + (1 - SMOOTHING) * before

    def _passed_over(self, entries: list[_Entry], chosen: _Entry | None, tried: list[Attempt]) -> list[Attempt]:
        """The variants that would have been preferred to the chosen one, were they well."""
        names = {attempt.variant for attempt in tried}
        others = [entry for entry in entries if entry.name not in names]
        preferred = [entry for entry in others if chosen is None or entry.priority < chosen.priority]
        health = [(entry.name, self._health(entry)) for entry in sorted(preferred, key=lambda entry: entry.priority)]
        return [
            Attempt(name, UNAVAILABLE_CODE, 0.0, each.reason or each.status)
            for name, each in health
            if each.status is not VariantStatus.AVAILABLE
        ]

    def _info(self, entry: _Entry) -> VariantInfo:
        health = self._health(entry)
        return VariantInfo(
            entry.command,
            entry.name,
            health.status,
            health.reason,
            entry.priority,
            tuple(sorted(entry.capabilities)),
            entry.provider is not None,
            entry.calls,
            entry.failures,
            entry.latency,
        )


def _why(usable: Sequence[VariantInfo]) -> str:
    best = usable[0]
    if len(usable) == 1:
        return "the only one that can be used"
    if best.status is not usable[1].status:
        return f"it is {best.status}, {usable[1].name} is {usable[1].status}"
    if best.priority != usable[1].priority:
        return f"priority {best.priority}, {usable[1].name} has {usable[1].priority}"
    return "as good as the next by status and priority, and quicker or not measured yet"


def _preference(entry: _Entry) -> tuple[int, bool, float]:
    """Among equals in status, smaller is better. Without a latency first: it has to be measured once."""
    return entry.priority, entry.latency is not None, entry.latency or 0.0


def _ask(how: Callable[[], Health]) -> Health:
    try:
        return how()
    except Exception as error:  # noqa: BLE001  # a check that fails is an answer
        return Health(VariantStatus.UNAVAILABLE, _told(error))


def _failed(entry: _Entry, error: Exception, seconds: float) -> Attempt:
    code = getattr(error, "code", None)
    known = isinstance(code, str) and _NUMBER.fullmatch(code)
    return Attempt(entry.name, str(code) if known else FAILED_CODE, seconds, _told(error))


def _told(error: Exception | None) -> str:
    message, cure = getattr(error, "message", None) or str(error), getattr(error, "cure", "")
    return " ".join(f"{message}; {cure}".split()) if cure else " ".join(str(message).split()) or type(error).__name__
