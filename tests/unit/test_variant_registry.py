"""Which variant of a command is used, and what happens when it fails."""

from __future__ import annotations

import pickle
import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni_pipelines.errors import NetworkTimeout
from omni_pipelines.providers import (
    Attempt,
    EngineVariant,
    VariantHealth,
    VariantProvider,
    VariantsFailed,
    VariantStatus,
)
from omni_pipelines.variant_registry import VariantInfo, VariantRegistry

GOOD, POOR, BAD = VariantStatus.AVAILABLE, VariantStatus.DEGRADED, VariantStatus.UNAVAILABLE


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Variant(VariantProvider):
    """A provider whose status, health and answer the test sets."""

    name = ""

    def __init__(
        self,
        name: str,
        priority: int = 11,
        state: VariantStatus = GOOD,
        capabilities: Collection[str] = (),
        says: Callable[[], str] | None = None,
    ) -> None:
        self.name, self.priority, self.capabilities = name, priority, frozenset(capabilities)
        self.state, self.health = state, VariantHealth()
        self.checks = 0
        self.says = says or (lambda: name)

    def status(self) -> VariantStatus:
        return self.state

    def health_check(self) -> VariantHealth:
        self.checks += 1
        return self.health


def broken() -> str:
    raise NetworkTimeout("too late")


def say(variant: Variant) -> str:
    return variant.says()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def registry(clock: Clock) -> VariantRegistry:
    return VariantRegistry(clock=clock, health_seconds=30, max_failures=3, cool_down_seconds=60)


def fill(registry: VariantRegistry, *variants: Variant) -> None:
    for variant in variants:
        registry.register("speak", variant)


def best(registry: VariantRegistry, require: Collection[str] = (), exclude: Collection[str] = ()) -> str | None:
    try:
        return registry.call("speak", lambda variant: str(variant.name), require=require, exclude=exclude).value
    except VariantsFailed:
        return None


def info_of(registry: VariantRegistry, name: str) -> VariantInfo:
    return next(info for info in registry.list_variants("speak") if info.name == name)


# --- choice


@pytest.mark.parametrize(
    ("variants", "expected"),
    [
        pytest.param([], None, id="none"),
        pytest.param([("a", 20, GOOD), ("b", 5, GOOD)], "b", id="the smaller priority"),
        pytest.param([("a", 20, GOOD), ("b", 20, GOOD)], "a", id="the one registered first"),
        pytest.param([("a", 5, POOR), ("b", 90, GOOD)], "b", id="available before degraded"),
        pytest.param([("a", 5, BAD), ("b", 90, POOR)], "b", id="degraded before unavailable"),
        pytest.param([("a", 5, BAD)], None, id="never an unavailable one"),
    ],
)
def test_the_best_variant_is_chosen_by_status_and_then_by_priority(
    registry: VariantRegistry, variants: list[tuple[str, int, VariantStatus]], expected: str | None
) -> None:
    fill(registry, *(Variant(*fields) for fields in variants))
    assert best(registry) == expected


@given(
    st.lists(st.tuples(st.sampled_from([GOOD, POOR, BAD]), st.integers(0, 100)), max_size=6),
)
def test_no_variant_is_better_than_the_chosen_one(states: list[tuple[VariantStatus, int]]) -> None:
    registry = VariantRegistry()
    order = [GOOD, POOR, BAD]
    fill(registry, *(Variant(str(at), priority, state) for at, (state, priority) in enumerate(states)))
    usable = [(order.index(state), priority) for state, priority in states if state is not BAD]
    name = best(registry)
    assert (name is None) == (not usable)
    if name is not None:
        state, priority = states[int(name)]
        assert (order.index(state), priority) == min(usable)


def test_an_excluded_variant_is_not_chosen(registry: VariantRegistry) -> None:
    fill(registry, Variant("a", 1), Variant("b", 2))
    assert best(registry, exclude={"a"}) == "b"
    assert best(registry, exclude={"a", "b"}) is None


def test_only_a_variant_with_all_required_capabilities_is_chosen(registry: VariantRegistry) -> None:
    fill(registry, Variant("a", 1, capabilities={"x"}), Variant("b", 2, capabilities={"x", "y"}))
    assert best(registry, require={"x", "y"}) == "b"
    assert best(registry, require={"z"}) is None


def test_a_call_can_name_its_variant(registry: VariantRegistry) -> None:
    fill(registry, Variant("a", 1), Variant("b", 2))
    assert registry.call("speak", say, variant="b").value == "b"


