"""A real S3 server on 127.0.0.1, in memory, for tests: moto in server mode. And one before it that loses answers."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from importlib.util import find_spec

import pytest

ADDRESS = "AWS_ENDPOINT_URL"


@contextlib.contextmanager
def s3_server() -> Iterator[str]:
    """The URL of a server, which ends with the context."""
    if find_spec("moto") is None or find_spec("flask") is None:
        pytest.skip("the S3 server needs moto[server]")
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(port, process)
        yield url
    finally:
        process.kill()
        process.wait()


def make_bucket(url: str, name: str) -> str:
    """A new bucket; its address."""
    urllib.request.urlopen(urllib.request.Request(f"{url}/{name}", method="PUT"), timeout=30).close()
    return f"s3://{name}/kb"


def speak_to(url: str, patch: pytest.MonkeyPatch) -> None:
    """Send this process, and those it starts, to a server."""
    patch.setenv(ADDRESS, url)
    patch.setenv("AWS_ACCESS_KEY_ID", "test")
    patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    patch.setenv("AWS_REGION", "us-east-1")
    patch.setenv("AWS_ALLOW_HTTP", "true")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    """Until somebody listens."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        assert process.poll() is None, "the server ended at once"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    os.kill(process.pid, 9)
    raise AssertionError(f"no server within {seconds:.0f} s")
