"""Workers on a Ray cluster, as far as they need no cluster."""

from __future__ import annotations

import sys

import pytest

from native.errors import EngineError
from native.ray_workers import LEAST_ITEMS, RayWorkers


def twice(item: int) -> list[int]:
    return [2 * item]


def test_few_items_are_worked_off_here_without_a_cluster() -> None:
    found = list(RayWorkers("nowhere.invalid:1").map(twice, range(LEAST_ITEMS - 1)))
    assert [(item, list(results)) for item, results in found] == [(n, [2 * n]) for n in range(LEAST_ITEMS - 1)]


def test_without_ray_the_cure_is_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(EngineError, match=r"Ray is not installed; pip install .omni-pipelines\[ray\]"):
        list(RayWorkers("auto").map(twice, range(LEAST_ITEMS)))
