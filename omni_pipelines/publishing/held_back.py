"""What a rollback holds back: rows, not versions, because maintenance gives the same rows a new version."""

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from native import duckdb_sql
from native.lance_manifests import ManifestIdentity, manifest_identity
from native.lance_tables import LanceTable, TableVersion
from omni_pipelines.home import Home
from omni_pipelines.records import HeldRows, Release
from omni_pipelines.schemas import Table, is_light


def held_rows(home: Home, definition: Table, version: int) -> HeldRows:
    """Describe the rows of a version, so that they are recognized in another one.

    Columns of users are left out. So are texts and vectors, which have their hashes in other columns.
    """
    table = LanceTable(home.table(definition.name))
    columns = tuple(column.name for column in definition.schema if is_light(column))
    return HeldRows(columns=columns, checksum=_checksum(table, version, columns))


def holds_back(release: Release) -> bool:
    """Whether a release is a rollback, and not one to what was published last, which takes nothing back."""
    rollback = release.rollback
    return rollback is not None and (
        rollback.heads != release.tables or rollback.keyword not in ("", release.keyword.generation)
    )


def is_held_back(home: Home, release: Release, heads: Mapping[str, str]) -> bool:
    """Whether a release is a rollback, and these heads have the rows that it holds back.

    Args:
        home: the home of the release.
        release: the newest release.
        heads: table to `uuid:version` of its head.
    """
    rollback = release.rollback
    if rollback is None or not holds_back(release):
        return False
    return all(
        head == rollback.heads.get(name) or _has_rows(home, name, head, rollback.rows.get(name))
        for name, head in heads.items()
    )


def _has_rows(home: Home, name: str, head: str, held: HeldRows | None) -> bool:
    table = LanceTable(home.table(name))
    if held is None or not set(held.columns) <= set(table.open().schema.names):
        return False
    return _checksum(table, TableVersion.parse(head).version, held.columns) == held.checksum


def _checksum(table: LanceTable, version: int, columns: Sequence[str]) -> str:
    return _cached_checksum(table.path, version, tuple(columns), manifest_identity(table.path, version))


@functools.lru_cache(maxsize=8)
def _cached_checksum(path: Path, version: int, columns: tuple[str, ...], _manifest: ManifestIdentity) -> str:
    """A checksum of the rows of a version, in whatever order. Cached, because a sensor asks again and again."""
    table = LanceTable(path)
    schema = table.open(version).schema
    values = ", ".join(_as_text(schema.field(name)) for name in columns)
    sql = f"select bit_xor(md5_number(concat_ws(chr(31), {values}))), count(*) from rows"
    [(checksum, rows)] = duckdb_sql.query(sql, {"rows": table.scanner(columns, version=version)})
    return f"{rows}:{checksum or 0:032x}"


def _as_text(column: pa.Field) -> str:
    """The value of a column in a form that no setting of DuckDB changes."""
    if pa.types.is_list(column.type):
        return f"array_to_string({column.name}, chr(30))"
    return f"epoch_us({column.name})" if pa.types.is_timestamp(column.type) else column.name
