"""Finds the folders of a git repository as git does. A folder that cannot be read counts as no repository."""

import os
from dataclasses import dataclass
from pathlib import Path

_MAX_LINE_BYTES = 4_096
_LINK = "gitdir: "


@dataclass(frozen=True)
class RepositoryFolders:
    """The folders of a repository."""

    head: Path
    """The one with HEAD: that of a linked working tree, or the repository itself."""
    common: Path
    """The one with objects and references, which all working trees share."""


def repository_folders(path: Path) -> RepositoryFolders | None:
    """The folders of the repository at a path: a folder, or a file that names one; None if there is none."""
    place = str(path)  # the functions of os.path say no where those of Path raise PermissionError
    if os.path.isfile(place):
        named = first_line(place)
        if not named.startswith(_LINK):
            return None
        place = os.path.realpath(os.path.join(os.path.dirname(place), named.removeprefix(_LINK)))
    if not os.path.isfile(os.path.join(place, "HEAD")):
        return None
    common = os.path.realpath(os.path.join(place, first_line(os.path.join(place, "commondir"))))
    if not os.path.isdir(os.path.join(common, "objects")):
        return None
    return RepositoryFolders(Path(place), Path(common))


def first_line(path: str | Path) -> str:
    """The first line of a file; "" if it cannot be read, or holds a zero byte, which no path has."""
    if not os.path.isfile(path):
        return ""
    try:
        with open(path, "rb") as file:
            line = file.readline(_MAX_LINE_BYTES)
    except OSError:
        return ""
    return "" if b"\0" in line else os.fsdecode(line).rstrip("\r\n")
