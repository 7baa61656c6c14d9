"""Which layers a run is about: from its options, and from whether the project asked for layers at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from omni_pipelines.testing.layers import UNKNOWN, Layer, get_test_layer, is_ours

SWITCH = "omni_layers"
"""The setting by which a project asks for layers. Without it, and without an option of ours, only tests under our
decorators are touched: this plug-in is loaded into every run of an environment that has the package."""


@dataclass(frozen=True)
class Selection:
    """What runs."""

    layers: frozenset[Layer] | None
    """Only these; None for all."""
    cloud: bool
    """Whether cloud tests are in the run."""
    by_folder: bool
    """Whether tests get a layer from where they stand."""
    asked_by: str
    """The options, as a person typed them; "" for none."""

    def keeps(self, layer: Layer | None) -> bool:
        """Whether tests of a layer run; None for tests that have none."""
        if layer is Layer.CLOUD:
            return self.cloud
        return self.layers is None or layer in self.layers

    def layer_of(self, item: pytest.Item) -> Layer | None:
        """The layer of a test: its nearest mark, else its folder."""
        for mark in item.iter_markers():
            if mark.name in set(Layer) and (self.by_folder or is_ours(mark)):
                return Layer(mark.name)
        if not self.by_folder:
            return None
        found = (get_test_layer(place) for place in _places(item))
        return next((Layer(layer) for layer in found if layer != UNKNOWN), None)


def _places(item: pytest.Item) -> list[Path]:
    """The path of a test in its project. Without a settings file, pytest's root may be any folder of the project."""
    path, root = item.path, item.config.rootpath
    inside = [path.relative_to(root)] if path.is_relative_to(root) else [path]
    return inside if item.config.inipath else [path, *inside]


def read_selection(config: pytest.Config) -> Selection:
    """The selection that the options and the project's settings ask for.

    Raises:
        pytest.UsageError: an unknown layer, or options that exclude each other.
    """
    named = [_layer(name) for name in config.getoption("omni_layer", None) or ()]
    fast, cloud, everything = (
        bool(config.getoption(f"omni_{name}", False)) for name in ("fast", "cloud", "all_tests")
    )
    given = [f"--layer {name}" for name in named] + [
        flag for flag, on in (("--fast", fast), ("--cloud", cloud), ("--all-tests", everything)) if on
    ]
    if bool(named) + fast + everything > 1:
        raise pytest.UsageError(f"{' and '.join(given)} exclude each other; keep one (--fast means --layer unit)")
    chosen = {Layer.UNIT} if fast else set(named)
    if chosen and cloud:
        chosen.add(Layer.CLOUD)
    return Selection(
        layers=frozenset(chosen) or None,
        cloud=cloud or everything or Layer.CLOUD in chosen,
        by_folder=bool(config.getini(SWITCH)) or bool(given),
        asked_by=" ".join(given),
    )


def _layer(name: str) -> Layer:
    try:
        return Layer(name)
    except ValueError:
        from omni_pipelines.errors import nearest  # loading the plug-in loads nothing of it

        hint = nearest(name, list(Layer), f"layers: {', '.join(Layer)}")
        raise pytest.UsageError(f"--layer {name}: there is no such layer; {hint}") from None


def conditional_skip(selection: Selection, item: pytest.Item) -> str | None:
    """Why a test under `skip_if_cloud` or `only_cloud` is skipped in this run; None if it is not."""
    unwanted = "skip_if_cloud" if selection.cloud else "only_cloud"
    reasons: Iterable[str] = (_reason(mark) for mark in item.iter_markers(unwanted))
    return next(iter(reasons), None)


def _reason(mark: pytest.Mark) -> str:
    given = mark.kwargs.get("reason") or next(iter(mark.args), "")
    return f"{mark.name}: {given}" if given else mark.name
