"""The path by which Lance opens a table, in a folder of any name.

Lance 14 takes most paths as they are, but keeps tags beside a folder whose name has other characters than a URL may
have, in one with percent signs for them, and refuses control characters. Such a folder gets a link with a plain name.
"""

import os
import re
import tempfile
import threading
from pathlib import Path

from native.errors import EngineError

_PLAIN = re.compile(r"[\w /.,:;=@&$!'()+-]*", re.ASCII)
"""Paths that Lance takes as they are."""
_TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm")
"""Folders for links if the path of the usual temporary folder is not plain itself."""
_lock = threading.Lock()
_links: dict[Path, Path] = {}
"""Folder to the link to it. Lance reads its files later as well, so a link stays as long as the process."""
_folders: list[tempfile.TemporaryDirectory[str]] = []
"""What holds the links; deleted when the process ends."""


def lance_path(table: Path) -> str:
    """The path to give to Lance for a table.

    Raises:
        EngineError: the folder needs a link, and there is no place for it.
    """
    if _PLAIN.fullmatch(str(table)):
        return str(table)
    folder = table.parent.absolute()
    with _lock:
        if folder not in _links or not _links[folder].is_symlink():  # somebody may have tidied up
            _links[folder] = _link_to(folder)
        return str(_links[folder] / table.name)


def _link_to(folder: Path) -> Path:
    candidates = (tempfile.gettempdir(), *_TEMPORARY)
    place = next((each for each in candidates if _PLAIN.fullmatch(each) and os.access(each, os.W_OK)), None)
    if place is None:
        cure = "set TMPDIR to a folder that can be written and whose path has only ASCII letters and digits"
        raise EngineError(f"no temporary folder for a link to {folder}", cure=cure, code="4001")
    held = tempfile.TemporaryDirectory(prefix="omni-tables-", dir=place)
    _folders.append(held)
    link = Path(held.name, "tables")
    link.symlink_to(folder, target_is_directory=True)
    return link
