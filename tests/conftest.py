"""What every test stands on: a home of its own, and no settings of the developer's."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from omni_pipelines.settings import Home

hypothesis.settings.register_profile("omni", deadline=None)  # a busy machine is no failure
hypothesis.settings.load_profile("omni")


@pytest.fixture(autouse=True)
def no_settings_of_the_developer(clean_settings: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Models stay where they are; everything else of OMNI_* is hidden."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def pipes_as_they_were() -> Iterator[None]:
    """`omni` ends quietly when its reader goes. A test process that ran it would die of the next broken pipe."""
    before = signal.getsignal(signal.SIGPIPE)
    yield
    signal.signal(signal.SIGPIPE, before)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / ".omni")
    home.create()
    return home
