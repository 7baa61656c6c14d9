"""The pytest plug-in `omni_test_kit`: layers, hang protection, and the fixtures of `omni_pipelines.testing.fixtures`.

Every pytest run of an environment with this package loads it, so it is cheap to import. Without `omni_layers = true`
in the pytest settings of the project, or one of its options, it only adds markers, options and fixtures.
`-p no:omni_test_kit` turns it off.
"""

import argparse
import contextlib
import os
from collections import Counter
from collections.abc import Generator

import pytest

from omni_pipelines.testing.budgets import LayerReport, read_budgets
from omni_pipelines.testing.layers import ALLOWANCES, DEADLINE_WITHOUT_LAYER, Layer
from omni_pipelines.testing.selection import SWITCH, Selection, conditional_skip, read_selection

pytest_plugins = ("omni_pipelines.testing.fixtures",)

_FLAGS = {
    "--fast": "run unit tests only",
    "--cloud": "also run cloud tests, which are left out by default",
    "--all-tests": "run the tests of every layer",
    "--layer-budgets": "list every test that exceeded the CPU budget of its layer",
    "--enforce-layer-budgets": "fail the run if a test exceeded the CPU budget of its layer",
}
_SELECTION = pytest.StashKey[Selection]()
_NO_TIMEOUT = (
    "omni test-kit: pytest-timeout is not installed, so a test that hangs blocks the run; "
    "run: pip install 'omni-pipelines[testing]'"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--layer` and the settings; the flags follow later."""
    parser.getgroup("layers", "test layers (omni_test_kit)").addoption(
        "--layer",
        action="append",
        dest="omni_layer",
        metavar="NAME",
        help=f"run the tests of this layer only; repeatable: {', '.join(Layer)}",
    )
    parser.addini(SWITCH, "give tests a layer by their folder, and leave out cloud tests", "bool", default=False)
    parser.addini("omni_layer_budgets", "CPU seconds a test of a layer may take: unit=0.2", "linelist", default=[])


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(parser: pytest.Parser) -> Generator[None, object, object]:
    """Add the flags after loading the conftest files: if one of them defines its own `--fast`, that one is kept."""
    result = yield
    group = parser.getgroup("layers")
    for flag, text in _FLAGS.items():
        dest = f"omni_{flag.removeprefix('--').replace('-', '_')}"
        with contextlib.suppress(ValueError, argparse.ArgumentError):
            group.addoption(flag, action="store_true", dest=dest, default=False, help=text)
    return result


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, read the options, and choose how pytest-timeout ends a hang."""
    for layer, allowance in ALLOWANCES.items():
        config.addinivalue_line("markers", f"{layer}: {allowance.meaning}")
    config.addinivalue_line("markers", "skip_if_cloud(reason): skipped in a run with cloud tests")
    config.addinivalue_line("markers", "only_cloud(reason): skipped in a run without cloud tests")
    selection = config.stash[_SELECTION] = read_selection(config)
    if selection.by_folder:
        _report(config)
        if _has_timeout(config) and not _setting(config, "timeout_method"):
            # the method "signal" raises in the main thread, where native code and except clauses swallow it
            config.option.timeout_method = "thread"


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Which layers run, and whether hangs are ended."""
    selection = config.stash[_SELECTION]
    if not selection.by_folder:
        return []
    everything = "all layers" if selection.cloud else "all layers without cloud"
    header = [f"omni test-kit: {', '.join(sorted(selection.layers)) if selection.layers else everything}"]
    return header if _has_timeout(config) else [*header, _NO_TIMEOUT]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give each test its layer, before `-m` selects by marks, and deselect the tests of other layers."""
    selection = config.stash[_SELECTION]
    kept: list[pytest.Item] = []
    dropped: list[pytest.Item] = []
    for item in items:
        layer = selection.layer_of(item)
        _mark(config, selection, item, layer)
        (kept if selection.keeps(layer) else dropped).append(item)
    if any(item.stash.get(LayerReport.layer, None) for item in items):
        _report(config).deselected = Counter(str(item.stash[LayerReport.layer] or "") for item in dropped)
    if dropped:
        items[:] = kept
        config.hook.pytest_deselected(items=dropped)


def _mark(config: pytest.Config, selection: Selection, item: pytest.Item, layer: Layer | None) -> None:
    item.stash[LayerReport.layer] = layer
    if layer is not None and item.get_closest_marker(layer) is None:
        item.add_marker(str(layer))  # a plain string: keywords travel from the workers of pytest-xdist
    if (reason := conditional_skip(selection, item)) is not None:
        item.add_marker(pytest.mark.skip(reason=reason))
    if selection.by_folder and _has_timeout(config) and not _timeout(config, item):
        deadline = ALLOWANCES[layer].deadline_seconds if layer else DEADLINE_WITHOUT_LAYER
        item.add_marker(pytest.mark.timeout(deadline))


def _timeout(config: pytest.Config, item: pytest.Item) -> bool:
    """Whether the project or the test sets a deadline itself."""
    return bool(item.get_closest_marker("timeout") or _setting(config, "timeout") or os.environ.get("PYTEST_TIMEOUT"))


def _setting(config: pytest.Config, name: str) -> bool:
    """Whether an option or a setting of pytest-timeout was given."""
    return config.getoption(name, None) is not None or bool(config.getini(name))


def _has_timeout(config: pytest.Config) -> bool:
    return config.pluginmanager.hasplugin("timeout")


def _report(config: pytest.Config) -> LayerReport:
    """The report of this run, registered as a plug-in on first use."""
    if isinstance(registered := config.pluginmanager.get_plugin(LayerReport.name), LayerReport):
        return registered
    report = LayerReport(
        read_budgets(config.getini("omni_layer_budgets")),
        asked_by=config.stash[_SELECTION].asked_by,
        in_full=bool(config.getoption("omni_layer_budgets", False)),
        enforced=bool(config.getoption("omni_enforce_layer_budgets", False)),
    )
    config.pluginmanager.register(report, LayerReport.name)
    return report
