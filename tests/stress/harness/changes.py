"""Commands that change a knowledge base without reading its sources, as jobs of a writer process."""

from __future__ import annotations

from collections.abc import Callable

from native import lance_maintenance
from omni_pipelines.erasure.erase import erase
from omni_pipelines.home import Home
from omni_pipelines.operations import maintenance
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.publishing.rollback import roll_back
from omni_pipelines.schemas import TABLES
from omni_pipelines.settings import Settings
from omni_pipelines.steps.step_table import new_run
from tests.stress.harness.stores import ENGINES


def compact(home: Home, _settings: Settings, _target: str) -> None:
    """`omni db compact`."""
    lance_maintenance.MAX_FRAGMENTS = 1
    for table in TABLES.values():
        maintenance.compact(home, table)


def migrate(home: Home, _settings: Settings, _target: str) -> None:
    """`omni db migrate --force`, as if every table had another format."""
    maintenance.plan_migration = lambda *_: ["another format"]
    for table in TABLES.values():
        maintenance.migrate(home, table)


def optimize(home: Home, _settings: Settings, _target: str) -> None:
    """Train the vector index again."""
    maintenance.optimize_vectors(home, retrain=True)


def forget(home: Home, settings: Settings, target: str) -> None:
    """`omni forget DOCUMENT`."""
    erase(new_run(home, settings, ENGINES, "forget"), target)


def rollback(home: Home, settings: Settings, target: str) -> None:
    """`omni releases rollback NUMBER`."""
    roll_back(home, settings, int(target), "rollback")


def pull(_home: Home, _settings: Settings, _target: str) -> None:
    """`omni store pull`: the session has done it."""


PUBLISHED = {"compact": compact, "migrate": migrate, "optimize": optimize}
"""What makes new versions of the same rows, and publishes them."""
CHANGES: dict[str, Callable[[Home, Settings, str], None]] = {
    **PUBLISHED,
    "forget": forget,
    "rollback": rollback,
    "pull": pull,
}


def change(name: str, home: Home, settings: Settings, target: str) -> None:
    """Make a change under the lock, as its command does."""
    with writer_session(home, settings, sync=True):
        CHANGES[name](home, settings, target)
        if name in PUBLISHED:
            maintenance.publish_if_consistent(home, settings, name)
