"""The files of a version of a Lance table: their names, and whether they are intact."""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from native.errors import TableCorrupt
from native.lance_manifests import manifest_path
from native.lance_tables import LanceTable

if TYPE_CHECKING:
    import pyarrow as pa
    from lance import LanceDataset

_LAST_BYTES = {".manifest": b"LANC", ".lance": b"LANC", ".idx": b"LANC", ".arrow": b"ARROW1"}
"""The last bytes of a complete file, by suffix."""
_END = struct.Struct("<24xIIHH4s")
"""The end of a file of rows or of an index: the numbers of its buffers and of its columns, the version of the format
in two parts, and Lance's mark."""
_FIRST_WITH_COUNTS = (0, 3)
"""The version of the format from which files end like that."""
_BYTES_PER_BUFFER = 16
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")


def version_files(table: LanceTable, version: int) -> Iterator[str]:
    """All files that a version needs, relative to the table's folder, its manifest last.

    Raises:
        TableMissing: there is no such version.
    """
    dataset = table.open(version)
    yield from (name for name, _ in _data_files(dataset))
    for segment, _ in _index_segments(dataset):
        yield from sorted(f"{segment}/{path.name}" for path in (table.path / segment).iterdir())
    yield f"_versions/{manifest_path(table.path, version).name}"


def rows_of(table: LanceTable, version: int, file: str, columns: Sequence[str]) -> pa.Table:
    """These columns of the rows that are stored in a file, or that a file of deletions belongs to; none of an index.

    Raises:
        TableMissing, EngineError: the rows cannot be read.
    """
    dataset = table.open(version)
    with table.reading():  # even the schema may be damaged
        for fragment in dataset.get_fragments():
            own = {f"data/{each.path}" for each in fragment.metadata.files}
            if file in own or file == fragment.deletion_file():
                return fragment.to_table(columns=list(columns))
        return dataset.schema.empty_table().select(list(columns))


def broken_files(table: LanceTable, version: int | None = None) -> list[str]:
    """Files whose size differs from the manifest, or whose end is missing; for an index, its folder.

    Lance can ignore a write error and commit; a power cut can keep the length of a file and lose its content.
    """
    dataset = table.open(version)
    return [*_broken_data(table.path, dataset), *_broken_indexes(table.path, dataset)]


def is_complete(path: Path) -> bool:
    """Whether a file exists and has the last bytes of its format. With an unknown suffix, whether it is not empty."""
    end = _LAST_BYTES.get(path.suffix, b"")
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - len(end)))
            return size > 0 and (not end or file.read() == end)
    except FileNotFoundError:
        return False


def is_end_possible(path: Path) -> bool:
    """Whether the counts at the end of a file of rows or of an index are possible; True for any other file.

    Lance asks for memory for as many buffers and columns as these counts say.
    """
    if path.suffix not in (".lance", ".idx"):
        return True
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _END.size))
            end = file.read()
    except OSError:  # its reader says so
        return True
    if len(end) < _END.size:  # Lance says so
        return True
    buffers, columns, *version, mark = _END.unpack(end)
    has_counts = mark == _LAST_BYTES[path.suffix] and tuple(version) >= _FIRST_WITH_COUNTS
    return not has_counts or max(buffers, columns) * _BYTES_PER_BUFFER <= size


def _broken_data(folder: Path, dataset: LanceDataset) -> Iterator[str]:
    for name, size in _data_files(dataset):
        if not is_complete(folder / name) or (size and _size(folder / name) != size):
            yield name


def _broken_indexes(folder: Path, dataset: LanceDataset) -> Iterator[str]:
    for name, size in _index_segments(dataset):
        files = list((folder / name).glob("*"))
        actual = sum(_size(path) for path in files) if (folder / name).is_dir() else -1
        if (size is not None and actual != size) or not all(is_complete(path) for path in files):
            yield name


def _data_files(dataset: LanceDataset) -> Iterator[tuple[str, int | None]]:
    """Files of rows and of deletions, with the size in bytes where the manifest records it."""
    for fragment in dataset.get_fragments():
        for file in fragment.metadata.files:
            if not _NAME.fullmatch(file.path):  # we may copy and upload it
                raise TableCorrupt(f"a table names {file.path!r} as its file", cure="do not trust this home")
            yield f"data/{file.path}", file.file_size_bytes
        deletions = fragment.deletion_file()
        if deletions is not None:
            yield deletions, None


def _index_segments(dataset: LanceDataset) -> Iterator[tuple[str, int | None]]:
    """Folders of indexes, with the size in bytes of all their files where the manifest records it."""
    for index in dataset.describe_indices():
        for segment in index.segments:
            yield f"_indices/{segment.uuid}", segment.size_bytes


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return -1
