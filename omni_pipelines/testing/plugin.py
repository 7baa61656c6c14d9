"""The pytest plug-in `omni_test_kit`: layers, hang protection, and the fixtures of `omni_pipelines.testing.fixtures`.

It is loaded into every pytest run of an environment that has the package, so it is cheap to import and keeps out of
the way: without `omni_layers = true` in the project's pytest settings, or one of its options, it only adds markers,
options and fixtures. `-p no:omni_test_kit` turns it off.
"""

from __future__ import annotations

import argparse
import contextlib
import os
from collections import Counter
from collections.abc import Generator
from typing import Any

import pytest

from omni_pipelines.testing.budgets import LayerReport, read_budgets
from omni_pipelines.testing.layers import ALLOWANCES, DEADLINE_WITHOUT_LAYER, Layer
from omni_pipelines.testing.selection import SWITCH, Selection, conditional_skip, read_selection

pytest_plugins = ("omni_pipelines.testing.fixtures",)

_FLAGS = {
    "--fast": "run unit tests only",
    "--cloud": "run cloud tests as well; they are left out otherwise",
    "--all-tests": "run the tests of every layer",
    "--layer-budgets": "list every test that went over the CPU budget of its layer",
    "--enforce-layer-budgets": "fail the run if a test went over the CPU budget of its layer",
}
_SELECTION = pytest.StashKey[Selection]()
_NO_TIMEOUT = (
    "omni test-kit: pytest-timeout is not installed, so a test that hangs hangs the run; "
    "cure: pip install 'omni-pipelines[testing]'"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--layer` and the settings; the flags come later."""
    parser.getgroup("layers", "test layers (omni_test_kit)").addoption(
        "--layer",
        action="append",
        dest="omni_layer",
        metavar="NAME",
        help=f"run the tests of this layer only; repeatable: {', '.join(Layer)}",
    )
    parser.addini(SWITCH, "give tests a layer by their folder, and leave cloud tests out", "bool", default=False)
    parser.addini("omni_layer_budgets", "CPU seconds a test of a layer may take: unit=0.2", "linelist", default=[])


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(parser: pytest.Parser) -> Generator[None, Any, Any]:
    """Add the flags after the project's conftest files: where one has a `--fast` of its own, that one stays."""
    result = yield
    group = parser.getgroup("layers")
    for flag, text in _FLAGS.items():
        dest = f"omni_{flag.removeprefix('--').replace('-', '_')}"
        with contextlib.suppress(ValueError, argparse.ArgumentError):
            group.addoption(flag, action="store_true", dest=dest, default=False, help=text)
    return result


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, read the options, and choose how a hang is ended before pytest-timeout looks."""
    for layer, allowance in ALLOWANCES.items():
        config.addinivalue_line("markers", f"{layer}: {allowance.meaning}")
    config.addinivalue_line("markers", "skip_if_cloud(reason): skipped in a run with cloud tests")
    config.addinivalue_line("markers", "only_cloud(reason): skipped in a run without cloud tests")
    selection = config.stash[_SELECTION] = read_selection(config)
    if selection.by_folder:
        _report(config)
        if _has_timeout(config) and not _setting(config, "timeout_method"):
            # the other method raises in the main thread, where native code and `except` clauses swallow it
            config.option.timeout_method = "thread"


def pytest_report_header(config: pytest.Config) -> list[str]:
    """What runs, and whether hangs are ended."""
    selection = config.stash[_SELECTION]
    if not selection.by_folder:
        return []
    everything = "all layers" if selection.cloud else "all layers without cloud"
    header = [f"omni test-kit: {', '.join(sorted(selection.layers)) if selection.layers else everything}"]
    return header if _has_timeout(config) else [*header, _NO_TIMEOUT]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give each test its layer, before `-m` looks at marks, and leave out what the run is not about."""
    selection = config.stash[_SELECTION]
    kept: list[pytest.Item] = []
    dropped: list[pytest.Item] = []
    counts: Counter[str] = Counter()
    for item in items:
        layer = selection.layer_of(item)
        _mark(config, selection, item, layer)
        if selection.keeps(layer):
            kept.append(item)
        else:
            dropped.append(item)
            counts[str(layer or "")] += 1
    if any(item.stash.get(LayerReport.layer, None) for item in items):
        _report(config).deselected = counts
    if dropped:
        items[:] = kept
        config.hook.pytest_deselected(items=dropped)


def _mark(config: pytest.Config, selection: Selection, item: pytest.Item, layer: Layer | None) -> None:
    item.stash[LayerReport.layer] = layer
    if layer is not None and item.get_closest_marker(layer) is None:
        item.add_marker(str(layer))  # a plain string: keywords travel from the workers of pytest-xdist
    reason = conditional_skip(selection, item)
    if reason is not None:
        item.add_marker(pytest.mark.skip(reason=reason))
    if selection.by_folder and _has_timeout(config) and not _timeout(config, item):
        deadline = ALLOWANCES[layer].deadline_seconds if layer else DEADLINE_WITHOUT_LAYER
        item.add_marker(pytest.mark.timeout(deadline))


def _timeout(config: pytest.Config, item: pytest.Item) -> bool:
    """Whether somebody else set a deadline for this test."""
    return bool(item.get_closest_marker("timeout") or _setting(config, "timeout") or os.environ.get("PYTEST_TIMEOUT"))


def _setting(config: pytest.Config, name: str) -> bool:
    """Whether an option or a setting of pytest-timeout was given."""
    return config.getoption(name, None) is not None or bool(config.getini(name))


def _has_timeout(config: pytest.Config) -> bool:
    return config.pluginmanager.hasplugin("timeout")


def _report(config: pytest.Config) -> LayerReport:
    """The report of this run; it starts to listen when it is first asked for."""
    found = config.pluginmanager.get_plugin(LayerReport.name)
    if isinstance(found, LayerReport):
        return found
    report = LayerReport(
        read_budgets(config.getini("omni_layer_budgets")),
        asked_by=config.stash[_SELECTION].asked_by,
        in_full=bool(config.getoption("omni_layer_budgets", False)),
        enforced=bool(config.getoption("omni_enforce_layer_budgets", False)),
    )
    config.pluginmanager.register(report, LayerReport.name)
    return report
