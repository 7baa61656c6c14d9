"""Print the last runs of a home as JSON, for a process that does not load Dagster."""

import sys
from pathlib import Path

import orjson

from omni_pipelines.home import Home
from resources.instance import open_instance


def recent_runs(home: Home, count: int) -> list[dict[str, object]]:
    """The last runs, newest first: id, job, status, and when they started and ended, in seconds since 1970."""
    with open_instance(home) as instance:
        return [
            {
                "run_id": record.dagster_run.run_id,
                "job": record.dagster_run.job_name,
                "status": record.dagster_run.status.value.lower(),
                "started_at": record.start_time,
                "ended_at": record.end_time,
            }
            for record in instance.get_run_records(limit=count)
        ]


def main() -> None:
    """Print the runs of the home and of the number that `sys.argv` names."""
    runs = recent_runs(Home(Path(sys.argv[1])), int(sys.argv[2]))
    sys.stdout.write(orjson.dumps({"runs": runs}).decode())
