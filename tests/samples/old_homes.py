"""Homes of released versions, as small archives in `tests/data/homes`: later versions must read and continue them.

`python -m tests.samples.old_homes` writes the archive of the current version; run it once for each release, and keep
the archives of the versions before.
"""

from __future__ import annotations

import io
import tarfile
import tempfile
from importlib.metadata import version
from pathlib import Path

from omni_pipelines.home import Home
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.publishing.rollback import roll_back
from omni_pipelines.sources.claims import claimed
from omni_pipelines.sources.registry import load_sources, save_sources
from tests.integration.line import Line, write

FOLDER = Path(__file__).parents[1] / "data" / "homes"
FILES: dict[str, str | bytes] = {"walrus.md": "# Walrus\n\nThe walrus naps on the ice.\n", "damaged.md": b"\0\0"}
LATER = {"badger.md": "# Badger\n\nThe badger digs at night.\n"}
"""The files of the second release."""


def make(folder: Path) -> Line:
    """A home with three releases: the third shows the first one again. Its files are in `docs`."""
    line = Line(Home(folder / ".omni"))
    line.add(write(folder / "docs", FILES))
    line.run()
    write(folder / "docs", LATER)
    line.run()
    with writer_session(line.home, line.settings):
        roll_back(line.home, line.settings, 1, "rollback")
    return line


def unpack(archive: Path, folder: Path) -> Line:
    """The home in an archive, at another place."""
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    line = Line(Home(folder / ".omni"))
    moved = {"root": folder / "docs"}
    sources = [claimed(source.model_copy(update=moved)) for source in load_sources(line.home)]
    save_sources(line.home, sources)
    return line


def main() -> None:
    """Write the archive of the current version."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder)
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:xz", preset=9) as packed:
            for path in (folder / ".omni", folder / "docs"):
                packed.add(path, path.name)
    target = FOLDER / f"{version('omni-pipelines')}.tar.xz"
    target.write_bytes(buffer.getvalue())


if __name__ == "__main__":
    main()
