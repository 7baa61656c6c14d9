"""The Dagster instance of a home: its run history, logs and sensor cursors, in `<home>/dagster`."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from native.durable import write_whole
from omni_pipelines.home import Home

INSTANCE_YAML = """\
# Written by omni. Another storage: put your own dagster.yaml in another folder and set DAGSTER_HOME to it.
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
retention:
  sensor: {purge_after_days: {skipped: 3, failure: 30, success: -1}}
"""
_QUOTED_STORAGE = """\
storage:
  custom: {{module: resources.quoted_storage, class: QuotedSqliteStorage, config: {{base_dir: {folder}}}}}
"""


def prepare_instance(home: Home) -> None:
    """Write the instance's configuration, if it is not there or not this one."""
    home.create()
    path = home.dagster / "dagster.yaml"
    configuration = INSTANCE_YAML + _storage(home)
    if not path.is_file() or path.read_text("utf-8") != configuration:
        write_whole(path, configuration.encode())


def _storage(home: Home) -> str:
    """The storage for a home whose path Dagster would not write into a URL correctly; else "", for the default."""
    folder = str(home.dagster)
    return _QUOTED_STORAGE.format(folder=json.dumps(folder)) if set("?%") & set(folder) else ""


@contextmanager
def open_instance(home: Home) -> Iterator[dg.DagsterInstance]:
    """The instance, closed at the end."""
    prepare_instance(home)
    instance = dg.DagsterInstance.from_config(str(home.dagster))
    try:
        yield instance
    finally:
        instance.dispose()
