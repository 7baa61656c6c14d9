"""A project of each kind of person: one who asked for layers, and one who only has the package installed."""

from __future__ import annotations

import pytest

TEST = "def test_it(): pass\n"
STRANGER = "[pytest]\naddopts = --import-mode=importlib -p omni_test_kit -p timeout\n"
LAYERED = STRANGER + "    --strict-markers --strict-config\nomni_layers = true\n"


def fill(pytester: pytest.Pytester) -> None:
    for folder in ("unit", "integration", "cloud", "stress", "e2e", "elsewhere"):
        place = pytester.path / "tests" / folder
        place.mkdir(parents=True)
        (place / "test_it.py").write_text(TEST)


@pytest.fixture(autouse=True)
def no_other_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other plug-ins of this environment make the small runs slow, and say things."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


@pytest.fixture
def layered(pytester: pytest.Pytester) -> pytest.Pytester:
    """Six tests: one in each of five layers, and one without."""
    fill(pytester)
    pytester.makeini(LAYERED)
    return pytester


@pytest.fixture
def stranger(pytester: pytest.Pytester) -> pytest.Pytester:
    """The same six tests in a project that never heard of layers."""
    fill(pytester)
    pytester.makeini(STRANGER)
    return pytester


@pytest.fixture
def bare(pytester: pytest.Pytester) -> pytest.Pytester:
    """An empty project in which the plug-in is loaded and not asked for anything."""
    pytester.makeini(STRANGER)
    return pytester
