"""The port to object stores: lists and reads the objects below one prefix."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class ObjectInfo:
    """An object as the store describes it."""

    key: str
    """Relative to the prefix of the client."""
    size: int
    mtime_ns: int
    version_mark: str
    """Changes whenever the object does: its ETag and size, or what the store has instead."""


class ObjectClient(Protocol):
    """Lists and reads the objects below one prefix."""

    def list(self) -> Iterator[ObjectInfo]:
        """Every object below the prefix, in any order.

        Raises:
            SourceMissing: the listing cannot be completed, so the objects before prove nothing.
        """
        ...

    def describe(self, key: str) -> ObjectInfo:
        """One object, without its content.

        Raises:
            SourceMissing: it is not there, or the store does not answer.
        """
        ...

    def read(self, key: str, limit: int) -> tuple[bytes, str]:
        """The bytes of an object at one moment, at most `limit`, and its version mark.

        Raises:
            Unreadable: E_VANISHED, E_PERM, E_TOO_LARGE, E_CHANGED or E_IO.
        """
        ...
