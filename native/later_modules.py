"""Modules that others import and rarely use: they are imported when something of them is used."""

import functools
import sys
import threading
from collections.abc import Iterable
from importlib import import_module
from types import ModuleType
from typing import Any

_importing = threading.RLock()


class _LaterModule(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what the import system asks of a module
            raise AttributeError(name)
        return getattr(_imported(self), name)


def import_later(name: str, functions: Iterable[str], **known: object) -> None:
    """Let a module be imported when something of it is used, unless it was imported already.

    `functions` can be imported from it before that, to be called later; `known` are its names that are known already.
    """
    if name in sys.modules:
        return
    package, _, own_name = name.rpartition(".")
    later = sys.modules[name] = _LaterModule(name)
    setattr(import_module(package), own_name, later)
    vars(later).update(known)
    vars(later).update({function: functools.partial(_call, later, function) for function in functions})


def _call(later: _LaterModule, function: str, *arguments: object, **options: object) -> object:
    return getattr(_imported(later), function)(*arguments, **options)


def _imported(later: _LaterModule) -> ModuleType:
    with _importing:
        if sys.modules.get(later.__name__) is later:
            del sys.modules[later.__name__]
        return import_module(later.__name__)