def test_a_named_variant_that_fails_is_not_replaced(registry: VariantRegistry) -> None:
    fill(registry, Variant("a", 1), Variant("b", 2, says=broken))
    with pytest.raises(VariantsFailed):
        registry.call("speak", say, variant="b")


def test_an_unknown_variant_is_refused_with_the_nearest_name(registry: VariantRegistry) -> None:
    fill(registry, Variant("toktok"))
    with pytest.raises(VariantsFailed) as caught:
        registry.call("speak", say, variant="tiktok")
    assert caught.value.cure == "did you mean toktok?"


def test_the_faster_of_equal_variants_is_chosen_once_both_are_measured(
    registry: VariantRegistry, clock: Clock
) -> None:
    def taking(seconds: float, name: str) -> Callable[[], str]:
        def work() -> str:
            clock.now += seconds
            return name

        return work

    fill(registry, Variant("slow", says=taking(0.9, "slow")), Variant("quick", says=taking(0.1, "quick")))
    answers = [registry.call("speak", say).value for _ in range(5)]
    assert answers == ["slow", "quick", "quick", "quick", "quick"]


def test_latency_is_counted_for_one_unit_of_work(registry: VariantRegistry, clock: Clock) -> None:
    def work() -> str:
        clock.now += 8
        return ""

    fill(registry, Variant("a", says=work))
    registry.call("speak", say, units=16)
    assert info_of(registry, "a").latency_seconds == pytest.approx(0.5)


# --- listing


def test_an_empty_registry_has_no_variants_and_no_commands(registry: VariantRegistry) -> None:
    assert best(registry) is None
    assert registry.list_variants("speak") == []
    assert registry.list_commands() == []


def test_variants_are_listed_best_first_and_commands_by_name(registry: VariantRegistry) -> None:
    fill(registry, Variant("a", 5, BAD), Variant("b", 50), Variant("c", 20))
    registry.register("hear", Variant("d"))
    assert [each.name for each in registry.list_variants("speak")] == ["c", "b", "a"]
    assert registry.list_commands() == ["hear", "speak"]


def test_a_variant_replaces_one_with_the_same_name(registry: VariantRegistry) -> None:
    fill(registry, Variant("a", 1), Variant("a", 2, says=lambda: "new"))
    assert [info.priority for info in registry.list_variants("speak")] == [2]
    assert registry.call("speak", say).value == "new"


def test_a_survey_names_the_chosen_variant_and_the_reason(registry: VariantRegistry) -> None:
    fill(registry, Variant("a", 5, POOR), Variant("b", 50))
    survey = registry.survey("speak")
    assert (survey.chosen, survey.why) == ("b", "it is available, a is degraded")


@pytest.mark.parametrize(("state", "chosen"), [(GOOD, "a"), (BAD, "")])
def test_a_survey_creates_and_checks_each_variant(
    registry: VariantRegistry, state: VariantStatus, chosen: str
) -> None:
    registry.register_factory("speak", "a", lambda: Variant("a", state=state))
    assert registry.survey("speak").chosen == chosen


# --- live status and health


def test_a_variant_that_becomes_unavailable_is_no_longer_chosen(registry: VariantRegistry) -> None:
    variant = Variant("a", 1)
    fill(registry, variant, Variant("b", 2))
    assert best(registry) == "a"
    variant.state = BAD
    assert best(registry) == "b"
    variant.state = GOOD
    assert best(registry) == "a"


def test_a_status_that_raises_means_unavailable(registry: VariantRegistry) -> None:
    class Confused(Variant):
        def status(self) -> VariantStatus:
            raise RuntimeError("no idea")

    fill(registry, Confused("a", 1), Variant("b", 2))
    assert best(registry) == "b"
    assert info_of(registry, "a").reason == "no idea"


def test_the_result_of_a_health_check_is_used_for_a_while(registry: VariantRegistry, clock: Clock) -> None:
    variant = Variant("a", 1)
    fill(registry, variant, Variant("b", 2))
    assert best(registry) == "a"
    variant.health = VariantHealth(BAD, "the disk is full")
    clock.now += 29
    assert best(registry) == "a"
    assert variant.checks == 1
    clock.now += 1
    assert best(registry) == "b"
    assert variant.checks == 2


