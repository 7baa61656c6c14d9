"""Pins: releases that collection keeps. Each pin is a small file, and its name alone keeps the release."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from native.durable import sync_file, write_whole
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.releases import release_number, require_release
from omni_pipelines.records import Pin, opened, sealed


def list_pins(home: Home) -> dict[int, Pin]:
    """Pins by release number, in ascending order."""
    numbers = filter(None, (release_number(path.name) for path in home.pins.glob("*.json")))
    return {number: _read(number, _file(home, number)) for number in sorted(numbers)}


def _read(number: int, path: Path) -> Pin:
    try:
        read = opened(path.read_bytes(), Pin)
    except (OSError, ValueError):
        return Pin(release=number)
    return read if read.release == number else Pin(release=number)


def pin(home: Home, number: int, reason: str = "") -> Pin:
    """Keep a release; a later reason replaces an earlier one. Hold the writer lock, so that collection cannot run.

    Raises:
        ConfigurationError: there is no such release.
    """
    made = Pin(release=require_release(home, number).release, reason=reason, at=datetime.now(UTC))
    home.pins.mkdir(exist_ok=True)
    write_whole(_file(home, number), sealed(made))
    return made


def unpin(home: Home, number: int) -> None:
    """Remove a pin. The next publish then collects the release if enough newer ones are kept.

    Raises:
        ConfigurationError: the release is not pinned.
    """
    path = _file(home, number)
    if not path.exists():
        raise ConfigurationError(f"release {number} is not pinned", cure="see: omni releases list")
    path.unlink()
    sync_file(home.pins)


def write_pins(home: Home, pins: Mapping[int, Pin]) -> None:
    """Replace all pins by these. Hold the writer lock."""
    home.pins.mkdir(exist_ok=True)
    for number in list_pins(home).keys() - pins.keys():
        _file(home, number).unlink()
    for number, each in pins.items():
        write_whole(_file(home, number), sealed(each))


def _file(home: Home, number: int) -> Path:
    return home.pins / f"{number}.json"
