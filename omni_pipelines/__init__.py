"""A knowledge pipeline: documents in, releases out, cited answers from them.

    from omni_pipelines import Librarian

The name is imported when it is first used, so that importing the package or one of its modules loads nothing else.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from omni_pipelines.knowledge.librarian import Librarian

__all__ = ["Librarian"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("omni_pipelines.knowledge.librarian"), name)