def test_a_fallback_is_not_checked_while_the_preferred_variant_works(registry: VariantRegistry) -> None:
    preferred, fallback = Variant("a", 1), Variant("b", 2)
    fill(registry, fallback, preferred)
    assert best(registry) == "a"
    assert fallback.checks == 0
    preferred.state = POOR
    assert best(registry) == "b"
    assert fallback.checks == 1


def test_a_failure_renews_the_health_check(registry: VariantRegistry) -> None:
    variant = Variant("a", 1, says=broken)
    fill(registry, variant, Variant("b", 2))
    registry.call("speak", say)
    variant.health = VariantHealth(BAD)
    assert best(registry) == "b"


def test_a_check_that_raises_means_unavailable(registry: VariantRegistry) -> None:
    def check(engine: str) -> None:
        raise ValueError(f"{engine} is wrong")

    registry.register("speak", EngineVariant("a", "engine", check=check))
    info = info_of(registry, "a")
    assert (info.status, info.reason) == (BAD, "engine is wrong")


def test_variants_failed_survives_a_pickle() -> None:
    error = VariantsFailed("speak", (Attempt("a", "6002", 0.5, "too late"),), NetworkTimeout("too late"), cure="wait")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (str(again), again.attempts, type(again.last)) == (str(error), error.attempts, NetworkTimeout)


# --- factories


def test_a_variant_is_created_once_and_only_when_it_is_needed(registry: VariantRegistry) -> None:
    made: list[str] = []

    def factory(name: str) -> Callable[[], Variant]:
        return lambda: made.append(name) or Variant(name)  # type: ignore[func-returns-value]

    registry.register_factory("speak", "a", factory("a"), priority=1)
    registry.register_factory("speak", "b", factory("b"), priority=2)
    registry.list_variants("speak")
    assert made == []
    assert [best(registry), best(registry)] == ["a", "a"]
    assert made == ["a"]


def test_the_next_variant_is_used_when_a_factory_raises(registry: VariantRegistry) -> None:
    registry.register_factory("speak", "a", lambda: Variant(broken()), priority=1)
    registry.register_factory("speak", "b", lambda: Variant("b"), priority=2)
    assert best(registry) == "b"
    assert [each.variant for each in registry.call("speak", say).attempts] == ["a", "b"]


def test_a_factory_is_not_called_if_its_probe_reports_unavailable(registry: VariantRegistry) -> None:
    registry.register_factory("speak", "a", broken, probe=lambda: VariantHealth(BAD, "not installed"))  # type: ignore[arg-type]
    assert best(registry) is None
    info = info_of(registry, "a")
    assert (info.reason, info.failures) == ("not installed", 0)


def test_a_created_variant_that_is_worse_than_its_probe_is_not_used(registry: VariantRegistry) -> None:
    registry.register_factory("speak", "a", lambda: Variant("a", state=POOR), priority=1)
    registry.register_factory("speak", "b", lambda: Variant("b"), priority=2)
    assert best(registry) == "b"


# --- fallback


def test_the_third_variant_answers_and_the_attempts_list_two_failures(registry: VariantRegistry) -> None:
    fill(registry, Variant("a", 1, says=broken), Variant("b", 2, says=lambda: str(1 / 0)), Variant("c", 3))
    outcome = registry.call("speak", say)
    assert (outcome.value, outcome.variant) == ("c", "c")
    attempts = [(each.variant, each.error_code, each.reason) for each in outcome.attempts]
    assert attempts == [("a", "6002", "too late"), ("b", "3002", "division by zero"), ("c", "", "")]


def test_an_unavailable_preferred_variant_is_among_the_attempts(registry: VariantRegistry) -> None:
    sick = Variant("a", 1)
    sick.health = VariantHealth(BAD, "no disk")
    fill(registry, sick, Variant("b", 2), Variant("c", 3, BAD))
    attempts = [(each.variant, each.error_code, each.reason) for each in registry.call("speak", say).attempts]
    assert attempts == [("a", "9003", "no disk"), ("b", "", "")]


def test_the_error_lists_every_variant_when_all_fail(registry: VariantRegistry) -> None:
    fill(registry, Variant("a", 1, says=broken), Variant("b", 2, BAD))
    with pytest.raises(VariantsFailed, match=r"'speak' now \(b: unavailable; a: too late\)") as caught:
        registry.call("speak", say)
    assert isinstance(caught.value.last, NetworkTimeout)
    assert {each.variant for each in caught.value.attempts} == {"a", "b"}


