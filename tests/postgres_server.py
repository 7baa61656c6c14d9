"""A PostgreSQL server on 127.0.0.1 for tests: Debian's, with a new data folder."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.object_server import free_port, wait_for

ROOT = Path(__file__).parents[1]
INSTANCE = ROOT / "deploy" / "dagster.yaml"
USER = "postgres"
VARIABLES = {
    "DAGSTER_POSTGRES_HOST": "127.0.0.1",
    "DAGSTER_POSTGRES_USER": USER,
    "DAGSTER_POSTGRES_PASSWORD": "not-asked-for",
    "DAGSTER_POSTGRES_DB": "postgres",
}
"""What the deployed configuration reads from the environment."""


def _programs() -> Path:
    """The folder of the newest server that Debian installed."""
    if find_spec("dagster_postgres") is None:
        pytest.skip("needs the extra postgres")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if not found:
        pytest.skip("needs PostgreSQL: apt-get install postgresql")
    return found[-1].parent


@contextlib.contextmanager
def postgres_server() -> Iterator[int]:
    """Start a server, give its port, and stop it at the end."""
    programs = _programs()
    folder = tempfile.mkdtemp(prefix="omni-postgres-", dir="/tmp")
    # the server refuses to run as root
    user = {"user": USER} if os.geteuid() == 0 else {}
    if user:
        shutil.chown(folder, USER)
    port = free_port()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    server: subprocess.Popen[bytes] | None = None
    try:
        make = [programs / "initdb", "-D", folder, "-U", USER, "--auth=trust", "--no-sync"]
        subprocess.run(make, check=True, **quiet, **user)  # type: ignore[call-overload]
        options = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", "shared_buffers=16MB"]
        start = [programs / "postgres", "-D", folder, "-p", str(port)]
        server = subprocess.Popen(  # type: ignore[call-overload]
            [*start, *(part for option in options for part in ("-c", option))], **quiet, **user
        )
        wait_for(port, server)
        yield port
    finally:
        if server is not None:
            server.send_signal(signal.SIGQUIT)
            server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def instance_folder(folder: Path, port: int) -> Path:
    """A folder for DAGSTER_HOME, with the configuration that people deploy, on the port of the test's server."""
    folder.mkdir()
    configuration = INSTANCE.read_text()
    assert configuration.count("port: 5432") == 1
    (folder / "dagster.yaml").write_text(configuration.replace("port: 5432", f"port: {port}"))
    return folder


def use_instance(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Make this process, and those it starts, use the instance in a folder."""
    for name, value in {**VARIABLES, "DAGSTER_HOME": str(folder)}.items():
        patch.setenv(name, value)
