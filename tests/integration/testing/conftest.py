"""Sample projects: one that turned layers on, and one that only has the package installed."""

from __future__ import annotations

import pytest

TEST = "def test_it(): pass\n"
PLAIN = "[pytest]\naddopts = --disable-plugin-autoload --import-mode=importlib -p omni_test_kit -p timeout\n"
"""Other plug-ins of this environment would slow the small runs down and change their output."""
LAYERED = PLAIN + "    --strict-markers --strict-config\nomni_layers = true\n"


def fill(pytester: pytest.Pytester) -> None:
    for folder in ("unit", "integration", "cloud", "stress", "e2e", "elsewhere"):
        path = pytester.path / "tests" / folder
        path.mkdir(parents=True)
        (path / "test_it.py").write_text(TEST)


@pytest.fixture
def layered_project(pytester: pytest.Pytester) -> pytest.Pytester:
    """Six tests: one in each of five layers, and one without a layer."""
    fill(pytester)
    pytester.makeini(LAYERED)
    return pytester


@pytest.fixture
def plain_project(pytester: pytest.Pytester) -> pytest.Pytester:
    """The same six tests in a project without the setting."""
    fill(pytester)
    pytester.makeini(PLAIN)
    return pytester


@pytest.fixture
def empty_project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project without tests and without the setting."""
    pytester.makeini(PLAIN)
    return pytester
