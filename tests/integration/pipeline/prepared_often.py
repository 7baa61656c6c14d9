"""What another process does to the configuration of an instance. It imports as little as it can."""

from __future__ import annotations

from pathlib import Path

from omni_pipelines.home import Home
from resources.instance import prepare_instance


def prepare_often(root: str) -> None:
    for _ in range(200):
        prepare_instance(Home(Path(root)))
