"""Pins of releases, in the home and in the store that it shares."""

from omni_pipelines.home import Home
from omni_pipelines.knowledge.state import pins
from omni_pipelines.knowledge.state.releases import require_release
from omni_pipelines.records import Pin
from omni_pipelines.settings import Settings
from omni_pipelines.sharing.joining import member_of


def pin(home: Home, settings: Settings, number: int, reason: str = "") -> Pin:
    """Keep a release in every home. Hold the writer lock.

    Raises:
        ConfigurationError: there is no such release, or another home is dropping it.
    """
    require_release(home, number)
    member = member_of(home, settings)
    if member is not None:
        member.bucket.pin(Pin(release=number, reason=reason))
    return pins.pin(home, number, reason)


def unpin(home: Home, settings: Settings, number: int) -> None:
    """Let a release be collected. Hold the writer lock.

    Raises:
        ConfigurationError: it is not pinned.
    """
    pins.unpin(home, number)
    member = member_of(home, settings)
    if member is not None:
        member.bucket.unpin(number)
