"""Select which layers run, from the options and the settings of the project."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from omni_pipelines.testing.layers import UNKNOWN, Layer, get_test_layer, is_ours

SWITCH = "omni_layers"
"""The setting that turns layers on. Without it and without one of our options, only tests with our decorators are
affected, because every pytest run of an environment with this package loads the plug-in."""


@dataclass(frozen=True)
class Selection:
    """The tests that run."""

    layers: frozenset[Layer] | None
    """Only these layers; None for all."""
    cloud: bool
    """Whether cloud tests run."""
    by_folder: bool
    """Whether tests get a layer from their folder."""
    asked_by: str
    """The options as typed; "" for none."""

    def keeps(self, layer: Layer | None) -> bool:
        """Whether tests of a layer run; None stands for tests without a layer."""
        return self.cloud if layer is Layer.CLOUD else self.layers is None or layer in self.layers

    def layer_of(self, item: pytest.Item) -> Layer | None:
        """The layer of a test: its nearest mark, else its folder."""
        for mark in item.iter_markers():
            if mark.name in set(Layer) and (self.by_folder or is_ours(mark)):
                return Layer(mark.name)
        if not self.by_folder:
            return None
        layers = (get_test_layer(path) for path in _paths(item))
        return next((Layer(layer) for layer in layers if layer != UNKNOWN), None)


def _paths(item: pytest.Item) -> list[Path]:
    """The path of a test in its project. Without a settings file, pytest's root may be any folder of the project."""
    path, root = item.path, item.config.rootpath
    inside = [path.relative_to(root)] if path.is_relative_to(root) else [path]
    return inside if item.config.inipath else [path, *inside]


def read_selection(config: pytest.Config) -> Selection:
    """The selection, from the options and the settings of the project.

    Raises:
        pytest.UsageError: an unknown layer, or options that exclude each other.
    """
    named = [_layer(name) for name in config.getoption("omni_layer", None) or ()]
    flags = {flag: bool(config.getoption(flag, False)) for flag in ("omni_fast", "omni_cloud", "omni_all_tests")}
    fast, cloud, everything = flags.values()
    given = [f"--layer {name}" for name in named]
    given += [f"--{flag.removeprefix('omni_').replace('_', '-')}" for flag, on in flags.items() if on]
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
        from omni_pipelines.errors import nearest  # the plug-in itself must load fast

        hint = nearest(name, list(Layer), f"layers: {', '.join(Layer)}")
        raise pytest.UsageError(f"--layer {name}: there is no such layer; {hint}") from None


def conditional_skip(selection: Selection, item: pytest.Item) -> str | None:
    """Why a test under `skip_if_cloud` or `only_cloud` is skipped in this run; None if it is not."""
    unwanted = "skip_if_cloud" if selection.cloud else "only_cloud"
    mark = item.get_closest_marker(unwanted)
    if mark is None:
        return None
    given = mark.kwargs.get("reason") or next(iter(mark.args), "")
    return f"{mark.name}: {given}" if given else mark.name
