"""Redacts the run history of a Dagster instance outside the home: SQLite files and logs, or PostgreSQL tables."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import dagster as dg
import sqlalchemy as sa
from dagster._core.storage.runs import SqlRunStorage

from omni_pipelines.configuration import dagster_folder
from omni_pipelines.erasure.run_history import PhraseMatcher, redact_file, redacted_value
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import Home
from resources.instance import open_instance

_FILES = ("history/**/*.db", "schedules/**/*.db", "storage/*/compute_logs/*")
"""What Dagster writes below the folder of an instance. Other files there belong to the person."""
_PAGE = 500
_PLACE: sa.ColumnClause[str] = sa.literal_column("ctid")
"""Where PostgreSQL keeps a row: not all tables of Dagster have a primary key."""
_AT_PLACE = sa.text("ctid = CAST(:place AS tid)")
_Change = tuple[sa.Table, str, Mapping[str, str]]
"""A table, the place of a row in it, and the new values of the row."""


def redact_instance(home: Home, phrases: PhraseMatcher, write: bool) -> int:
    """Redact what matches, or with `write` false only count it.

    Raises:
        ConfigurationError: the instance keeps its history in a database of another kind.
    """
    folder = dagster_folder(home)
    if folder == home.dagster:
        return 0  # `omni_pipelines.erasure.run_history` redacts it
    return _in_files(folder, phrases, write) + _in_database(home, phrases, write)


def _in_files(folder: Path, phrases: PhraseMatcher, write: bool) -> int:
    paths = sorted(path for pattern in _FILES for path in folder.glob(pattern) if path.is_file())
    return sum(redact_file(path, phrases, write=write) for path in paths)


def _in_database(home: Home, phrases: PhraseMatcher, write: bool) -> int:
    with open_instance(home) as instance, _storage(instance).connect() as outer:
        engine = outer.engine
        if engine.dialect.name == "sqlite":
            return 0  # its files are redacted
        if engine.dialect.name != "postgresql":
            raise ConfigurationError(
                f"the run history is in {engine.dialect.name}, where omni cannot erase",
                cure="delete the runs that quote it, then erase with DAGSTER_HOME unset",
            )
        with engine.connect().execution_options(isolation_level="READ COMMITTED") as connection, connection.begin():
            changes = list(_changes(connection, phrases))
            for table, place, values in changes if write else ():
                connection.execute(sa.update(table).where(_AT_PLACE.bindparams(place=place)).values(values))
        if write:
            _write_anew(outer, {table.name for table, _, _ in changes})
    return sum(len(values) for _, _, values in changes)


def _storage(instance: dg.DagsterInstance) -> SqlRunStorage:
    assert isinstance(instance.run_storage, SqlRunStorage), "each storage of an instance is in a database"
    return instance.run_storage


def _changes(connection: sa.Connection, phrases: PhraseMatcher) -> Iterator[_Change]:
    metadata = sa.MetaData()
    metadata.reflect(connection)
    for table in metadata.sorted_tables:
        texts = [column for column in table.columns if isinstance(column.type, sa.String)]
        if not texts:
            continue
        wanted = sa.select(sa.cast(_PLACE, sa.Text), *texts).select_from(table)
        rows = connection.execute(wanted, execution_options={"yield_per": _PAGE})
        for place, *values in rows:
            new = {
                column.name: redacted
                for column, value in zip(texts, values, strict=True)
                if value is not None and (redacted := redacted_value(value, phrases)) != value
            }
            if new:
                yield table, place, new


def _write_anew(connection: sa.Connection, tables: Collection[str]) -> None:
    """Write tables anew: a changed row keeps its old bytes until then. The connection commits each statement."""
    quote = connection.dialect.identifier_preparer.quote
    for name in sorted(tables):
        connection.execute(sa.text("VACUUM (FULL) " + quote(name)))
