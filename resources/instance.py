"""The Dagster instance of a home: its run history, logs and sensor cursors.

It lies in `<home>/dagster`, or is a person's own where DAGSTER_HOME or the settings name one.
"""

import glob
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import yaml
from dagster._core.instance.ref import InstanceRef

from native.durable import write_whole
from omni_pipelines.configuration import changed_instance, dagster_folder, is_instance_trusted
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import Home
from omni_pipelines.trust import with_checksum
from resources.storage_import import import_storage

INSTANCE_YAML = """\
# Written by omni, which leaves this file alone once it was changed. Another instance: set DAGSTER_HOME to its folder.
telemetry: {enabled: false}
nux: {enabled: false}
concurrency:
  runs: {max_concurrent_runs: 2}
  pools: {default_limit: 1, granularity: op}
run_monitoring:
  enabled: true
  start_timeout_seconds: 600
  cancel_timeout_seconds: 60
  free_slots_after_run_end_seconds: 60
run_retries: {enabled: true, max_retries: 0}
run_launcher: {module: resources.run_launcher, class: RunLauncher}
retention:
  sensor: {purge_after_days: {skipped: 3, failure: 30, success: -1}}
"""
_UNSET_VARIABLE = re.compile(r'environment variable "(\w+)" which is not set')
_STORAGE = """\
storage:
  custom: {{module: resources.sqlite_storage, class: SqliteStorage, config: {{base_dir: {folder}}}}}
"""


def prepare_instance(home: Home) -> Path:
    """The folder of the instance. The configuration of the home's own one is written, unless a person changed it.

    Raises:
        ConfigurationError: DAGSTER_HOME or the settings name a folder that is not there; or the configuration was
            changed, and nobody trusts it.
    """
    home.create()
    folder = dagster_folder(home)
    if folder != home.dagster:
        return folder
    path, text = (
        home.instance_file,
        with_checksum(INSTANCE_YAML + _STORAGE.format(folder=json.dumps(str(home.dagster)))),
    )
    changed = changed_instance(home)
    if not changed and (not path.is_file() or path.read_text("utf-8") != text):
        write_whole(path, text.encode())
    if changed and not is_instance_trusted(home):
        raise ConfigurationError(
            f"{path} was changed, and can run programs or send data away", cure="read it, then run: omni trust"
        )
    return folder


@contextmanager
def open_instance(home: Home) -> Iterator[dg.DagsterInstance]:
    """The instance, closed at the end.

    Raises:
        ConfigurationError: a person's own instance cannot be opened; the message says why, without passwords.
    """
    folder = prepare_instance(home)
    try:
        instance = instance_in(folder)
    except Exception as error:  # what a storage raises depends on its class, which a person chooses
        if folder == home.dagster:
            raise
        raise ConfigurationError(
            f"the Dagster instance in {folder} cannot be opened: {_reason(error)}",
            cure='correct its dagster.yaml, or what that file needs; PostgreSQL needs "omni-pipelines[postgres]"',
        ) from error
    try:
        yield instance
    finally:
        from resources.sqlite_storage import close_databases  # which imports what Dagster imported to open it

        instance.dispose()
        close_databases(folder)


def _reason(error: BaseException) -> str:
    """The first cause of an error, in one line. Of a configuration only names: its values may be passwords."""
    if isinstance(error, dg.DagsterInvalidConfigError):
        unset = sorted(set(_UNSET_VARIABLE.findall(str(error))))
        return f"not set in the environment: {', '.join(unset)}" if unset else "its configuration is not valid"
    while error.__cause__ is not None:
        error = error.__cause__
    return " ".join(str(error).split()) or type(error).__name__


def instance_in(folder: Path) -> dg.DagsterInstance:
    """The instance in a folder, with the configuration that lies there."""
    import_storage()
    return dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(folder), overrides=_overrides(folder)))


def _overrides(folder: Path) -> dict[str, Any]:
    """The configuration of an instance that Dagster would not find.

    It looks for its file as for a pattern, and below a folder `[x]` it finds none. Its defaults send telemetry.
    """
    file = folder / "dagster.yaml"
    is_pattern = glob.escape(str(folder)) != str(folder)
    return (yaml.safe_load(file.read_text("utf-8")) or {}) if is_pattern and file.is_file() else {}
