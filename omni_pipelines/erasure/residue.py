"""Searches every place in a home that can contain something of a document: the proof of an erasure."""

import mmap
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from native.errors import EngineError
from native.lance_manifests import manifest_path
from native.lance_tables import LanceTable, TableVersion
from native.tantivy_index import KeywordIndex
from omni_pipelines.home import Home
from omni_pipelines.records import Release
from omni_pipelines.schemas import FILTERS

_ID_COLUMNS = ("doc_id", "quarantine_id", "chunk_id")
_TEXT_COLUMN = "text"
MAX_NEEDLES = 64
"""Ids that the bytes of all files are searched for. Rows are compared with all ids."""


@dataclass(frozen=True)
class Wanted:
    """The ids and lines to search for."""

    documents: frozenset[str]
    chunks: frozenset[str]
    lines: tuple[str, ...]
    """Lines that occur in no other document."""

    def ids(self, column: str) -> frozenset[str]:
        """The ids to look for in an id column."""
        return self.chunks if column == "chunk_id" else self.documents

    @property
    def needles(self) -> list[bytes]:
        """What the bytes of no file may contain."""
        known = [*sorted(self.documents)[:MAX_NEEDLES], *sorted(self.chunks)[:MAX_NEEDLES], *self.lines]
        return [text.encode("utf-8", "surrogatepass") for text in known]


def id_column(columns: Collection[str]) -> str:
    """The column by which the rows of a document are found in a table with these columns.

    Raises:
        ValueError: there is none.
    """
    column = next((name for name in _ID_COLUMNS if name in columns), None)
    if column is None:
        raise ValueError(f"a table without one of {', '.join(_ID_COLUMNS)} cannot be erased from")
    return column


def rows_in_table(home: Home, name: str, wanted: Wanted, version: int | None = None) -> int:
    """Matching rows in the files of one version, deleted rows included. Several versions may share a file."""
    table = LanceTable(home.table(name))
    names = table.open(version).schema.names
    column = id_column(names)
    columns = [column, *([_TEXT_COLUMN] if _TEXT_COLUMN in names else [])]
    keys = pa.array(sorted(wanted.ids(column)), pa.string())
    return sum(_matching(batch, keys, wanted.lines) for batch in table.physical_batches(columns, version))


def _matching(batch: pa.RecordBatch, keys: pa.Array, lines: Collection[str]) -> int:
    matches = pc.is_in(batch.column(0), keys)
    if batch.num_columns > 1:
        for line in lines:
            matches = pc.or_(matches, pc.match_substring(batch.column(1), line))
    return int(pc.sum(matches).as_py() or 0)


def rows_everywhere(home: Home, name: str, wanted: Wanted) -> int:
    """Matching rows in all versions of a table on disk. A row that ten versions contain counts ten times."""
    table = LanceTable(home.table(name))
    return sum(rows_in_table(home, name, wanted, version) for version in table.versions())


def entries_everywhere(home: Home, wanted: Wanted) -> int:
    """Matching entries in all generations of the keyword index. A generation that cannot be read counts as one."""
    found = 0
    for folder in home.keyword.glob("gen-*"):
        try:
            found += len(wanted.chunks & KeywordIndex.open(folder, FILTERS).fingerprints().keys())
        except EngineError:
            found += 1
    return found


def releases_with(home: Home, releases: Collection[Release], wanted: Wanted) -> list[int]:
    """Releases whose files contain some of it, or may contain it: deleted keyword entries cannot be read."""
    return [release.release for release in releases if _contains(home, release, wanted)]


def _contains(home: Home, release: Release, wanted: Wanted) -> bool:
    try:
        index = KeywordIndex.open(home.keyword / release.keyword.generation, FILTERS)
        if not index.erased or not wanted.chunks.isdisjoint(index.fingerprints()):
            return True
        versions = {name: TableVersion.parse(pinned).version for name, pinned in release.tables.items()}
        return any(
            _is_named(home, name, wanted, version) or rows_in_table(home, name, wanted, version)
            for name, version in versions.items()
        )
    except (EngineError, OSError):
        return True


def _is_named(home: Home, name: str, wanted: Wanted, version: int) -> bool:
    """Whether the manifest of a version names an id: a delete writes its filter there."""
    table = LanceTable(home.table(name))
    manifest = manifest_path(table.path, version).read_bytes()
    return any(key.encode() in manifest for key in wanted.ids(id_column(table.open(version).schema.names)))


@dataclass(frozen=True)
class ByteSearch:
    """The result of a search through the bytes of files."""

    files: int
    size: int
    """Bytes searched."""
    found: tuple[str, ...]
    """Files that contain a needle, relative to the home."""


def search_bytes(home: Home, needles: Collection[bytes]) -> ByteSearch:
    """Search the bytes of every file below the home. Rows are searched as well, because pages may be compressed.

    Plans of erasures are left out: a plan is deleted once its certificate is written.
    """
    files = size = 0
    found = []
    for path in _files(home.root):
        if path.parent == home.erasure_plans:
            continue
        files += 1
        size += path.stat().st_size
        if _has_needle(path, needles):
            found.append(path.relative_to(home.root).as_posix())
    return ByteSearch(files, size, tuple(found))


def _files(root: Path) -> Iterator[Path]:
    return (path for path in sorted(root.rglob("*")) if path.is_file() and not path.is_symlink())


def _has_needle(path: Path, needles: Collection[bytes]) -> bool:
    if path.stat().st_size == 0:
        return False
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return any(data.find(needle) >= 0 for needle in needles)
