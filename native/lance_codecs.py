"""How columns are stored: a codec a column, and what it saves, measured on disk.

Lance takes any compression name without a word and falls back to its own choice, so names are checked here; what a
column really costs is read from the files, see `column_sizes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import pyarrow as pa

from native.lance_tables import LanceTable

_KEY = b"lance-encoding:"
_NAMES, _BLOCKED = ("zstd", "lz4", "fsst", "none", "auto"), ("zstd", "lz4")
_MIN_BLOCK, _MAX_BLOCK = 4 << 10, 256 << 10


@dataclass(frozen=True)
class Codec:
    """A compression: `zstd` with its level from 1 to 22, `lz4`, `fsst`, `none`; or `auto`, what Lance chooses."""

    name: str
    level: int = 3
    block: int = 32 << 10
    """Bytes that are compressed together, and read together for one value."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """`zstd`, `zstd:9`, `zstd:3:65536`, `lz4`, `lz4::65536`, `fsst`, `none` or `auto`.

        Raises:
            ValueError: it is none of these.
        """
        name, *numbers = text.split(":")
        level, block = [*numbers, "", ""][:2]
        if name not in _NAMES or len(numbers) > 2 or not all(each.isdecimal() for each in numbers if each):
            raise ValueError(f"{text!r} is no codec: write zstd[:LEVEL[:BLOCK]], lz4[::BLOCK], fsst, none or auto")
        found = cls(name, int(level or 3), int(block or 32 << 10))
        if numbers and name not in _BLOCKED:
            raise ValueError(f"{name} takes no level and no block")
        if not 1 <= found.level <= 22:
            raise ValueError(f"level {found.level} of zstd is not from 1 to 22")
        if not _MIN_BLOCK <= found.block <= _MAX_BLOCK or found.block & (found.block - 1):
            raise ValueError(f"block {found.block} is no power of two from {_MIN_BLOCK} to {_MAX_BLOCK}")
        return found

    @property
    def told(self) -> str:
        """As `codec_of` tells it of a column that is stored so."""
        return codec_of(pa.field("", pa.string(), metadata=self.metadata))

    @property
    def metadata(self) -> dict[bytes, bytes]:
        """What Lance reads from the column's metadata. Without miniblock, zstd compresses each value alone."""
        if self.name == "auto":
            return {}
        told = {b"compression": self.name.encode()}
        if self.name == "zstd":
            told[b"compression-level"] = str(self.level).encode()
        if self.name in _BLOCKED:
            told |= {b"structural-encoding": b"miniblock", b"minichunk-size": str(self.block).encode()}
        return {_KEY + name: value for name, value in told.items()}


def with_codecs(schema: pa.Schema, codecs: Mapping[str, Codec]) -> pa.Schema:
    """The schema with these columns stored so; all others as they were."""
    return pa.schema([_stored(field, codecs.get(field.name)) for field in schema], schema.metadata)


def _stored(field: pa.Field, codec: Codec | None) -> pa.Field:
    if codec is None:
        return field
    kept = {name: value for name, value in (field.metadata or {}).items() if not name.startswith(_KEY)}
    return field.with_metadata({**kept, **codec.metadata})


def codec_of(field: pa.Field) -> str:
    """A column's codec, as `Codec.parse` reads it."""
    told = field.metadata or {}
    name = told.get(_KEY + b"compression", b"auto").decode()
    level, block = (told.get(_KEY + part, b"").decode() for part in (b"compression-level", b"minichunk-size"))
    return ":".join((name, level, block)).rstrip(":")


@dataclass(frozen=True)
class ColumnSize:
    """What a column costs."""

    column: str
    codec: str
    raw: int
    """Bytes in memory, as Arrow lays them out."""
    stored: int
    """Bytes on disk, of rows that are deleted but not yet compacted away, too."""

    @property
    def ratio(self) -> float:
        """Stored by raw; 1 where there is nothing."""
        return self.stored / self.raw if self.raw else 1.0


def column_sizes(table: LanceTable, version: int | None = None) -> list[ColumnSize]:
    """Every column's bytes, raw and stored, in schema order. Reads the whole table once, in batches."""
    dataset = table.open(version)
    names = {field.id(): field.name() for field in dataset.lance_schema.fields()}
    stored: dict[str, int] = dict.fromkeys(names.values(), 0)
    for field in dataset.stats.data_stats().fields:
        stored[names.get(field.id, "")] = stored.get(names.get(field.id, ""), 0) + field.bytes_on_disk
    raw: dict[str, int] = dict.fromkeys(names.values(), 0)
    for batch in dataset.to_batches():
        for name in raw:
            raw[name] += batch.column(name).nbytes
    return [ColumnSize(field.name, codec_of(field), raw[field.name], stored[field.name]) for field in dataset.schema]


def rewrite(table: LanceTable, schema: pa.Schema, format_version: str) -> None:
    """Write all rows anew as one version, in this file format and with the codecs of `schema`.

    Older versions stay readable as they were. The indexes are gone and must be built again.
    """
    import lance

    from native.dataset_cache import pool

    source = table.open()
    wanted = pa.schema(list(schema), source.schema.metadata)
    batches = (batch.cast(wanted) for batch in source.to_batches())
    lance.write_dataset(
        pa.RecordBatchReader.from_batches(wanted, batches),
        str(table.path),
        mode="overwrite",
        data_storage_version=format_version,
        session=pool().session,
    )
