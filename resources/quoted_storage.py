"""Dagster's SQLite storage in a folder whose name has `?` or `%`: Dagster puts the path into a URL as it is.

SQLAlchemy takes what follows a question mark for options, and `%20` for a space. An instance names this class in its
`dagster.yaml`, so that every process that opens the instance quotes the path.
"""

from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import quote

from dagster._core.storage import sqlite
from dagster._core.storage.event_log.sqlite import sqlite_event_log
from dagster._core.storage.runs.sqlite import sqlite_run_storage
from dagster._core.storage.schedules.sqlite import sqlite_schedule_storage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData

_plain_address = sqlite.create_db_conn_string
_SCHEME = "sqlite:///"


def quoted_address(base_dir: str, db_name: str) -> str:
    """The URL of a database, with its path quoted."""
    return _SCHEME + quote(_plain_address(base_dir, db_name).removeprefix(_SCHEME))


class QuotedSqliteStorage(DagsterSqliteStorage):
    """The SQLite storage that Dagster uses by default, with quoted paths."""

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]) -> Self:
        """Make the storage from its configuration."""
        for module in (sqlite_event_log, sqlite_run_storage, sqlite_schedule_storage):
            vars(module)["create_db_conn_string"] = quoted_address  # each imported the function by its name
        return cls.from_local(config_value["base_dir"], inst_data)
