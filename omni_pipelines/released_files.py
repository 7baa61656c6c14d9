"""Which files below a home a record from elsewhere may name: it must not make the home write anywhere else."""

import re
from collections.abc import Collection, Iterator
from itertools import accumulate

FILE_NAME = r"\.?[A-Za-z0-9_-][A-Za-z0-9_.-]{0,199}"
"""The name of one file or folder, as a pattern."""
_MAX_DEPTH = 8


def require_released_files(paths: Collection[str], folders: Collection[str]) -> None:
    """Check that paths are relative paths of files in these folders of a home, and that all can exist at once.

    Raises:
        ValueError: one is not.
    """
    allowed = re.compile(rf"(?:{'|'.join(map(re.escape, folders))})(?:/{FILE_NAME}){{1,{_MAX_DEPTH}}}")
    for path in paths:
        if not allowed.fullmatch(path):
            raise ValueError(f"{path!r} does not belong in a home")
    above = {folder for path in paths for folder in _folders_above(path)}
    for path in paths:
        if path in above:
            raise ValueError(f"{path!r} is both a file and a folder")
    if len({path.casefold() for path in paths}) < len(paths):
        raise ValueError("two files differ only in upper and lower case")


def _folders_above(path: str) -> Iterator[str]:
    return accumulate(path.split("/")[:-1], lambda folder, name: f"{folder}/{name}")


def table_folder(name: str) -> str:
    """The folder of a table."""
    return f"tables/{name}.lance"


def generation_folder(generation: str) -> str:
    """The folder of a generation of the keyword index."""
    return f"keyword/{generation}"
