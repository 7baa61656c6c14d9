"""The checksums of all files of the tables of a release: rows, deletions, indexes and manifests.

Lance keeps no checksums, and never changes a file that it has written. So a file is read once, for the first release
that names it; later releases take over its checksum. Damage in between cannot become the truth.
"""

from collections.abc import Iterator

from native import lance_files
from native.lance_tables import LanceTable, TableVersion
from omni_pipelines.home import Home
from omni_pipelines.ids import file_content_hash
from omni_pipelines.knowledge.state.releases import newest_release
from omni_pipelines.records import Release
from omni_pipelines.sharing.push import has_unique_name


def with_checksums(home: Home, release: Release) -> Release:
    """A release with the checksum of every file of its tables. One that has them keeps them.

    Raises:
        EngineError: a table cannot be opened.
        OSError: a file cannot be read.
    """
    if release.files:
        return release
    before = newest_release(home)
    known = before.files if before is not None else {}
    files = {
        path: (has_unique_name(path) and known.get(path)) or file_content_hash(home.root / path)
        for path in _paths(home, release)
    }
    return release.model_copy(update={"files": files})


def _paths(home: Home, release: Release) -> Iterator[str]:
    for name, pinned in sorted(release.tables.items()):
        table = LanceTable(home.table(name))
        for file in lance_files.version_files(table, TableVersion.parse(pinned).version):
            yield f"tables/{table.path.name}/{file}"
