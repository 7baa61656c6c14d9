"""What lists and reads the objects below one prefix: the port that S3 and fsspec implement."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Stored:
    """An object as the store lists it."""

    key: str
    """Below the prefix of the client, which ends at a slash."""
    size: int
    mtime_ns: int
    mark: str
    """Changes whenever the object does: its ETag and size, or what stands for them."""


class ObjectClient(Protocol):
    """Lists and reads the objects below one prefix."""

    def list(self) -> Iterator[Stored]:
        """Every object below the prefix, in any order.

        Raises:
            SourceMissing: the listing cannot be finished. What came before is no proof of anything.
        """
        ...

    def stat(self, key: str) -> Stored:
        """One object.

        Raises:
            SourceMissing: it is not there, or the store does not say.
        """
        ...

    def read(self, key: str, limit: int) -> tuple[bytes, str]:
        """The bytes of an object at one moment, at most `limit`, and its mark.

        Raises:
            Unreadable: E_VANISHED, E_PERM, E_TOO_LARGE, E_CHANGED or E_IO.
        """
        ...
