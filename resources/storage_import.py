"""Importing Dagster's storage without what a run does not use: a twelfth of the CPU time of a small `omni ingest`.

Dagster imports alembic, which migrates databases, and structlog, which imports rich to colour its lines. alembic is
imported here when something is asked of it, and structlog goes without rich, as it does where rich is not installed.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

_STORAGE = "dagster._core.storage.sql"
_MIGRATIONS = (
    "alembic",
    "alembic.command",
    "alembic.config",
    "alembic.runtime",
    "alembic.runtime.environment",
    "alembic.runtime.migration",
    "alembic.script",
)


class Later:
    """An object that is made when something is asked of it."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make

    def __getattr__(self, name: str) -> Any:
        return getattr(self._make(), name)

    def __call__(self, *arguments: object, **options: object) -> object:
        """Call the object."""
        return self._make()(*arguments, **options)


class _LaterModule(ModuleType):
    """A module whose names can be imported from it before it is imported itself."""

    def __getattr__(self, name: str) -> Later:
        if name.startswith("__"):  # what the import system asks of a module
            raise AttributeError(name)
        return Later(lambda: getattr(import_module(self.__name__), name))


def import_storage() -> None:
    """Import the module of Dagster that imports alembic and structlog, if no other has imported it."""
    if _STORAGE in sys.modules:
        return
    with _in_place_of({name: _LaterModule(name) for name in _MIGRATIONS if name not in sys.modules}):
        import_module(_STORAGE)
    with _in_place_of({"rich": None}):
        import_module("structlog")


@contextmanager
def _in_place_of(modules: Mapping[str, ModuleType | None]) -> Iterator[None]:
    """Let imports find these modules; None is found as a module that is not installed."""
    absent = object()
    before = {name: sys.modules.get(name, absent) for name in modules}
    sys.modules.update(modules)  # type: ignore[arg-type]  # None is what the import system looks for
    try:
        yield
    finally:
        for name, module in before.items():
            if module is absent:
                del sys.modules[name]
            else:
                sys.modules[name] = module  # type: ignore[assignment]
