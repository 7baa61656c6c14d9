"""Dagster's SQLite storage without what made it cost more than the steps of a small run.

- Dagster makes an engine and a connection for each statement, and the last connection that closes writes the log of a
  database back. Here each database has one engine, which compiles a statement once and keeps its connections.
- Dagster reads the 90 scripts of its migrations five times in a run; here their names are enough.
- Dagster puts the path into a URL as it is; SQLAlchemy takes what follows a `?` for options, and `%20` for a space.

An instance names this class in its `dagster.yaml`, so that every process that opens it has the same storage.
"""

import re
import sqlite3
import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import sqlalchemy as sa
from dagster._core.storage import alembic as migrations
from dagster._core.storage import sql, sqlite
from dagster._core.storage.event_log.sqlite import sqlite_event_log
from dagster._core.storage.runs.sqlite import sqlite_run_storage
from dagster._core.storage.schedules.sqlite import sqlite_schedule_storage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import event
from sqlalchemy.pool import QueuePool

from native.errors import EngineError
from resources.storage_import import Later

_plain_address = sqlite.create_db_conn_string
_SCHEME = "sqlite:///"
_REVISION = re.compile(r'^revision\s*=\s*"(\w+)"', re.MULTILINE)
_BEFORE = re.compile(r"^down_revision\s*=\s*(.+)", re.MULTILINE)
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_ENGINES = 8
"""Databases that a process keeps open at once: three of an instance, and one for each run that it looks at."""


class KeptPool(QueuePool):
    """A pool that stays when its engine is disposed of, which Dagster does after each statement."""

    def dispose(self) -> None:
        """Keep the connections."""

    def recreate(self) -> Self:
        """Return the same pool."""
        return self

    def close(self) -> None:
        """Close the connections that nobody uses."""
        super().dispose()


class _Engines:
    """The engines of the databases that were used last."""

    def __init__(self) -> None:
        self._by_address: dict[str, sa.Engine] = {}
        self._lock = threading.Lock()

    def of(self, address: str) -> sa.Engine:
        """The engine of a database."""
        with self._lock:
            engine = self._by_address.pop(address, None) or _new_engine(address)
            self._by_address[address] = engine
            if len(self._by_address) > _ENGINES:
                self._close(next(iter(self._by_address)))
        return engine

    def close(self, beginning: str) -> None:
        """Close the databases whose addresses begin so."""
        with self._lock:
            for address in [each for each in self._by_address if each.startswith(beginning)]:
                self._close(address)

    def _close(self, address: str) -> None:
        pool = self._by_address.pop(address).pool
        assert isinstance(pool, KeptPool)
        pool.close()


_engines = _Engines()


def close_databases(folder: Path) -> None:
    """Close the databases of the instance in a folder. Dagster does not tell its storage that it is not needed."""
    _engines.close(_SCHEME + quote(str(folder.absolute())) + "/")


def _new_engine(address: str) -> sa.Engine:
    seconds = {"timeout": sqlite.SQLITE_BUSY_TIMEOUT_SECONDS}
    engine = sa.create_engine(address, poolclass=KeptPool, connect_args=seconds)
    event.listen(engine, "connect", _write_quickly)
    event.listen(engine, "handle_error", _name_damaged_file)
    return engine


def _name_damaged_file(context: sa.engine.ExceptionContext) -> None:
    """Say which database is damaged, and that no knowledge is lost with it: SQLite says only that one is."""
    if getattr(context.original_exception, "sqlite_errorcode", 0) & 0xFF in _DAMAGED and context.engine is not None:
        what = f"{context.engine.url.database} is damaged; it holds the history of runs, and nothing that they made"
        raise EngineError(what, cure="move it away", code="4004") from context.original_exception


def quoted_address(base_dir: str, db_name: str) -> str:
    """The URL of a database, with its path quoted."""
    return _SCHEME + quote(_plain_address(base_dir, db_name).removeprefix(_SCHEME))


def _write_quickly(connection: Any, _record: object) -> None:
    """A power cut may cost the last events of a run, and damages nothing, because Dagster writes ahead (WAL)."""
    connection.execute("pragma synchronous = normal")


def kept_engine(address: str, **_options: object) -> sa.Engine:
    """The engine of a database, in place of the one that Dagster makes for each statement."""
    return _engines.of(address)


def migration_settings(dunder_file: str) -> Later:
    """The settings of alembic, read when a database is migrated."""
    return Later(lambda: sql.get_alembic_config(dunder_file))


def revisions(_config: object, connection: sa.Connection) -> tuple[str | None, str]:
    """The revision of a database, None if it is new, and the newest one."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None, newest_revision()
    return connection.execute(sa.text("select version_num from alembic_version")).scalar(), newest_revision()


def stamp_revision(_config: object, connection: sa.Connection, rev: str = "head") -> None:
    """Write the revision of a database into it."""
    connection.execute(sa.text("create table if not exists alembic_version (version_num varchar(32) primary key)"))
    connection.execute(sa.text("delete from alembic_version"))
    values = {"revision": newest_revision() if rev == "head" else rev}
    connection.execute(sa.text("insert into alembic_version values (:revision)"), values)


@cache
def newest_revision() -> str:
    """The revision that no migration of this Dagster follows."""
    scripts = [path.read_text("utf-8") for path in Path(migrations.__path__[0]).glob("versions/*.py")]
    before = " ".join(found for script in scripts for found in _BEFORE.findall(script))
    (newest,) = (found for script in scripts for found in _REVISION.findall(script) if found not in before)
    return str(newest)


class SqliteStorage(DagsterSqliteStorage):
    """The SQLite storage that Dagster uses by default, with quoted paths and kept engines."""

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]) -> Self:
        """Make the storage from its configuration."""
        for module in (sqlite_event_log, sqlite_run_storage, sqlite_schedule_storage):
            vars(module).update(  # each imported the functions by their names
                create_db_conn_string=quoted_address,
                create_engine=kept_engine,
                get_alembic_config=migration_settings,
                check_alembic_revision=revisions,
                stamp_alembic_rev=stamp_revision,
            )
        return cls.from_local(config_value["base_dir"], inst_data)
