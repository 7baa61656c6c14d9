"""Codecs: how a column is compressed on disk, and how many bytes that saves.

Lance accepts any compression name and silently falls back to its own choice, so names are checked here. The real cost
of a column is read from the files, see `column_sizes`.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import pyarrow as pa

from native.lance_tables import LanceTable

_KEY = b"lance-encoding:"
_NAMES = ("zstd", "lz4", "fsst", "none", "auto")
_BLOCKED = ("zstd", "lz4")
_DEFAULT_LEVEL = 3
_DEFAULT_BLOCK = 32 << 10
_MIN_BLOCK = 4 << 10
_MAX_BLOCK = 256 << 10


@dataclass(frozen=True)
class Codec:
    """A compression: `zstd` with a level from 1 to 22, `lz4`, `fsst`, `none`, or `auto` for Lance's own choice."""

    name: str
    level: int = _DEFAULT_LEVEL
    block: int = _DEFAULT_BLOCK
    """Bytes compressed together. To read one value, the whole block is read."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `zstd`, `zstd:9`, `zstd:3:65536`, `lz4`, `lz4::65536`, `fsst`, `none` or `auto`.

        Raises:
            ValueError: the text has none of these forms.
        """
        name, *numbers = text.split(":")
        level, block = [*numbers, "", ""][:2]
        if name not in _NAMES or len(numbers) > 2 or not all(number.isdecimal() for number in numbers if number):
            raise ValueError(f"{text!r} is not a codec: write zstd[:LEVEL[:BLOCK]], lz4[::BLOCK], fsst, none or auto")
        codec = cls(name, int(level or _DEFAULT_LEVEL), int(block or _DEFAULT_BLOCK))
        if numbers and name not in _BLOCKED:
            raise ValueError(f"codec {name} has no level and no block")
        if not 1 <= codec.level <= 22:
            raise ValueError(f"zstd level {codec.level} is not between 1 and 22")
        if not _MIN_BLOCK <= codec.block <= _MAX_BLOCK or codec.block & (codec.block - 1):
            raise ValueError(f"block {codec.block} is not a power of two between {_MIN_BLOCK} and {_MAX_BLOCK}")
        return codec

    @property
    def metadata(self) -> dict[bytes, bytes]:
        """The column metadata that Lance reads. Without miniblock, zstd would compress each value alone."""
        if self.name == "auto":
            return {}
        options = {b"compression": self.name.encode()}
        if self.name == "zstd":
            options[b"compression-level"] = str(self.level).encode()
        if self.name in _BLOCKED:
            options |= {b"structural-encoding": b"miniblock", b"minichunk-size": str(self.block).encode()}
        return {_KEY + name: value for name, value in options.items()}


def with_codecs(schema: pa.Schema, codecs: Mapping[str, Codec]) -> pa.Schema:
    """The schema with these codecs for these columns; other columns keep theirs."""
    return pa.schema([_with_codec(field, codecs.get(field.name)) for field in schema], schema.metadata)


def _with_codec(field: pa.Field, codec: Codec | None) -> pa.Field:
    if codec is None:
        return field
    kept = {name: value for name, value in (field.metadata or {}).items() if not name.startswith(_KEY)}
    return field.with_metadata({**kept, **codec.metadata})


def codec_of(field: pa.Field) -> str:
    """A column's codec, in the form that `Codec.parse` reads."""
    metadata = field.metadata or {}
    name = metadata.get(_KEY + b"compression", b"auto").decode()
    level, block = (metadata.get(_KEY + part, b"").decode() for part in (b"compression-level", b"minichunk-size"))
    return ":".join((name, level, block)).rstrip(":")


@dataclass(frozen=True)
class ColumnSize:
    """The size of a column."""

    column: str
    codec: str
    raw: int
    """Bytes in memory, as Arrow lays them out."""
    stored: int
    """Bytes on disk, including rows that are deleted and not yet compacted away."""

    @property
    def ratio(self) -> float:
        """Stored bytes divided by raw bytes; 1 for an empty column."""
        return self.stored / self.raw if self.raw else 1.0


def column_sizes(table: LanceTable, version: int | None = None) -> list[ColumnSize]:
    """The size of every column, in schema order. Reads the whole table once, in batches."""
    dataset = table.open(version)
    names = {field.id(): field.name() for field in dataset.lance_schema.fields()}
    stored: Counter[str] = Counter()
    for field in dataset.stats.data_stats().fields:  # type: ignore[attr-defined]  # a list, though Lance says otherwise
        stored[names.get(field.id, "")] += field.bytes_on_disk
    raw: Counter[str] = Counter()
    for batch in dataset.to_batches():
        raw.update({name: batch.column(name).nbytes for name in batch.schema.names})
    return [ColumnSize(field.name, codec_of(field), raw[field.name], stored[field.name]) for field in dataset.schema]
