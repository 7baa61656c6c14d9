"""Importing Lance without `pyarrow.compute`, which makes 300 functions when it is imported: a twentieth of a search.

Lance imports it for one class, and `pyarrow.dataset` for two functions more.
"""

import sys
from importlib import import_module
from types import ModuleType

from native.later_modules import import_later


def import_lance() -> ModuleType:
    """The package `lance`."""
    if "lance" not in sys.modules:
        from pyarrow._compute import Expression

        import_later("pyarrow.compute", ("field", "scalar"), Expression=Expression)
    return import_module("lance")
