"""Alerts: one message when something is wrong, and one when it is over, however often anybody looks.

What is wrong is compared with what was told already, so a restart, a missed look or a target that was down neither
repeats nor loses a message.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Protocol

from pydantic import Field

from native.durable import write_whole
from omni_pipelines import ids
from omni_pipelines.errors import OmniError
from omni_pipelines.home import Home
from omni_pipelines.record_fields import Moment
from omni_pipelines.records import Record, opened, sealed

FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=1)
"""Time between two attempts to reach a target; it doubles from the first to the longest."""
GIVEN_UP = timedelta(days=1)
"""Age of a message that could not be delivered, after which it is dropped."""


class AlertState(StrEnum):
    """What a message says."""

    OPEN = "open"
    OVER = "over"
    TEST = "test"


class TroubleFound(Record):
    """Something that is wrong now."""

    key: str
    """Names it, such as `check:chunks.schema` or `run:index_job`."""
    title: str
    detail: str = ""
    is_error: bool = True
    """Whether it stops releases; else it is a warning."""
    link: str = ""
    """Where the Dagster UI shows it; "" if it is not known where the UI is served."""


class Alert(Record):
    """A message: something is wrong, or is over."""

    id: str
    """Equal in both messages about one thing."""
    state: AlertState
    key: str
    title: str
    detail: str = ""
    is_error: bool = True
    link: str = ""
    home: str
    since: Moment
    at: Moment
    """When this message was made."""

    @property
    def line(self) -> str:
        """The message as one line."""
        detail = f": {' '.join(self.detail.split())}" if self.detail and self.state is not AlertState.OVER else ""
        sign = {"open": "ERROR" if self.is_error else "WARN", "over": "over", "test": "test"}[self.state]
        return f"[{sign}] {self.title}{detail}"


class AlertTarget(Protocol):
    """Where messages go."""

    @property
    def name(self) -> str:
        """Such as `webhook`."""
        ...

    def send(self, alert: Alert) -> None:
        """Deliver a message.

        Raises:
            OmniError: it was not delivered.
        """
        ...


class Delivery(Record):
    """A message that some targets have not got yet."""

    alert: Alert
    targets: tuple[str, ...]
    attempts: int = 0
    due: Moment


class AlertLedger(Record):
    """What was told: the alerts that are open, and the messages that are not delivered yet."""

    open: dict[str, Alert] = Field({})
    waiting: tuple[Delivery, ...] = ()


def read_ledger(home: Home) -> AlertLedger:
    """The ledger of a home; an empty one if there is none, or if it is damaged."""
    try:
        return opened(home.alerts.read_bytes(), AlertLedger)
    except (OSError, ValueError):
        return AlertLedger()


def tell(
    home: Home,
    found: Sequence[TroubleFound],
    unknown: Sequence[str],
    targets: Sequence[AlertTarget],
    now: datetime | None = None,
) -> list[str]:
    """Compare what is wrong with what was told, and send a message for each difference. Returns what happened.

    Args:
        home: of which the ledger is kept.
        found: everything that is wrong now.
        unknown: keys of which it is not known at the moment whether they are wrong; they stay as they are.
        targets: where messages go.
        now: the time; default: that of the system.
    """
    moment = now or datetime.now(UTC)
    before = read_ledger(home)
    wrong = {trouble.key: trouble for trouble in found}
    opened = [_opened(home, trouble, moment) for key, trouble in wrong.items() if key not in before.open]
    over = [
        alert.model_copy(update={"state": AlertState.OVER, "at": moment})
        for key, alert in before.open.items()
        if key not in wrong and key not in unknown
    ]
    names = tuple(target.name for target in targets)
    fresh = [Delivery(alert=alert, targets=names, due=moment) for alert in [*opened, *over]]
    is_open = {key: alert for key, alert in before.open.items() if key in wrong or key in unknown}
    is_open |= {alert.key: alert for alert in opened}
    waiting = [delivery for delivery in [*before.waiting, *fresh] if set(delivery.targets) & set(names)]
    ledger = AlertLedger(open=is_open, waiting=tuple(waiting))
    if ledger != before:
        _write(home, ledger)  # before anything is sent: what is written down is delivered even if this process ends
    said = [alert.line for alert in [*opened, *over]]
    down: set[str] = set()
    rest = [_deliver(delivery, targets, moment, said, down) for delivery in waiting]
    left = tuple(delivery for delivery in rest if delivery is not None)
    if left != ledger.waiting:
        _write(home, ledger.model_copy(update={"waiting": left}))
    return said


def _opened(home: Home, trouble: TroubleFound, moment: datetime) -> Alert:
    return Alert(
        id=ids.text_hash(str(home.root), trouble.key, moment.isoformat()),
        state=AlertState.OPEN,
        home=str(home.root),
        since=moment,
        at=moment,
        **trouble.model_dump(),
    )


def _deliver(
    delivery: Delivery, targets: Sequence[AlertTarget], moment: datetime, said: list[str], down: set[str]
) -> Delivery | None:
    """Send a message to the targets that have not got it; what is left to do, or None.

    A target that failed once is in `down`, and is not tried again before the next look: each attempt takes seconds.
    """
    if delivery.due > moment:
        return delivery
    failed = []
    for target in targets:
        if target.name not in delivery.targets:
            continue
        if target.name in down:
            failed.append(target.name)
            continue
        try:
            target.send(delivery.alert)
        except OmniError as error:
            failed.append(target.name)
            down.add(target.name)
            said.append(f"{target.name} did not get {delivery.alert.title!r}: {error.message}")
    if not failed or moment - delivery.alert.at > GIVEN_UP:
        return None
    pause = min(FIRST_PAUSE * 2**delivery.attempts, LONGEST_PAUSE)
    return delivery.model_copy(
        update={"targets": tuple(failed), "attempts": delivery.attempts + 1, "due": moment + pause}
    )


def try_targets(home: Home, targets: Sequence[AlertTarget]) -> Mapping[str, str]:
    """Send a test message to each target: name to what went wrong, "" where it was delivered."""
    now = datetime.now(UTC)
    alert = Alert(
        id=ids.text_hash(str(home.root), "test", now.isoformat()),
        state=AlertState.TEST,
        key="test",
        title="omni alerts test",
        detail="if you can read this, alerts arrive",
        is_error=False,
        home=str(home.root),
        since=now,
        at=now,
    )
    results = {}
    for target in targets:
        try:
            target.send(alert)
            results[target.name] = ""
        except OmniError as error:
            results[target.name] = error.message
    return results


def _write(home: Home, ledger: AlertLedger) -> None:
    home.alerts.parent.mkdir(exist_ok=True)
    write_whole(home.alerts, sealed(ledger))