def test_input_errors_do_not_change_the_health_of_a_variant(registry: VariantRegistry) -> None:
    fill(registry, Variant("a", 1, says=broken), Variant("b", 2))
    for _ in range(10):
        assert registry.call("speak", say, input_errors=(NetworkTimeout,)).value == "b"
    info = info_of(registry, "a")
    assert (info.status, info.failures) == (GOOD, 0)


def test_a_keyboard_interrupt_is_raised(registry: VariantRegistry) -> None:
    def interrupted() -> str:
        raise KeyboardInterrupt

    fill(registry, Variant("a", 1, says=interrupted), Variant("b", 2))
    with pytest.raises(KeyboardInterrupt):
        registry.call("speak", say)


# --- the circuit breaker


def flaky(registry: VariantRegistry) -> tuple[list[str], Variant]:
    """A variant that fails while its list of answers is empty, with a second one as fallback."""
    words: list[str] = []
    variant = Variant("a", 1, says=lambda: words[-1])
    fill(registry, variant, Variant("b", 2))
    return words, variant


def test_a_variant_is_not_used_after_three_failures_in_a_row(registry: VariantRegistry, clock: Clock) -> None:
    calls: list[str] = []

    def failing() -> str:
        calls.append("a")
        return broken()

    fill(registry, Variant("a", 1, says=failing), Variant("b", 2))
    for _ in range(10):
        assert registry.call("speak", say).value == "b"
    assert len(calls) == 3
    assert info_of(registry, "a").reason == "failed 3 times in a row, next try in 60 s: too late"


def test_a_variant_gets_one_call_after_its_cool_down(registry: VariantRegistry, clock: Clock) -> None:
    words, _ = flaky(registry)
    for _ in range(3):
        registry.call("speak", say)
    clock.now += 60
    outcome = registry.call("speak", say)
    assert [each.variant for each in outcome.attempts] == ["a", "b"]
    assert best(registry) == "b"  # it failed again
    clock.now += 60
    words.append("I am back")
    assert registry.call("speak", say).value == "I am back"
    assert best(registry) == "a"


def test_other_calls_use_the_fallback_during_the_call_after_a_cool_down(
    registry: VariantRegistry, clock: Clock
) -> None:
    others: list[str] = []

    def asks_another() -> str:
        others.append(registry.call("speak", say).value)
        return "a"

    variant = Variant("a", 1, says=broken)
    fill(registry, variant, Variant("b", 2))
    for _ in range(3):
        registry.call("speak", say)
    variant.says = asks_another
    clock.now += 60
    assert registry.call("speak", say).value == "a"
    assert others == ["b"]


def test_a_success_resets_the_number_of_failures(registry: VariantRegistry) -> None:
    words, _ = flaky(registry)
    for _ in range(5):
        registry.call("speak", say)
        words.append("fine")
        assert registry.call("speak", say).value == "fine"
        words.pop()


# --- threads


def test_many_threads_create_and_check_a_variant_once() -> None:
    registry = VariantRegistry()
    made: list[Variant] = []

    def make() -> Variant:
        time.sleep(0.02)  # long enough for the others to come
        made.append(Variant("a", 1))
        return made[-1]

    registry.register_factory("speak", "a", make, priority=1)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: registry.call("speak", say).value, range(500)))
    calls = info_of(registry, "a").calls
    assert (answers.count("a"), len(made), made[0].checks, calls) == (500, 1, 1, 500)


def test_many_threads_get_an_answer_while_variants_fail_and_are_replaced() -> None:
    registry = VariantRegistry(cool_down_seconds=0.001)
    fill(registry, Variant("bad", 1, says=broken), Variant("good", 9))

    def work(number: int) -> str:
        if number % 7 == 0:
            registry.register("speak", Variant("guest", 5))
        if number % 7 == 3:
            registry.register("speak", Variant("guest", 5, says=broken))
        registry.list_variants("speak")
        return registry.call("speak", say).value

    with ThreadPoolExecutor(16) as pool:
        answers = set(pool.map(work, range(700)))
    assert answers <= {"good", "guest"}
    assert "good" in answers


def test_a_slow_variant_does_not_block_other_calls(registry: VariantRegistry) -> None:
    inside, leave = threading.Event(), threading.Event()

    def slow() -> str:
        inside.set()
        leave.wait(10)
        return "slow"

    fill(registry, Variant("slow", 1, says=slow), Variant("b", 2))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(registry.call, "speak", say)
        assert inside.wait(10)
        assert registry.call("speak", say, exclude={"slow"}).value == "b"
        leave.set()
        assert waiting.result(10).value == "slow"
