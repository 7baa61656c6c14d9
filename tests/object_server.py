"""A real S3 server in memory for tests (moto in server mode), and a proxy before it that loses answers."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import os
import random
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping
from importlib.util import find_spec

import pytest

ADDRESS = "AWS_ENDPOINT_URL"
_SERVER = """
import functools, sys
import botocore.utils, xmltodict
from moto.core.serialize import ResponseSerializer
botocore.utils.parse_timestamp = functools.cache(botocore.utils.parse_timestamp)  # half the time of a listing
xmltodict._validate_name = functools.cache(xmltodict._validate_name)
ask = ResponseSerializer.get_value
# a listing tries several spellings of each field that an object has, and of those that it lacks
ResponseSerializer.get_value = lambda self, value, key, shape: (
    value.get(key) if isinstance(value, dict) and "StorageClass" in value else ask(self, value, key, shape)
)
from moto.moto_server.werkzeug_app import MotoRequestHandler, create_backend_app
from werkzeug.serving import run_simple
MotoRequestHandler.log_request = lambda *_: None
app = create_backend_app("s3")
run_simple("127.0.0.1", int(sys.argv[1]), app, threaded=True, request_handler=MotoRequestHandler)
"""
"""Without moto's own server, which looks for all services of AWS again at each request: twice the time."""


@contextlib.contextmanager
def s3_server() -> Iterator[str]:
    """Start a server, give its URL, and stop it at the end."""
    if find_spec("moto") is None or find_spec("flask") is None:
        pytest.skip("the S3 server needs moto[server]")
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVER, str(port)],
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
    """Make a bucket, and return the address of a folder in it."""
    urllib.request.urlopen(urllib.request.Request(f"{url}/{name}", method="PUT"), timeout=30).close()
    return f"s3://{name}/kb"


def point_aws_at(url: str, patch: pytest.MonkeyPatch, secret: str = "test") -> None:
    """Make this process, and those it starts, use a server with a secret key, and no other AWS settings."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        patch.delenv(name)
    settings = {
        ADDRESS: url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_REGION": "us-east-1",
        "AWS_ALLOW_HTTP": "true",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    for name, value in settings.items():
        patch.setenv(name, value)


def free_port() -> int:
    """A port on which no server listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    """Wait until a server listens on a port."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server ended at once"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    os.kill(process.pid, 9)
    raise AssertionError(f"no server within {seconds:.0f} s")


class Noise(http.server.ThreadingHTTPServer):
    """A proxy that makes a share of the requests fail, each in a way that the seed decides.

    It drops a request before the server gets it, drops the answer after the server did it, answers 503, or cuts a
    download short.
    """

    daemon_threads = True

    def __init__(self, behind: str, seed: int, share: float) -> None:
        super().__init__(("127.0.0.1", 0), _Noisy)
        self.behind = behind.removeprefix("http://")
        self.share = share
        self.spoiled: Counter[str] = Counter()
        self._dice = random.Random(seed)
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> Noise:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def fails(self, failure: str) -> bool:
        """Whether a request fails in this way."""
        with self._lock:
            hit = self._dice.random() < self.share
            self.spoiled[failure] += hit
            return hit


class _Noisy(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Noise

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.server.fails("request dropped"):
            return self._hang_up()
        if self.server.fails("answered with 503"):
            return self._answer(503, {}, b"<Error><Code>SlowDown</Code></Error>")
        connection = http.client.HTTPConnection(self.server.behind, timeout=60)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _PER_HOP}
        connection.request(self.command, self.path, body, headers)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        if self.command != "GET" and answer.status < 300 and self.server.fails("answer lost"):
            return self._hang_up()
        cut = self.command == "GET" and len(data) > 64 and self.server.fails("download cut short")
        self._answer(answer.status, dict(answer.getheaders()), data, cut=cut)
        return None

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_any

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, status: int, headers: Mapping[str, str], data: bytes, *, cut: bool = False) -> None:
        length = headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(data))
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in {*_PER_HOP, "content-length"}:
                self.send_header(name, value)
        self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data[: len(data) // 2] if cut else data)
        if cut:
            self._hang_up()

    def _hang_up(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


_PER_HOP = {"connection", "transfer-encoding", "keep-alive"}
